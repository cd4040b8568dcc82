"""Workers over chunks: each value is handled once, by as many as there may be at a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

from liangxin.engine.pool import Stop, work


async def chunks(*sizes: int) -> AsyncIterator[list[int]]:
    first = 0
    for size in sizes:
        await asyncio.sleep(0.001)
        yield list(range(first, first + size))
        first += size


def test_every_value_of_every_chunk_is_handled_once() -> None:
    handled: list[int] = []
    moments = random.Random(7)
    at_once: list[int] = []
    under_way = 0

    async def handle(value: int) -> None:
        nonlocal under_way
        under_way += 1
        at_once.append(under_way)
        await asyncio.sleep(moments.choice([0, 0.001, 0.004]))
        under_way -= 1
        handled.append(value)

    asyncio.run(work(chunks(50, 3, 0, 1, 200), handle, 20, Stop()))
    assert sorted(handled) == list(range(254))
    assert max(at_once) == 20


def test_a_stop_takes_up_nothing_new() -> None:
    stop = Stop()
    handled: list[int] = []

    async def handle(value: int) -> None:
        handled.append(value)
        await asyncio.sleep(0.001)
        if value >= 5:
            stop.interrupt()

    asyncio.run(work(chunks(4, 100), handle, 1, stop))
    assert handled == [0, 1, 2, 3, 4, 5]
