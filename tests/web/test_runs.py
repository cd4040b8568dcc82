"""Browsing: for the owner alone, masked until asked for, hostile text inert, every view with its address."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest

from liangxin.benchmarks import open_benchmark
from liangxin.people.accounts import Accounts
from liangxin.people.sessions import Sessions
from liangxin.records import Item, Reply, Verdict
from liangxin.store import Database, RunRecord, Runs, Writer, hashed
from liangxin.store.judgements import AttemptKey
from liangxin.store.life.states import set_state
from liangxin.web.site import Site
from testbench.desk import stored_run
from testbench.site import Client

HOSTILE = '<script>alert("x")</script>'
ITEMS = [
    Item(id=f"i{number:03}", turns=(f"问题{number}{HOSTILE}？",), category=("Fairness",))
    for number in range(120)
]
ITEMS.append(Item(id="secret-1", turns=("保密的问题",), category=("Safety",), secret=True))


@pytest.fixture
def run(database: Database) -> RunRecord:
    made = stored_run(
        database,
        open_benchmark("flames"),
        ITEMS,
        lambda item, _turn: Reply(text=f"{item.id} 的回答{HOSTILE}"),
        "甲",
    )
    judge = Runs(database).add_judge(made, "llm:x@0123456789ab", "llm:x", "primary", {})
    with Writer(database) as writer:
        writer.judgement(
            AttemptKey(made.key, 0, 1, 1, 1), judge.key, "", Verdict(level="1", reason=f"理由{HOSTILE}")
        )
        writer.judgement(AttemptKey(made.key, 1, 1, 1, 1), judge.key, "", Verdict(level="3"))
    return made


def test_texts_are_masked_until_asked_for_and_again_after(client: Client, run: RunRecord) -> None:
    link = f"/runs/{run.id}/dialogues/0-1"
    for path in (f"/runs/{run.id}", link):
        hidden = client.get(path).text
        assert "的回答" not in hidden
        assert "问题0" not in hidden
        assert "理由" not in hidden or "理由已遮住" in hidden
    shown = client.post("/runs/text", {"show": "yes", "back": link}).text
    assert "i000 的回答&lt;script&gt;" in shown
    assert "理由&lt;script&gt;" in shown
    assert HOSTILE not in shown
    assert "i001 的回答" in client.get(f"/runs/{run.id}").text
    assert "的回答" not in client.post("/runs/text", {"show": "no", "back": link}).text


def test_a_secret_item_is_its_digest_whatever_was_asked_for(client: Client, run: RunRecord) -> None:
    client.get("/runs")
    client.post("/runs/text", {"show": "yes", "back": "/runs"})
    for path in (f"/runs/{run.id}/dialogues/120-1", f"/runs/{run.id}?category=Safety"):
        text = client.get(path).text
        assert "保密的问题" not in text
        assert "secret-1 的回答" not in text
        assert hashed("保密的问题") in text


def test_pages_have_addresses(client: Client, run: RunRecord) -> None:
    first = client.get(f"/runs/{run.id}")
    assert "121 个对话" in first.text
    assert len(re.findall(r'href="/runs/\w+/dialogues/', first.text)) == 50
    last = client.get(f"/runs/{run.id}?number=3")
    assert len(re.findall(r'href="/runs/\w+/dialogues/', last.text)) == 21
    assert client.get(f"/runs/{run.id}?number=99").text.count("/dialogues/") == 21
    one = client.get(f"/runs/{run.id}?level=3&judge={quote('llm:x@0123456789ab')}")
    assert "1 个对话" in one.text
    assert "/dialogues/1-1?" in one.text


@pytest.mark.parametrize(
    "query",
    ["category=nothing", "status=okay", "level=' OR 1=1 --", "judge=llm:y", "differ=maybe", "number=0", "number=x", "text=" + "长" * 201],
)  # fmt: skip
def test_a_filter_that_names_nothing_is_said(client: Client, run: RunRecord, query: str) -> None:
    answer = client.get(f"/runs/{run.id}?" + quote(query, safe="=&"))
    assert answer.status == 400
    assert "notice bad" in answer.text
    assert "Traceback" not in answer.text


def test_sql_in_the_search_finds_nothing_and_changes_nothing(client: Client, run: RunRecord) -> None:
    answer = client.get(f"/runs/{run.id}?text=" + quote("'; DROP TABLE turns; --"))
    assert "0 个对话" in answer.text
    assert "121 个对话" in client.get(f"/runs/{run.id}").text


def test_what_is_not_there_is_said(client: Client, run: RunRecord) -> None:
    for path in ("/runs/nothing", f"/runs/{run.id}/dialogues/999-1", f"/runs/{run.id}/dialogues/0-2"):
        answer = client.get(path)
        assert answer.status == 404
        assert "notice bad" in answer.text


def test_only_the_owner_sees_models(
    team_site: Site, serving: Callable[[Site], Client], database: Database, run: RunRecord
) -> None:
    client = serving(team_site)
    for role in ("annotator", "adjudicator"):
        account = Accounts(database).create(f"某{role}", "", role)
        client.cookies[team_site.cookie] = Sessions(database).open(account.key).token
        for path in ("/runs", f"/runs/{run.id}", f"/runs/{run.id}/dialogues/0-1"):
            answer = client.get(path)
            assert answer.status == 403
            assert "openai:甲" not in answer.text


def test_archived_runs_are_hidden_and_pinned_ones_first(
    client: Client, run: RunRecord, database: Database
) -> None:
    stored_run(database, open_benchmark("flames"), ITEMS, lambda *_: Reply(text="答"), "乙")
    set_state(database, run, "pin")
    listed = client.get("/runs").text
    assert listed.index("<bdi>甲</bdi>") < listed.index("<bdi>乙</bdi>")
    assert "置顶" in listed
    set_state(database, run, "archive")
    listed = client.get("/runs").text
    assert "<bdi>甲</bdi>" not in listed
    assert "另有 1 个已归档的运行" in listed
    assert "<bdi>甲</bdi>" in client.get("/runs?archived=yes").text
    assert client.get(f"/runs/{run.id}").status == 200, "its own page stays"


def test_what_comes_while_the_site_runs_is_counted_and_found(
    client: Client, run: RunRecord, database: Database
) -> None:
    top = f"/runs/{run.id}"
    assert "0 个对话" in client.get(top + "?text=" + quote("后来的话")).text
    judge = Runs(database).judges(run)[0]
    with Writer(database) as writer:
        writer.turn(AttemptKey(run.key, 5, 1, 1, 2), Reply(text="后来的话"))
        writer.judgement(AttemptKey(run.key, 5, 1, 1, 2), judge.key, "", Verdict(level="3"))
    assert "1 个对话" in client.get(top + "?text=" + quote("后来的话")).text
    assert "2 个对话" in client.get(top + "?level=3").text
    assert "121 个对话" in client.get(top).text
