"""Leases: one holder at a time, a dead one known at once, a silent one looked at twice, a lost one noticed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from liangxin.errors import LeaseLost, StoreUnavailable
from liangxin.records import Reply
from liangxin.store import (
    ASKING,
    Database,
    Work,
    Writer,
    database,
    dialogues,
    leases,
)
from liangxin.store.judgements import AttemptKey
from liangxin.store.leases import BEAT_SECONDS, LOOK_SECONDS, SILENT_SECONDS, Lease, LeaseHolder, Leases
from liangxin.store.schema import LEASES
from testbench.bare_runs import bare_run

WORK = Work("abcdef012345", ASKING)


@pytest.fixture
def store(people_database: Database) -> Database:
    return people_database


def taken(store: Database, work: Work = WORK, unheard: LeaseHolder | None = None) -> Lease:
    found = Leases(store).take(work, unheard)
    assert isinstance(found, Lease), found
    return found


def refused(store: Database, work: Work = WORK, unheard: LeaseHolder | None = None) -> LeaseHolder:
    found = Leases(store).take(work, unheard)
    assert isinstance(found, LeaseHolder)
    return found


def change(store: Database, **values: Any) -> None:
    with store.begin() as connection:
        connection.execute(update(LEASES).values(**values))


def row(store: Database) -> Any:
    with store.begin() as connection:
        return connection.execute(select(LEASES)).one_or_none()


def test_one_holds_it_and_the_other_learns_who(store: Database) -> None:
    held = taken(store)
    found = refused(store)
    assert (found.process, found.host) == (os.getpid(), os.uname().nodename)
    assert f"@{found.host}, process {os.getpid()}, since 20" in str(found)
    assert abs(found.since - time.time()) < 60
    assert abs(found.age) < 10
    assert not found.silent
    assert not found.dead
    held.keep(lambda: None)
    held.release()
    assert row(store) is None
    taken(store)


def test_each_run_and_each_judge_is_work_of_its_own(store: Database) -> None:
    taken(store)
    taken(store, Work("0123456789ab", ASKING))
    taken(store, Work(WORK.run, "rule@0"))
    taken(store, Work(WORK.run, "rule@1"))
    refused(store, Work(WORK.run, "rule@1"))


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another process of this machine, which tells how it would be entered."""
    program = (
        "import time; from liangxin.store import leases; print(leases._here(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def here(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = eval(process.stdout.readline())
    return told


def test_a_process_that_has_ended_is_seen_at_once(store: Database, other: subprocess.Popen[str]) -> None:
    taken(store)
    change(store, **here(other))
    assert refused(store).process == other.pid
    other.send_signal(signal.SIGSTOP)
    refused(store)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    # It is there as a zombie, which nobody has looked at yet.
    os.kill(other.pid, 0)
    taken(store)
    change(store, process=other.pid, started="1")
    other.wait()
    taken(store)


def test_another_process_of_the_same_number_is_not_the_holder(store: Database) -> None:
    taken(store)
    change(store, started="1")
    taken(store)


def test_a_number_of_another_machine_or_container_says_nothing(store: Database) -> None:
    taken(store)
    for machine in ("elsewhere 0f-boot pid:[1]", ""):
        change(store, machine=machine, process=2**22 - 1, started="1")
        assert not refused(store).dead


def test_another_users_process_that_proc_hides_has_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_process: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", denied)
    assert leases._alive(os.getpid(), leases._started(os.getpid()) or "")
    assert leases._alive(2**22 + 1, "5")
    assert not leases._alive(os.getpid(), "1")


@pytest.mark.parametrize("offset", [-SILENT_SECONDS - 1, 3600], ids=["long ago", "the clock was set back"])
def test_a_silent_holder_is_looked_at_twice(store: Database, offset: float) -> None:
    taken(store)
    change(store, machine="elsewhere", seen=row(store).seen + offset)
    first = refused(store)
    assert first.silent
    refused(store)
    change(store, seen=row(store).seen + 0.5)
    refused(store, unheard=first)
    taken(store, unheard=refused(store))


def test_less_than_thirty_seconds_of_silence_end_a_lease() -> None:
    poll_and_slack = 2.0
    assert SILENT_SECONDS + LOOK_SECONDS + poll_and_slack < 30
    assert 2 * BEAT_SECONDS <= LOOK_SECONDS
    assert 4 * BEAT_SECONDS < SILENT_SECONDS


def test_a_lease_is_renewed_until_it_is_lost(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.05)
    held, lost = taken(store), threading.Event()
    begun = row(store).seen
    held.keep(lost.set)
    until = time.monotonic() + 20
    while row(store).seen == begun:
        assert time.monotonic() < until
        time.sleep(0.02)
    held.check()
    change(store, token="another's", user="乙", host="那边", process=7)
    assert lost.wait(20)
    with pytest.raises(LeaseLost, match="乙@那边, process 7"):
        held.check()
    held.release()
    assert row(store).token == "another's"


@pytest.mark.parametrize("gone", [False, True], ids=["another's", "given back since"])
def test_replies_of_a_lost_lease_are_not_stored(store: Database, gone: bool) -> None:
    run, held = bare_run(store, WORK.run), taken(store)
    with Writer(store, held.confirm) as writer:
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="in time"))
    if gone:
        with store.begin() as connection:
            connection.execute(LEASES.delete())
    else:
        change(store, token="another's")
    writing = Writer(store, held.confirm)
    with pytest.raises(LeaseLost, match="taken over"), writing as writer:
        writer.turn(AttemptKey(run.key, 0, 1, 1, 2), Reply(text="late"))
    (stored,) = dialogues(store, run)
    assert (stored.dialogue.exchanges[0].reply.text, stored.dialogue.exchanges[0].attempt) == ("in time", 1)


def test_a_lease_cannot_be_taken_over_between_the_look_and_the_commit(store: Database) -> None:
    """What a guard has confirmed holds until the rows are in the store."""
    run, held = bare_run(store, WORK.run), taken(store)
    change(store, machine="elsewhere", seen=0.0)
    unheard = refused(store)
    order: list[str] = []

    def take_over() -> None:
        taken(store, unheard=unheard)
        order.append("taken over")

    def confirm(connection: Any) -> None:
        held.confirm(connection)
        thread.start()
        time.sleep(0.3)
        order.append("committed")

    thread = threading.Thread(target=take_over)
    with Writer(store, confirm) as writer:
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="confirmed"))
    thread.join(20)
    assert order == ["committed", "taken over"]


def test_who_stops_in_the_middle_of_a_change_locks_nobody_out_of_a_server(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has no such limit: there the file stays locked until the process goes on or ends."""
    if store.is_sqlite:
        pytest.skip("a file's lock goes with its process alone")
    monkeypatch.setattr(database, "_IDLE_MILLISECONDS", 1000)
    held = taken(store)
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"idle-in-transaction|terminat"), store.write() as connection:
        held.confirm(connection)
        found = refused(store)
        connection.execute(select(LEASES))
    assert found.process == os.getpid()
    assert 0.5 < time.monotonic() - begun < 10
    held.keep(lambda: None)
    held.release()


def test_what_took_a_lease_finds_its_own_where_the_answer_was_lost(store: Database) -> None:
    trying = Leases(store)
    assert isinstance(trying.take(WORK), Lease)
    assert isinstance(trying.take(WORK), Lease)
    refused(store)
