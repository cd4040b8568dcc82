"""Holding on to the store while a part of a run is at work.

Its lease is taken, waited for, kept and given back; what is asked of the store is asked again while that is locked, full
or restarting. The loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from liangxin.engine.pool import Stop
from liangxin.errors import RunAtWork, StoreUnavailable
from liangxin.interrupts import Interrupted
from liangxin.store import Database, RunRecord, StoredDialogue, StorePatience, spilled, take_in
from liangxin.store.dialogues import CHUNK, chunk_at
from liangxin.store.leases import ASKING, LOOK_SECONDS, Lease, LeaseHolder, Leases, Work

T = TypeVar("T")

_POLL_SECONDS = 1.0


@asynccontextmanager
async def at_work(
    database: Database,
    work: Work,
    stop: Stop,
    patience: StorePatience,
    *,
    wait: bool,
    held: Callable[[], object] = lambda: None,
) -> AsyncIterator[Lease]:
    """Hold the lease of that work; where it is taken over meanwhile, the work is abandoned.

    Args:
        patience: also says who is at work.
        wait: whether to wait until whoever is at work has ended.
        held: is called where somebody is, before anything is waited for.

    Raises:
        RunAtWork: somebody else is, and is not waited for.
        LeaseLost: this process was suspended or cut off, and somebody else has taken the work over.
        StoreReadOnly: the store may only be read.
        StoreError: it could not be written for as long as patience lasts.
        Interrupted: the user ended the waiting.
    """
    lease = await _taken(Leases(database), work, stop, patience, wait=wait, held=held)
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    working = True

    def abandon() -> None:
        if working and task is not None:
            task.cancel()

    def lost() -> None:
        with suppress(RuntimeError):  # the loop has just ended, and the work with it
            loop.call_soon_threadsafe(abandon)

    lease.keep(lost)
    try:
        yield lease
    except asyncio.CancelledError:
        lease.check()
        raise
    finally:
        working = False
        lease.release()


async def take_in_left(database: Database, patience: StorePatience) -> None:
    """Take in what earlier commands could not store, of every work that nobody is at.

    Raises:
        StoreError: a file is damaged, or the store could not be written for as long as patience lasts.
    """
    for work in dict.fromkeys(file.work for file in await patiently(patience, lambda: spilled(database))):
        lease = await patiently(patience, partial(Leases(database).take, work))
        if isinstance(lease, LeaseHolder):
            continue
        lease.keep(lambda: None)
        try:
            await patiently(patience, partial(take_in, database, work, lease, patience.tell))
        finally:
            lease.release()


async def _taken(
    leases: Leases,
    work: Work,
    stop: Stop,
    patience: StorePatience,
    *,
    wait: bool,
    held: Callable[[], object],
) -> Lease:
    unheard: LeaseHolder | None = None
    told: str | None = None
    tell = patience.tell
    while isinstance(found := await patiently(patience, partial(leases.take, work, unheard)), LeaseHolder):
        held()
        who = _sentence(work, found)
        unheard = found if found.silent else None
        if unheard is not None:
            tell(f"{who}, silent for {abs(found.age):.0f} s: if it stays so this command goes on instead")
            await pause_for(LOOK_SECONDS, stop)
        elif not wait:
            raise RunAtWork(f"{who}; nothing is asked twice: --wait waits for its end")
        else:
            if told != found.token:
                tell(f"{who}; waiting for its end (Ctrl-C ends the waiting)")
            told = found.token
            await pause_for(_POLL_SECONDS, stop)
    return found


def _sentence(work: Work, holder: LeaseHolder) -> str:
    doing = "is being asked" if work.part == ASKING else f"is being judged by {work.part}"
    return f"run {work.run} {doing} already ({holder})"


async def pause_for(seconds: float, stop: Stop) -> None:
    """Wait.

    Raises:
        Interrupted: the user ended it.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0:
        if stop.interrupted:
            raise Interrupted
        await asyncio.sleep(min(left, 0.1))


async def patiently(patience: StorePatience, work: Callable[[], T]) -> T:
    """What `work` returns, called again as often as the store was not to be had.

    Raises:
        StoreError: it was not to be had for as long as patience lasts.
    """
    outage = patience.outage()
    while True:
        try:
            return work()
        except StoreUnavailable as error:
            pause = outage.pause(error)
        await asyncio.sleep(pause)


async def chunks_of(
    database: Database, patience: StorePatience, run: RunRecord
) -> AsyncIterator[list[StoredDialogue]]:
    """A run's planned dialogues, a few hundred at a time."""
    start = 0
    while found := await patiently(patience, partial(chunk_at, database, run, start, run.units)):
        yield found
        start += CHUNK
