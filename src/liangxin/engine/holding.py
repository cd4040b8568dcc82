"""Holding a lease while a part of a run is at work: taken, waited for, kept, given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from liangxin.engine.pool import Stop
from liangxin.errors import RunAtWork
from liangxin.interrupts import Interrupted
from liangxin.store import Database
from liangxin.store.leases import ASKING, LOOK_SECONDS, Lease, LeaseHolder, Leases, Work

_POLL_SECONDS = 1.0


@asynccontextmanager
async def at_work(
    database: Database, work: Work, stop: Stop, tell: Callable[[str], None], *, wait: bool
) -> AsyncIterator[Lease]:
    """Hold the lease of that work; where it is taken over meanwhile, the work is abandoned.

    Args:
        wait: whether to wait until whoever is at work has ended.

    Raises:
        RunAtWork: somebody else is, and is not waited for.
        LeaseLost: this process was suspended or cut off, and somebody else has taken the work over.
        StoreReadOnly: the store may only be read.
        Interrupted: the user ended the waiting.
    """
    lease = await _taken(Leases(database), work, stop, tell, wait=wait)
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


async def _taken(leases: Leases, work: Work, stop: Stop, tell: Callable[[str], None], *, wait: bool) -> Lease:
    unheard: LeaseHolder | None = None
    told: str | None = None
    while isinstance(found := leases.take(work, unheard), LeaseHolder):
        who = _sentence(work, found)
        unheard = found if found.silent else None
        if unheard is not None:
            tell(f"{who}, silent for {abs(found.age):.0f} s: if it stays so this command goes on instead")
            await _pause(LOOK_SECONDS, stop)
        elif not wait:
            raise RunAtWork(f"{who}; nothing is asked twice: --wait waits for its end")
        else:
            if told != found.token:
                tell(f"{who}; waiting for its end (Ctrl-C ends the waiting)")
            told = found.token
            await _pause(_POLL_SECONDS, stop)
    return found


def _sentence(work: Work, holder: LeaseHolder) -> str:
    doing = "is being asked" if work.part == ASKING else f"is being judged by {work.part}"
    return f"run {work.run} {doing} already ({holder})"


async def _pause(seconds: float, stop: Stop) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0:
        if stop.requested:
            raise Interrupted
        await asyncio.sleep(min(left, 0.1))
