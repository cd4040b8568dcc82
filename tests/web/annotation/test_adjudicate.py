"""Adjudication in the browser: the queue, one blind answer, decisions by keyboard, all labels with search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from liangxin.annotation.desk.saving import Span, Submission
from liangxin.annotation.outcome.adjudication import history
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.engine.stored import stored_result
from liangxin.people.sessions import Sessions
from liangxin.records import Item, Reply
from liangxin.store import Database
from liangxin.web.site import Site
from testbench.desk import Desk, stored_run
from testbench.site import Client

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAMES = open_benchmark("flames")
CVALUES = open_benchmark("cvalues-safety")
CATEGORY = ("Fairness", "Toxic language")
HOSTILE = "<img src=x onerror=\"document.title='ran'\">"


def answered(item: Item, _turn: int) -> Reply:
    return Reply(text=f"{item.id} 的回答：先听双方。{HOSTILE}")


@pytest.fixture
def desk(database: Database) -> Desk:
    """Sixty-two answers; people disagree on f0, f1 and f2."""
    items = [
        Item(id=f"f{number}", turns=(f"第{number}问 {HOSTILE}",), category=("Fairness", "Toxic language"))
        for number in range(62)
    ]
    stored_run(database, FLAMES, items, answered, "秘密模型-7B")
    desk = Desk.at(database, ProjectSpec(name="盲评", runs=("秘密模型-7B",), annotators=3))
    for number in range(3):
        said = Submission(
            token="",
            levels={},
            comment=f"评语 {HOSTILE}",
            spans=[Span(place=0, turn=1, start=0, end=2)],
        )
        desk.says(0, f"f{number}", "1", said)
        desk.says(1, f"f{number}", "3")
        desk.says(2, f"f{number}", "3")
    for number in range(3, 60):
        desk.says(0, f"f{number}", "3")
    return desk


@pytest.fixture
def enter(
    team_site: Site, serving: Callable[[Site], Client], desk: Desk
) -> Iterator[Callable[[int], Client]]:
    """A client of somebody who is signed in."""
    first = serving(team_site)
    opened: list[Client] = []

    def entered(account: int) -> Client:
        client = Client(first.base_url)
        client.cookies[team_site.cookie] = Sessions(desk.database).open(account).token
        opened.append(client)
        return client

    yield entered
    for client in opened:
        client.close()


def home(desk: Desk) -> str:
    return f"/projects/{desk.project.key}/adjudicate"


def settled(desk: Desk, item: str) -> list[tuple[int, str | None, str]]:
    found = history(desk.database, desk.project, desk.answer(item))
    return [(one.version, one.level, one.reason) for one in found]


def test_the_queue_and_one_answer_are_blind(enter: Callable[[int], Client], desk: Desk) -> None:
    adjudicator = enter(desk.adjudicator.key)
    queue = adjudicator.get(home(desk)).text
    assert queue.count('class="row"') == 3
    answer = adjudicator.get(f"{home(desk)}/{desk.answer('f0')}").text
    for text in (queue, answer):
        assert "秘密模型" not in text
        assert HOSTILE not in text
        for person in desk.people:
            assert person.name not in text
            assert person.alias not in text
    assert "评语 &lt;img" in answer
    assert answer.count("<blockquote") == 1
    assert "我们的解读" in answer, "the guideline stands beside it"


def test_a_reason_that_must_be_given_is_marked_so(enter: Callable[[int], Client], desk: Desk) -> None:
    adjudicator = enter(desk.adjudicator.key)
    marked = re.compile(r'<label for="reason">\S+ <small class="quiet">（必填）</small></label>')
    assert marked.search(adjudicator.get(f"{home(desk)}/{desk.answer('f0')}").text)
    adjudicator.get("/language/en?back=/")
    assert "(required)" in adjudicator.get(f"{home(desk)}/{desk.answer('f0')}").text


def test_a_majority_of_three_is_said_where_three_read(enter: Callable[[int], Client], desk: Desk) -> None:
    items = [Item(id="g0", turns=("一问",), category=())]
    stored_run(desk.database, CVALUES, items, answered, "多数-7B")
    for name, annotators, overlap in (("三人", 3, 1.0), ("两人", 2, 1.0), ("部分", 3, 0.5)):
        spec = ProjectSpec(name=name, runs=("多数-7B",), annotators=annotators, overlap=overlap)
        Desk.at(desk.database, spec)
    annotator = enter(desk.people[0].key)
    assert "多数" not in annotator.get("/").text
    cards = {card.split("</bdi>")[0]: card for card in annotator.get("/projects").text.split("<h2><bdi>")[1:]}
    assert {name for name, card in cards.items() if "3 人多数" in card} == {"盲评", "三人"}


def test_of_several_answers_the_list_says_which(enter: Callable[[int], Client], desk: Desk) -> None:
    """By a number in the reader's own random order: no number stands for one model throughout."""
    runs = ("并排-7B", "并排-13B")
    items = [Item(id=f"f{number}", turns=(f"第{number}问",), category=CATEGORY) for number in range(12)]
    for name in runs:
        stored_run(desk.database, FLAMES, items, answered, name)
    two = Desk.at(desk.database, ProjectSpec(name="并排", runs=runs, annotators=2), people=2)
    for number in range(12):
        two.says(0, f"f{number}", {(0, 1): "1", (1, 1): "3"})
        two.says(1, f"f{number}", {(0, 1): "3", (1, 1): "3"})
    adjudicator = enter(two.adjudicator.key)
    for path in (home(two), f"{home(two)}/labels"):
        found = adjudicator.get(path).text
        assert "第 1 题 · 回答 " in found
        said = set(re.findall(r"-0-1\D.*?第 \d+ 题 · 回答 (\d)", found, re.S))
        assert said == {"1", "2"}
    at = two.answer("f0")
    heading = re.search(r"<h1>(.*?)</h1>", adjudicator.get(f"{home(two)}/{at}").text)
    assert heading is not None
    assert heading.group(1) in adjudicator.get(home(two)).text
    assert "回答 1" not in adjudicator.get(home(desk)).text, "where there is one answer, it has no number"


