"""A fixed number of workers over one lazy source, stopping cleanly when asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Stop:
    """A request to take up no new work; what is under way is finished."""

    def __init__(self) -> None:
        self.requested = False


async def work(
    source: Iterator[T], handle: Callable[[T], Awaitable[None]], connections: int, stop: Stop
) -> None:
    """Handle everything that `source` yields, at most `connections` at a time.

    The source is drawn from only when a worker is free, so memory holds `connections` of its values.

    Raises:
        BaseException: the first failure of a handler; the other workers are cancelled and awaited.
    """

    async def worker() -> None:
        for value in source:
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
