"""Judging beside asking: as soon as a dialogue ends, within the endpoint's limit, and nothing of either stage lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from liangxin.engine.pool import Stop
from liangxin.engine.progress import Progress
from liangxin.engine.stages.collect import Collector
from liangxin.engine.stages.following import Audience, Following
from liangxin.records import Reply
from liangxin.specs import RunSpec
from liangxin.store import Database, Runs, Work, Writer, dialogues
from liangxin.store.leases import Lease, Leases
from liangxin.store.schema import JUDGEMENTS, TURNS
from liangxin.testing.behaviours import Planned
from liangxin.testing.provider import Provider, running

pytestmark = pytest.mark.slow

LATENCY = 0.04
ITEMS = 40
KEPT = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running(Provider(latency=LATENCY)) as served:
        yield served


class Shell:
    """Commands on one store in one folder."""

    def __init__(self, folder: Path, provider: Provider) -> None:
        self.folder, self.provider = folder, provider
        rows = [
            {"ability": "传统安全", "dimension": "财产隐私", "question": f"题{k}", "follow_up": f"追问{k}"}
            for k in range(ITEMS)
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / "data.jsonl").write_text(lines, encoding="utf-8")

    def words(self, *judges: str, store: str = "store.db") -> list[str]:
        words = ["run", "sc-safety", "--model", "openai:m", "--base-url", self.provider.base_url, "--data"]
        words += ["data.jsonl", "--store", store, "--judge-base-url", self.provider.base_url]
        words += ["--connections", "4", "--format", "json", "--name", "r"]
        return [sys.executable, "-m", "liangxin", *words, *(w for one in judges for w in ("--judge", one))]

    def start(
        self, *judges: str, more: tuple[str, ...] = (), store: str = "store.db"
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.words(*judges, store=store), *more],
            cwd=self.folder,
            env=KEPT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *judges: str, more: tuple[str, ...] = (), store: str = "store.db") -> tuple[int, str, str]:
        process = self.start(*judges, more=more, store=store)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        assert "never retrieved" not in err, err
        return process.returncode, out, err

    def stored(self, store: str = "store.db") -> tuple[set[Any], set[Any]]:
        """Every reply and every verdict, without what depends on the moment."""
        database = Database(str(self.folder / store), create=False)
        (run,) = Runs(database).all()
        judges = {one.key: one.identity for one in Runs(database).judges(run)}
        replies, verdicts = set(), set()
        for one in dialogues(database, run):
            for exchange in one.dialogue.exchanges:
                replies.add((one.dialogue.key, exchange.turn, exchange.reply.status, exchange.reply.text))
            for (judge, turn, _), ruling in one.rulings.items():
                verdict = ruling.verdict
                verdicts.add((one.dialogue.key, turn, judges[judge], verdict.status, verdict.level))
        database.close()
        return replies, verdicts

    def rows(self) -> tuple[int, int]:
        """How many attempts at turns and how many verdicts the store has."""
        database = Database(str(self.folder / "store.db"), create=False)
        with database.begin() as connection:
            found = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (TURNS, JUDGEMENTS)
            ]
        database.close()
        return found[0], found[1]

    def asked(self, model: str, number: int) -> None:
        """Wait until that model got so many requests."""
        until = time.monotonic() + 60
        while self.provider.count(model=model) < number:
            assert time.monotonic() < until
            time.sleep(0.01)

    def times(self, model: str) -> list[float]:
        return [one.at for one in self.provider.requests if one.model == model]


@pytest.fixture
def shell(tmp_path: Path, provider: Provider) -> Shell:
    return Shell(tmp_path, provider)


def test_a_dialogue_is_ruled_on_as_soon_as_it_ends_by_every_judge(shell: Shell) -> None:
    status, out, err = shell.run("llm:openai:judge-a", "llm:openai:judge-b", "scorer")
    assert status == 0, err
    told = json.loads(out)
    assert told["replies"] == {"ok": 2 * ITEMS}
    assert [sum(one["verdicts"].values()) for one in told["judges"]] == [2 * ITEMS] * 3
    for judge in ("judge-a", "judge-b"):
        assert shell.provider.count(model=judge) == 2 * ITEMS
        before = sum(at < max(shell.times("m")) for at in shell.times(judge))
        assert before > ITEMS, "most verdicts were asked for while the model was still asked"
    assert max(Counter((one.model, one.prompt) for one in shell.provider.requests).values()) == 1


@pytest.mark.long
def test_stages_apart_give_the_same_store(shell: Shell) -> None:
    assert shell.run("llm:openai:judge-a", "rule")[0] == 0
    assert shell.run("none", store="apart.db")[0] == 0
    for judge in ("llm:openai:judge-a", "rule"):
        words = ["judge", "r", "--store", "apart.db", "--judge", judge]
        words += ["--judge-base-url", shell.provider.base_url]
        assert (
            subprocess.run(
                [sys.executable, "-m", "liangxin", *words], cwd=shell.folder, env=KEPT, check=False
            ).returncode
            == 0
        )
    assert shell.stored() == shell.stored("apart.db")


@pytest.mark.long
def test_a_jury_and_the_model_keep_to_one_limit(shell: Shell) -> None:
    jury = "jury:llm:openai:judge-a,llm:openai:judge-b,llm:openai:judge-c"
    assert shell.run(jury)[0] == 0
    assert shell.provider.count() == 2 * ITEMS * 4
    assert shell.provider.most_at_once == 4
    shell.provider.most_at_once = 0
    assert shell.run(jury, more=("--judge-connections", "3"), store="own.db")[0] == 0
    assert 4 < shell.provider.most_at_once <= 7


def test_a_429_to_the_judge_slows_the_model_too(shell: Shell) -> None:
    """The endpoint refuses the judge alone, and asks to wait a second: nobody asks meanwhile."""
    data, shell.provider.retry_after = shell.folder / "data.jsonl", "0.6"
    marked = data.read_text(encoding="utf-8")
    for number in range(4):
        marked = marked.replace(f'"题{number}"', f'"题{number}[[judge:429]]"')
    data.write_text(marked, encoding="utf-8")
    assert shell.run("llm:openai:judge-a")[0] == 0
    requests = [one for one in shell.provider.requests if one.model == "judge-a"]
    refused = [one for one in requests if "[[judge:429]]" in one.prompt]
    assert {one.number for one in refused} == {1, 2}, "it was asked again"
    at = refused[0].at + LATENCY
    assert at < max(shell.times("m")), "the model was still asked"
    assert not [one for one in shell.provider.requests if at + 0.1 < one.at < at + 0.5]


@contextmanager
def another_at_rule(shell: Shell) -> Iterator[tuple[str, Lease]]:
    """Somebody else lets `rule` rule on the run that has two items: its identity and their lease."""
    assert shell.run("rule", more=("--limit", "2"))[0] == 0
    database = Database(str(shell.folder / "store.db"), create=False)
    (run,) = Runs(database).all()
    (rule,) = Runs(database).judges(run)
    lease = Leases(database).take(Work(run.id, rule.identity))
    assert isinstance(lease, Lease)
    lease.keep(lambda: None)
    yield rule.identity, lease
    lease.release()
    database.close()


def test_what_another_command_judges_does_not_stop_the_asking(shell: Shell) -> None:
    with another_at_rule(shell) as (rule, _):
        status, out, err = shell.run("rule", "llm:openai:judge-a")
    assert (status, out) == (1, "")
    assert err.count(f"is being judged by {rule} already") == 2, "at once, and as the end"
    assert "the model is asked on meanwhile" in err
    replies, verdicts = shell.stored()
    assert Counter(str(status) for _, _, status, _ in replies) == {"ok": 2 * ITEMS}
    assert Counter(judge.partition("@")[0] for _, _, judge, _, _ in verdicts) == {
        "rule": 4,
        "llm:openai:judge-a": 2 * ITEMS,
    }


def test_a_waiting_judge_rules_once_the_other_has_ended(shell: Shell) -> None:
    with another_at_rule(shell) as (_, lease):
        process = shell.start("rule", more=("--wait",))
        shell.asked("m", 2 * ITEMS)
        assert process.poll() is None
        lease.release()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["judges"][0]["verdicts"] == {"given": 2 * ITEMS}


def test_a_judge_whose_key_fails_midway_leaves_the_answers(shell: Shell) -> None:
    with running(Provider(latency=LATENCY)) as judging:
        judging.down = range(20, 100_000)
        judging.down_as = Planned(body=b'{"error": {"message": "bad key"}}', status=401)
        words = shell.words("llm:openai:judge-a", store="midway.db")
        words[words.index("--judge-base-url") + 1] = judging.base_url
        done = subprocess.run(
            words, cwd=shell.folder, env=KEPT, capture_output=True, text=True, encoding="utf-8", check=False
        )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.count("refused access") == 2
    replies, verdicts = shell.stored("midway.db")
    assert Counter(str(status) for _, _, status, _ in replies) == {"ok": 2 * ITEMS}
    assert len(verdicts) == 20


def test_an_interrupt_ends_both_cleanly_and_the_same_command_goes_on(shell: Shell) -> None:
    process = shell.start("llm:openai:judge-a")
    shell.asked("judge-a", 20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    turns, verdicts = shell.rows()
    assert 20 <= verdicts <= turns < 2 * ITEMS
    assert shell.provider.count() == turns + verdicts, "what was under way is stored"
    assert shell.run("llm:openai:judge-a")[0] == 0
    assert shell.provider.count() == 4 * ITEMS


@pytest.mark.long
def test_killed_again_and_again_neither_stage_loses_anything(shell: Shell) -> None:
    judges = ("llm:openai:judge-a", "llm:openai:judge-b", "rule")
    assert shell.run(*judges, store="calm.db")[0] == 0
    calm = shell.provider.count()
    moments, kills = random.Random(20261201), 0
    for _ in range(60):
        process = shell.start(*judges)
        before = shell.provider.count()
        until = time.monotonic() + 30
        while process.poll() is None and shell.provider.count() == before and time.monotonic() < until:
            time.sleep(0.01)
        try:
            process.wait(timeout=moments.uniform(0.05, 1.5))
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
        _, err = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
    else:
        pytest.fail("the run made no headway between kills")
    assert kills >= 2
    assert shell.stored() == shell.stored("calm.db")
    # A kill costs the requests in flight and a batch, of the model and of each judge.
    assert shell.provider.count() - calm <= calm + kills * (4 + 3 * 64)
    # No verdict stands without its reply: each was ruled on once it was stored.
    database = Database(str(shell.folder / "store.db"), create=False)
    with database.begin() as connection:
        turns = {tuple(row) for row in connection.execute(select(TURNS.c.rank, TURNS.c.trial, TURNS.c.turn))}
        ruled = {
            tuple(row)
            for row in connection.execute(select(JUDGEMENTS.c.rank, JUDGEMENTS.c.trial, JUDGEMENTS.c.turn))
        }
    database.close()
    assert ruled <= turns


def test_nothing_is_ruled_on_before_it_is_stored(bench: Any, fake: Any) -> None:
    """A judge follows: what it is handed is in the store, and each dialogue comes once, late ones too."""
    spec = RunSpec(benchmark="bench", model="fake:m", trials=3)
    model = fake(lambda messages: Reply(text=f"答{messages[-1].content}"))
    run = bench.run(model, spec)

    async def job() -> tuple[list[Any], list[Any]]:
        with Writer(bench.database) as writer:
            prompt, late = Following(run, writer), Following(run, writer)
            late.be_late()
            seen: tuple[list[Any], list[Any]] = ([], [])

            async def follow(following: Following, met: list[Any]) -> None:
                async for chunk in following.chunks():
                    for one in chunk:
                        stored = {
                            (other.rank, other.dialogue.trial): other.dialogue.exchanges
                            for other in dialogues(bench.database, run)
                        }
                        assert stored[one.rank, one.dialogue.trial] == one.dialogue.exchanges
                        met.append((one.rank, one.dialogue.trial))

            followers = [
                asyncio.ensure_future(follow(*pair)) for pair in zip((prompt, late), seen, strict=True)
            ]
            audience = Audience([prompt, late])
            collector = Collector(run, model, spec, audience=audience)
            await collector.collect(writer, Progress(None, "", 0), Stop())
            audience.end()
            await asyncio.gather(*followers)
            return seen

    prompt, late = asyncio.run(job())
    every = [(rank, trial) for rank in range(4) for trial in (1, 2, 3)]
    assert sorted(prompt) == sorted(late) == every