def test_what_waits_is_counted_at_the_doors(enter: Callable[[int], Client], desk: Desk) -> None:
    count = '<span class="count">3</span>'
    for account in (desk.adjudicator.key, desk.owner.key):
        client = enter(account)
        assert f"{count} 条分歧待裁决" in client.get("/").text
        assert count in client.get("/projects").text
    annotator = enter(desk.people[0].key)
    assert "题等你标" in annotator.get("/").text
    assert "待裁决" not in annotator.get("/").text


def test_a_decision_by_form_leads_on_and_scores_follow(enter: Callable[[int], Client], desk: Desk) -> None:
    adjudicator = enter(desk.adjudicator.key)
    path = f"{home(desk)}/{desk.answer('f0')}"
    adjudicator.get(path)
    sent = {"act": "decide", "level": "2", "reason": "未指出前提问题", "base_version": "0"}
    after = adjudicator.post(path, sent, follow=False)
    assert after.status == 303
    assert after.headers["location"].endswith(f"?before={desk.answer('f0')}")
    assert settled(desk, "f0") == [(1, "2", "未指出前提问题")]
    assert adjudicator.get(home(desk)).text.count('class="row"') == 2
    judge = stored_result(desk.database, "秘密模型-7B", "people:盲评").judges[0]
    assert judge.verdicts["given"] == 60
    conflict = adjudicator.post(path, {**sent, "level": "1"})
    assert conflict.status == 409
    assert "刚刚有了新的裁决" in conflict.text
    seen = adjudicator.get(path).text
    assert desk.adjudicator.alias in seen
    assert desk.adjudicator.name not in seen.split("<main")[1]
    assert desk.adjudicator.name in enter(desk.owner.key).get(path).text
    adjudicator.get(path)
    back = adjudicator.post(path, {"act": "take_back", "reason": "", "base_version": "1"})
    assert back.status == 200
    assert settled(desk, "f0")[-1] == (2, None, "")
    assert adjudicator.get(home(desk)).text.count('class="row"') == 3


def test_the_last_one_leads_back_to_the_empty_list(enter: Callable[[int], Client], desk: Desk) -> None:
    adjudicator = enter(desk.adjudicator.key)
    answer = adjudicator.get(f"{home(desk)}/next")
    for _ in range(3):
        item = next(one for one in ("f0", "f1", "f2") if f"{one} 的回答" in answer.text)
        path = f"{home(desk)}/{desk.answer(item)}"
        sent = {"act": "decide", "level": "1", "reason": "x", "base_version": "0"}
        answer = adjudicator.post(path, sent)
    assert "没有等你裁决的分歧" in answer.text
    assert "上一条已裁决" in answer.text


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"level": "9", "reason": "x", "base_version": "0"}, 400, "没有“9”这一档"),
        ({"level": "", "reason": "x", "base_version": "0"}, 400, "这一档"),
        ({"level": "1", "reason": " ", "base_version": "0"}, 400, "请写明裁决理由"),
        ({"level": "1", "reason": "长" * 2001, "base_version": "0"}, 413, "2001"),
        ({"level": "1", "reason": "x", "base_version": "x"}, 400, "整数"),
        ({"level": "1", "reason": "x", "base_version": "0", "act": "burn"}, 400, "act"),
        ({"level": "1", "reason": "x", "base_version": "0", "csrf": "forged"}, 403, "没有任何改动"),
    ],
)
def test_bad_decisions_change_nothing(
    enter: Callable[[int], Client], desk: Desk, fields: dict[str, str | list[str]], status: int, said: str
) -> None:
    adjudicator = enter(desk.adjudicator.key)
    path = f"{home(desk)}/{desk.answer('f0')}"
    adjudicator.get(path)
    answer = adjudicator.post(path, {"act": "decide", **fields})
    assert (answer.status, said in answer.text) == (status, True), answer.text
    assert settled(desk, "f0") == []


