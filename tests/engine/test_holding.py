"""A lease is held while work goes on: looked at twice after a lock, lost with the work, kept through a plain end."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from liangxin.engine import holding
from liangxin.engine.holding import at_work, take_in_left
from liangxin.engine.pool import Stop
from liangxin.errors import LeaseLost, RunAtWork, StoreError
from liangxin.records import Reply
from liangxin.store import (
    ASKING,
    Database,
    Spill,
    StorePatience,
    Work,
    Writer,
    dialogues,
    leases,
    spilled,
)
from liangxin.store.judgements import AttemptKey
from liangxin.store.leases import Lease, Leases
from liangxin.store.schema import LEASES
from testbench.bare_runs import bare_run

WORK = Work("abcdef012345", ASKING)


@pytest.fixture
def store(people_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Time goes faster here: a beat every fifth of a second."""
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.2)
    monkeypatch.setattr(leases, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(holding, "LOOK_SECONDS", 1.5)
    return people_database


def work(store: Database, tell: Callable[[str], None], job: Callable[[], object]) -> None:
    async def main() -> None:
        async with at_work(store, WORK, Stop(), StorePatience(tell), wait=False):
            job()
            await asyncio.sleep(30)

    asyncio.run(main())


def holders(store: Database) -> list[str]:
    with store.begin() as connection:
        return list(connection.execute(select(LEASES.c.token)).scalars())


def test_a_holder_that_a_lock_kept_from_speaking_keeps_its_work(tmp_path: Path, store: Database) -> None:
    """Another program had the file for longer than silence lasts: nobody could write, the holder neither."""
    if not store.is_sqlite:
        pytest.skip("a server's readers and writers do not lock one another out")
    held = Leases(store).take(WORK)
    assert isinstance(held, Lease)
    held.keep(lambda: None)
    said: list[str] = []
    other = sqlite3.connect(store.shown, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(2.5, lambda: other.execute("ROLLBACK"))
    release.start()
    with pytest.raises(RunAtWork, match="is being asked already"):
        work(store, said.append, lambda: None)
    release.join()
    other.close()
    held.check()
    held.release()
    assert holders(store) == []


def test_who_stays_silent_is_looked_at_twice_and_followed(store: Database) -> None:
    assert isinstance(Leases(store).take(WORK), Lease)
    (before,) = holders(store)
    with store.begin() as connection:
        connection.execute(update(LEASES).values(machine="elsewhere", seen=LEASES.c.seen - 100))
    said: list[str] = []

    def done() -> None:
        assert holders(store) != [before]
        raise InterruptedError

    begun = time.monotonic()
    with pytest.raises(InterruptedError):
        work(store, said.append, done)
    assert time.monotonic() - begun >= 1.5
    (sentence,) = said
    assert "silent for 100 s" in sentence
    assert holders(store) == [], "given back, also after an error"


def test_work_that_was_taken_over_is_abandoned(store: Database) -> None:
    def take_over() -> None:
        with store.begin() as connection:
            connection.execute(update(LEASES).values(token="another's", user="乙"))

    with pytest.raises(LeaseLost, match="its work was taken over"):
        work(store, lambda _: None, take_over)
    assert holders(store) == ["another's"]


def test_a_cancelled_command_gives_its_work_back(store: Database) -> None:
    def cancel() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    with pytest.raises(asyncio.CancelledError):
        work(store, lambda _: None, cancel)
    assert holders(store) == []


def test_what_was_left_waits_until_nobody_is_at_its_work(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    run = bare_run(store, WORK.run)

    def refuse(_connection: object) -> None:
        raise StoreError("no")

    with pytest.raises(StoreError, match="no"), Writer(store, refuse, spill=Spill(store, WORK)) as writer:
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="留下的"))
    held = Leases(store).take(WORK)
    assert isinstance(held, Lease)
    said: list[str] = []
    asyncio.run(take_in_left(store, StorePatience(said.append)))
    assert said == []
    assert [file.work for file in spilled(store)] == [WORK]
    held.keep(lambda: None)
    held.release()
    asyncio.run(take_in_left(store, StorePatience(said.append)))
    (sentence,) = said
    assert sentence.startswith("1 replies and 0 verdicts were taken in")
    assert (spilled(store), holders(store)) == ([], [])
    assert [one.dialogue.exchanges[0].reply.text for one in dialogues(store, run)] == ["留下的"]
