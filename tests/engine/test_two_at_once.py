"""Two commands at once: the same run is asked by one of them, different runs go on side by side."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import select

from liangxin.errors import UnknownRun
from liangxin.store import Database, Runs, dialogues
from liangxin.store.schema import LEASES
from liangxin.testing.provider import Provider, Respond, running

pytestmark = pytest.mark.slow

ITEMS = 30
LATENCY = 0.15
WHO = re.compile(r"already \(\S+@\S+, process (\d+), since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)")


class Gated(Provider):
    """A provider that answers nothing while its gate is closed."""

    closed = False

    async def _answer(self, request: web.Request, answer: Respond) -> web.StreamResponse:
        while self.closed:  # noqa: ASYNC110  it is opened from another thread
            await asyncio.sleep(0.02)
        return await super()._answer(request, answer)


@pytest.fixture
def provider() -> Iterator[Gated]:
    gated = Gated(latency=LATENCY)
    with running(gated):
        yield gated


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


class Shell:
    """Commands as processes of their own, ended with the test."""

    def __init__(self, folder: Path, provider: Gated, store: str) -> None:
        self.folder, self.provider, self.store = folder, provider, store
        self.begun: list[subprocess.Popen[str]] = []
        rows = [
            {"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": f"题{number}"}
            for number in range(ITEMS)
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / "data.jsonl").write_text(lines, encoding="utf-8")

    def start(self, *words: str) -> subprocess.Popen[str]:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))
        }
        command = [sys.executable, "-m", "liangxin", *words, "--store", self.store]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=kept,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.begun.append(process)
        return process

    def run(self, *words: str, model: str = "m") -> subprocess.Popen[str]:
        options = ["--model", f"openai:{model}", "--base-url", self.provider.base_url]
        options += ["--data", "data.jsonl", "--connections", "2", "--format", "json"]
        return self.start("run", "flames", *options, *words)

    def asked(self, number: int) -> None:
        """Wait until the provider got so many requests."""
        until = time.monotonic() + 60
        while self.provider.count() < number:
            assert time.monotonic() < until, [process.poll() for process in self.begun]
            time.sleep(0.02)

    def most_asked(self) -> int:
        """How often the prompt that was asked most was asked."""
        return max(Counter((one.model, one.prompt) for one in self.provider.requests).values())

    def leases(self) -> int:
        database = Database(self.store, create=False)
        with database.begin() as connection:
            found = len(connection.execute(select(LEASES)).all())
        database.close()
        return found

    def answered(self) -> int:
        """How many answers the one run in the store has."""
        database = Database(self.store, create=False)
        try:
            (run,) = Runs(database).all()
            texts = [one.dialogue.exchanges[0].reply.text for one in dialogues(database, run)]
        finally:
            database.close()
        return sum(bool(text) for text in texts)


@pytest.fixture
def shell(tmp_path: Path, provider: Gated, store: str) -> Iterator[Shell]:
    made = Shell(tmp_path, provider, store)
    yield made
    for process in made.begun:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate()


@contextmanager
def unanswered(shell: Shell) -> Iterator[None]:
    """While the provider answers nothing, who has begun is at work."""
    shell.provider.closed = True
    yield
    shell.provider.closed = False


def said_first(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out, err


def test_the_same_run_is_asked_once_and_the_second_says_by_whom(shell: Shell) -> None:
    first = shell.run("--judge", "rule", "--limit", "20")
    shell.asked(4)
    with unanswered(shell):
        status, out, err = ended(shell.run("--judge", "rule", "--name", "other"))
        waiting = shell.run("--judge", "rule", "--limit", "20", "--wait")
        assert "waiting for its end" in said_first(waiting)
    assert (status, out) == (1, "")
    (said,) = err.splitlines()
    found = WHO.search(said)
    assert found is not None, said
    assert found[1] == str(first.pid)
    assert "--wait" in said
    status, out, _ = ended(first)
    assert status == 0
    status, again, err = ended(waiting)
    assert (status, again) == (0, out)
    assert "waiting" not in err, "it is said once"
    # The command that ended had changed neither the run's name nor how much of it is planned.
    assert json.loads(out)["replies"] == {"ok": 20}
    assert (shell.provider.count(), shell.most_asked(), shell.leases()) == (20, 1, 0)
    database = Database(shell.store, create=False)
    with pytest.raises(UnknownRun):
        Runs(database).find("other")
    database.close()


def test_two_that_begin_at_the_same_moment_ask_once(shell: Shell) -> None:
    pair = [shell.run("--judge", "none", "--wait", "--name", "one") for _ in range(2)]
    assert [ended(process)[0] for process in pair] == [0, 0]
    assert (shell.provider.count(), shell.most_asked()) == (ITEMS, 1)


def test_different_runs_go_on_side_by_side(shell: Shell) -> None:
    pair = [shell.run("--judge", "rule", model=name) for name in ("甲", "乙")]
    results = [ended(process) for process in pair]
    assert [status for status, _, _ in results] == [0, 0], results
    assert [json.loads(out)["replies"] for _, out, _ in results] == [{"ok": ITEMS}] * 2
    assert (shell.provider.count(), shell.most_asked()) == (2 * ITEMS, 1)
    times = {name: [one.at for one in shell.provider.requests if one.model == name] for name in ("甲", "乙")}
    assert max(map(min, times.values())) < min(map(max, times.values())), "both asked during the same time"


def test_ruling_on_a_run_is_one_commands_at_a_time_for_each_judge(shell: Shell) -> None:
    assert ended(shell.run("--judge", "none", "--name", "r"))[0] == 0
    asked = shell.provider.count()
    judging = ["judge", "r", "--connections", "2", "--format", "json"]
    judging += ["--judge", "llm:openai:judge", "--judge-base-url", shell.provider.base_url]
    first = shell.start(*judging)
    shell.asked(asked + 4)
    with unanswered(shell):
        status, _, err = ended(shell.start(*judging))
        assert status == 1
        assert "is being judged by llm:openai:judge@" in err
        assert WHO.search(err)
        waiting = shell.start(*judging, "--wait")
        assert "verdicts go to" in said_first(waiting)
        assert "waiting for its end" in said_first(waiting)
        # Another judge is other work.
        assert ended(shell.start("judge", "r", "--judge", "rule"))[0] == 0
        assert first.poll() is None
    assert ended(first)[0] == ended(waiting)[0] == 0
    assert (shell.provider.count(), shell.most_asked(), shell.leases()) == (asked + ITEMS, 1, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_gives_the_lease_back(shell: Shell, number: signal.Signals) -> None:
    first = shell.run("--judge", "none")
    shell.asked(4)
    assert shell.leases() == 1
    first.send_signal(number)
    assert ended(first)[0] == 130
    assert shell.leases() == 0


def test_ctrl_c_ends_the_waiting(shell: Shell) -> None:
    first = shell.run("--judge", "none")
    shell.asked(2)
    with unanswered(shell):
        waiting = shell.run("--judge", "none", "--wait")
        assert WHO.search(said_first(waiting))
        waiting.send_signal(signal.SIGINT)
        assert ended(waiting)[0] == 130
    assert ended(first)[0] == 0
    assert shell.most_asked() == 1


def test_a_killed_command_of_this_machine_is_no_longer_at_work(shell: Shell) -> None:
    first = shell.run("--judge", "none")
    shell.asked(6)
    first.kill()
    # Nobody has looked how it ended: the process is there as a zombie.
    status, _, err = ended(shell.run("--judge", "none"))
    assert status == 0
    assert "already" not in err
    assert shell.answered() == ITEMS
    assert shell.provider.count() <= ITEMS + 2 + 64


@pytest.mark.long
def test_who_was_suspended_for_long_loses_the_work_and_stops(shell: Shell) -> None:
    first = shell.run("--judge", "none")
    shell.asked(6)
    with unanswered(shell):
        # On SQLite, who stops within a transaction locks everybody out: what was answered is stored first.
        time.sleep(1.5)
        first.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    # What the first had at the gate comes through; what comes later is the second's.
    time.sleep(1)
    second = shell.run("--judge", "none", "--wait")
    before = shell.provider.count()
    while shell.provider.count() == before:
        assert time.monotonic() - begun < 30 + 5, "a silent holder's lease ends within 30 s"
        time.sleep(0.1)
    first.send_signal(signal.SIGCONT)
    status, out, err = ended(first)
    assert (status, out) == (1, "")
    assert "its work was taken over" in err
    status, _, err = ended(second)
    assert status == 0
    assert "silent for" in err
    assert shell.answered() == ITEMS
    # What the first had under way and had not stored, at most.
    assert shell.provider.count() <= ITEMS + 2 * 2 + 64


@pytest.mark.long
def test_a_lock_of_forty_seconds_ends_nobodys_lease(shell: Shell) -> None:
    """Longer than silence lasts: the holder could not speak, and the second could not see it."""
    if "://" in shell.store:
        pytest.skip("a server's readers and writers do not lock one another out")
    first = shell.run("--judge", "none")
    shell.asked(6)
    with unanswered(shell):
        time.sleep(1.5)
        with closing(sqlite3.connect(shell.store, isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            second = shell.run("--judge", "none", "--wait")
            time.sleep(40)
            other.execute("ROLLBACK")
        lines = iter(lambda: said_first(second), "")
        assert any("waiting for its end" in line for line in lines), "the holder has spoken since"
        assert first.poll() is None
    assert [ended(process)[0] for process in (first, second)] == [0, 0]
    assert (shell.provider.count(), shell.most_asked(), shell.leases()) == (ITEMS, 1, 0)
