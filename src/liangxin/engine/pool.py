"""A fixed number of workers over one lazy source, stopping cleanly when asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from threading import Event
from typing import Generic, TypeVar

T = TypeVar("T")


class Stop:
    """A request to take up no new work; what is under way is finished."""

    def __init__(self, asked: Event | None = None) -> None:
        """Nothing is requested yet.

        Args:
            asked: set once the user asked; that of another request, where both are of one command.
        """
        self._asked = asked or Event()
        self.spent: Callable[[], bool] = _never
        """Whether the run's budget is used up."""

    @property
    def interrupted(self) -> bool:
        """Whether the user asked."""
        return self._asked.is_set()

    @property
    def requested(self) -> bool:
        """Whether nothing new is to be taken up."""
        return self.interrupted or self.spent()

    def interrupt(self) -> None:
        """The user asks."""
        self._asked.set()

    def of_user(self) -> Stop:
        """For who asks no host: what a budget stops concerns them not."""
        return Stop(self._asked)


def _never() -> bool:
    return False


class _Source(Generic[T]):
    """Values out of chunks, drawn by several workers; the next chunk is waited for once the last one is empty."""

    def __init__(self, chunks: AsyncIterator[Iterable[T]]) -> None:
        self._chunks = chunks
        self._chunk: Iterator[T] = iter(())
        self._ended = False
        self._turn = asyncio.Lock()

    async def __aiter__(self) -> AsyncIterator[T]:
        while not self._ended:
            chunk = self._chunk
            for value in chunk:
                yield value
            async with self._turn:
                # Another worker may have come first, or even long before, while this one handled its value.
                if self._chunk is chunk and not self._ended:
                    await self._refill()

    async def _refill(self) -> None:
        try:
            self._chunk = iter(await anext(self._chunks))
        except StopAsyncIteration:
            self._ended = True


async def in_one(values: Iterable[T]) -> AsyncIterator[Iterable[T]]:
    """Values that are at hand, as the one chunk of a source."""
    yield values


async def work(
    chunks: AsyncIterator[Iterable[T]], handle: Callable[[T], Awaitable[object]], connections: int, stop: Stop
) -> None:
    """Handle everything in the chunks, at most `connections` at a time.

    A chunk is asked for only when a worker is free and the one before is empty.

    Raises:
        BaseException: the first failure of a handler; the other workers are cancelled and awaited.
    """

    source = _Source(chunks)

    async def worker() -> None:
        async for value in source:
            await handle(value)
            if stop.requested:
                return

    tasks = [asyncio.create_task(worker()) for _ in range(connections)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