def test_annotators_and_those_who_annotated_are_kept_out(enter: Callable[[int], Client], desk: Desk) -> None:
    annotator = enter(desk.people[0].key)
    for path in ("", "/next", "/labels", f"/{desk.answer('f0')}"):
        assert annotator.get(home(desk) + path).status == 403
    owner_desk = Desk(
        database=desk.database,
        project=desk.project,
        owner=desk.owner,
        adjudicator=desk.adjudicator,
        people=[desk.owner],
    )
    owner_desk.says(0, "f0", "1")
    owner = enter(desk.owner.key)
    assert owner.get(home(desk)).text.count('class="row"') == 2
    path = f"{home(desk)}/{desk.answer('f0')}"
    refused = owner.get(path)
    assert refused.status == 403
    assert "你标注过这道题" in refused.text
    owner.get(home(desk))
    sent = {"act": "decide", "level": "1", "reason": "x", "base_version": "0"}
    assert owner.post(path, sent).status == 403
    assert settled(desk, "f0") == []


@pytest.mark.parametrize(
    "place", ["1", "a-b-c", "1-0", "1-0-1-1", "1-0-9", "999999999-0-1", "99999999999-0-1"]
)
def test_an_address_that_leads_nowhere(enter: Callable[[int], Client], desk: Desk, place: str) -> None:
    assert enter(desk.adjudicator.key).get(f"{home(desk)}/{place}").status == 404


def test_all_labels_are_paged_and_searched(enter: Callable[[int], Client], desk: Desk) -> None:
    adjudicator = enter(desk.adjudicator.key)
    labels = f"{home(desk)}/labels"
    first = adjudicator.get(labels).text
    assert "共 60 条，符合 60 条" in first
    assert first.count('class="row"') == 50
    assert adjudicator.get(f"{labels}?page=2").text.count('class="row"') == 10
    assert adjudicator.get(f"{labels}?page=99").text.count('class="row"') == 10
    for query, count in {
        "q=第59问": 1,
        "q=f59%20的回答": 1,
        "how=majority": 3,
        "how=single&q=先听双方": 57,
        "q=%25": 0,
        "q='%20OR%201=1--": 0,
        "how=nothing": 0,
        "level=1": 0,
    }.items():
        found = adjudicator.get(f"{labels}?{quote(query, safe='=&%')}").text
        assert f"符合 {count} 条" in found, query
        assert HOSTILE not in found


def test_a_label_without_dispute_is_corrected(enter: Callable[[int], Client], desk: Desk) -> None:
    owner = enter(desk.owner.key)
    path = f"{home(desk)}/{desk.answer('f30')}"
    seen = owner.get(path).text
    assert "更正标签" in seen
    sent = {"act": "decide", "level": "1", "reason": "漏看了", "base_version": "0", "stay": "1"}
    assert owner.post(path, sent, follow=False).headers["location"] == path
    assert settled(desk, "f30") == [(1, "1", "漏看了")]
    found = owner.get(f"{home(desk)}/labels?how=adjudicated").text
    assert found.count('class="row"') == 1


def test_an_adjudicator_settles_by_keyboard(
    team_site: Site, enter: Callable[[int], Client], desk: Desk, browser: Browser
) -> None:
    token = Sessions(desk.database).open(desk.adjudicator.key).token
    context = browser.new_context()
    context.add_cookies([{"name": team_site.cookie, "value": token, "url": team_site.base_url}])
    enter(desk.adjudicator.key)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        page.goto(f"{team_site.base_url}{home(desk)}/{desk.answer('f0')}")
        page.keyboard.press("2")
        assert page.locator('input[name="level"][value="2"]').is_checked()
        page.keyboard.type("说了 3 句")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("没有危害")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert f"before={desk.answer('f0')}" in page.url
        assert settled(desk, "f0") == [(1, "2", "说了 3 句\n没有危害")]
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        assert settled(desk, "f1") == settled(desk, "f2") == [], "no reason, no decision"
        assert page.title() != "ran"
        assert faults == []
    finally:
        context.close()
