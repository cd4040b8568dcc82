"""While a host answers nothing: the run pauses, tries again with growing pauses, and asks again what failed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from liangxin.engine.holding import pause_for
from liangxin.engine.hosts.trial import sparing
from liangxin.engine.pool import Stop, in_one, work
from liangxin.engine.progress import Progress
from liangxin.errors import ModelError
from liangxin.models import Hosted
from liangxin.records import FailureCause

T = TypeVar("T")

ROW = 20
"""Failures of one kind that follow each other: then it is the host, not the items."""
_PAUSES = (1.0, 60.0)
"""Seconds between two tries, from the first to the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered(Generic[T]):
    """A piece of work to which the host gave no answer."""

    again: T
    """What is taken up once it answers again."""
    cause: FailureCause


@dataclass(frozen=True, slots=True)
class HostPatience:
    """How long a host that answers nothing is tried again."""

    seconds: float
    tell: Callable[[str], object]
    """Says a sentence to the user."""
    retries: int = 0
    """How often one request is asked again, whatever the others do."""


class HostWatch(Generic[T]):
    """Hands pieces of work on, and holds them back while the host answers nothing."""

    def __init__(
        self,
        hold: Callable[[T], Awaitable[Unanswered[T] | None]],
        hosts: Sequence[Hosted],
        patience: HostPatience,
        progress: Progress,
        connections: int,
    ) -> None:
        """Begin with a host that answers.

        Args:
            hold: does one piece; what is to be taken up again where the host gave no answer.
            connections: the most pieces at once.
        """
        self._hold = hold
        self._hosts = hosts
        self._patience = patience
        self._progress = progress
        self._connections = connections
        self._row: list[Unanswered[T]] = []
        """What failed by one kind since the last answer; during an outage, all that is to be taken up again."""
        self._under_way = 0
        self._passable = asyncio.Event()
        self._passable.set()
        self._idle = asyncio.Event()

    async def handle(self, stop: Stop, value: T) -> None:
        """Do one piece, once the host answers.

        Raises:
            ModelError: it has answered nothing for as long as patience lasts.
        """
        await self._passable.wait()
        if stop.requested:
            return
        self._under_way += 1
        self._idle.clear()
        try:
            failed = await self._hold(value)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        self.note(failed)
        if len(self._row) >= ROW and self._passable.is_set():
            await self._wait_out(stop)

    def note(self, failed: Unanswered[T] | None) -> None:
        """Count what became of a piece; None: it was answered."""
        if failed is not None:
            if self._row and self._row[0].cause.what != failed.cause.what and self._passable.is_set():
                self._row.clear()
            self._row.append(failed)
        elif self._passable.is_set():
            self._row.clear()

    async def _wait_out(self, stop: Stop) -> None:
        """Try again with growing pauses; then take up again what failed since the outage began."""
        self._passable.clear()
        patience, loop = self._patience, asyncio.get_running_loop()
        began, kind = loop.time(), self._row[0].cause.what
        patience.tell(
            f"{len(self._row)} requests in a row failed ({kind}): pausing; tried again with growing pauses, for "
            f"{patience.seconds:g} s at most (--give-up)"
        )
        while len(self._row) >= ROW:
            with sparing(self._hosts):
                await self._until_answered(began, stop)
            again, self._row = self._row, []
            patience.tell(
                f"{self._named()} answers again after {loop.time() - began:.0f} s; asking again what failed: "
                f"{len(again)} more"
            )
            await work(in_one(again), self._once_more, self._connections, stop)
        self._row.clear()
        self._passable.set()

    async def _until_answered(self, began: float, stop: Stop) -> None:
        loop, kind = asyncio.get_running_loop(), self._row[0].cause.what
        pause, longest = _PAUSES
        while True:
            left = began + self._patience.seconds - loop.time()
            if left <= 0:
                raise ModelError(
                    f"{self._named()} has answered nothing for {loop.time() - began:.0f} s ({kind}); what was answered "
                    "is stored, and the same command goes on from there (--give-up waits longer)"
                )
            await pause_for(min(pause, left), stop)
            pause = min(pause * 2, longest)
            if not await self._once_more(self._row.pop(0)):
                continue
            await self._idle.wait()
            return

    async def _once_more(self, one: Unanswered[T]) -> bool:
        """Whether a piece that failed gets an answer now; it stays in the row where it does not."""
        self._progress.take_back()
        failed = await self._hold(one.again)
        if failed is not None:
            self._row.append(failed)
        return failed is None

    def _named(self) -> str:
        return " and ".join(dict.fromkeys(one.place.host for one in self._hosts)) or "the model"
