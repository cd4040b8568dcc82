"""The limit on requests: what halves it, what raises it, and that nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liangxin.models.http.pacing import LONGEST_PAUSE, MOST_PAUSES, SHORTEST_PAUSE, Pacer

T = TypeVar("T")


def run(job: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(job, 20)

    return asyncio.run(bounded())


async def fill(pacer: Pacer, number: int) -> list[int]:
    return [await pacer.enter() for _ in range(number)]


def test_nothing_is_limited_until_a_429() -> None:
    async def job() -> None:
        pacer = Pacer(2)
        await fill(pacer, 5)
        assert (pacer.limited, pacer.under_way, pacer.limit) == (False, 5, 2)
        for _ in range(5):
            pacer.answered()
            pacer.leave()
        assert pacer.under_way == 0

    run(job())


def test_a_429_halves_what_was_under_way_once_in_a_round() -> None:
    async def job() -> None:
        pacer = Pacer(64)
        rounds = await fill(pacer, 16)
        for began in rounds:
            pacer.rejected(began, None)
            pacer.leave()
        assert (pacer.limit, pacer.limited) == (8, True)
        later = await fill(pacer, 8)
        pacer.rejected(later[0], None)
        pacer.rejected(later[1], None)
        assert pacer.limit == 4

    run(job())


def test_good_answers_raise_the_limit_by_one_a_round_and_in_the_end_lift_it() -> None:
    async def job() -> None:
        pacer = Pacer(4)
        (began, *_) = await fill(pacer, 4)
        pacer.rejected(began, None)
        assert pacer.limit == 2
        for _ in range(3):
            pacer.answered()
        assert pacer.limit == 3
        for _ in range(20):
            pacer.answered()
        for _ in range(4):
            pacer.leave()
        assert (pacer.limit, pacer.limited) == (4, False)

    run(job())


def test_who_waits_gets_the_turn_that_is_given_back() -> None:
    async def job() -> None:
        pacer = Pacer(2)
        (began, _) = await fill(pacer, 2)
        pacer.rejected(began, None)
        order: list[int] = []

        async def one(number: int) -> None:
            await pacer.enter()
            order.append(number)
            await asyncio.sleep(0)
            assert pacer.under_way <= 2
            pacer.leave()

        tasks = [asyncio.ensure_future(one(number)) for number in range(6)]
        await asyncio.sleep(0.01)
        assert order == []
        pacer.leave()
        await asyncio.sleep(0.01)
        assert order == []
        pacer.leave()
        await asyncio.gather(*tasks)
        assert order == list(range(6))
        assert pacer.under_way == 0

    run(job())


@pytest.mark.parametrize("granted", [False, True])
def test_a_waiter_that_is_cancelled_blocks_nobody(granted: bool) -> None:
    async def job() -> None:
        pacer = Pacer(1)
        began = await pacer.enter()
        pacer.rejected(began, 0.0)
        first, second = (asyncio.ensure_future(pacer.enter()) for _ in range(2))
        await asyncio.sleep(SHORTEST_PAUSE + 0.05)
        if granted:
            pacer.leave()
        first.cancel()
        if not granted:
            await asyncio.sleep(0)
            pacer.leave()
        await second
        assert first.cancelled()
        assert pacer.under_way == 1

    run(job())


def test_retry_after_holds_everybody() -> None:
    async def job() -> None:
        pacer = Pacer(8)
        loop = asyncio.get_running_loop()
        began, *_ = await fill(pacer, 6)
        start = loop.time()
        pacer.rejected(began, 0.2)
        pacer.rejected(began, 0.1)
        for _ in range(6):
            pacer.leave()
        await asyncio.gather(*(pacer.enter() for _ in range(2)))
        assert loop.time() - start >= 0.19

    async def first_of_many() -> None:
        pacer = Pacer(8)
        began = await pacer.enter()
        pacer.rejected(began, 0.05)
        pacer.leave()

        async def one() -> None:
            await pacer.enter()
            pacer.answered()
            pacer.leave()

        await asyncio.gather(*(one() for _ in range(50)))
        assert (pacer.under_way, pacer.limited) == (0, False)

    run(job())
    run(first_of_many())


def test_below_one_request_at_a_time_the_pause_doubles_and_halves() -> None:
    now = 0.0
    pacer = Pacer(1, clock=lambda: now)
    for expected in (SHORTEST_PAUSE, 0.5, 1.0, 2.0):
        pacer.rejected(pacer.round, None)
        assert (pacer._pause, pacer._until - now) == (expected, expected)
        now += 10
    for expected in (1.0, 0.5, SHORTEST_PAUSE, 0.0):
        pacer.answered()
        assert pacer._pause == expected
    for _ in range(MOST_PAUSES):
        pacer.rejected(pacer.round, None)
    assert (pacer._pause, pacer.limit) == (LONGEST_PAUSE, 1)
    now += 100
    for _ in range(3):  # pausing does not help: the quota may be spent
        pacer.rejected(pacer.round, None)
        assert (pacer._pause, pacer._until <= now) == (0.0, True)
    pacer.answered()
    pacer.rejected(pacer.round, None)
    assert pacer._pause > 0


class Crowd:
    """An endpoint that takes so many requests at once and answers the rest with 429."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.under_way = 0
        self.rejected = 0

    async def ask(self) -> bool:
        self.under_way += 1
        good = self.under_way <= self.capacity
        await asyncio.sleep(0.002)
        self.under_way -= 1
        self.rejected += not good
        return good


@pytest.mark.parametrize("capacity", [3, 10, 40])
def test_it_settles_near_what_the_endpoint_can_take(capacity: int) -> None:
    async def job() -> tuple[int, int]:
        pacer, crowd, asked = Pacer(64), Crowd(capacity), iter(range(1500))

        async def worker() -> None:
            for _ in asked:
                good = False
                while not good:
                    began = await pacer.enter()
                    good = await crowd.ask()
                    pacer.answered() if good else pacer.rejected(began, None)
                    pacer.leave()

        await asyncio.gather(*(worker() for _ in range(64)))
        assert pacer.under_way == 0
        return pacer.limit, crowd.rejected

    limit, rejected = run(job())
    assert 1 <= limit <= 64
    assert rejected < 1500 * 0.25


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6),
    st.lists(
        st.tuples(st.sampled_from(["good", "429", "wait", "fail", "cancel"]), st.integers(0, 3)),
        min_size=1,
        max_size=30,
    ),
)
def test_every_turn_is_given_back_and_everybody_gets_one(
    connections: int, script: list[tuple[str, int]]
) -> None:
    async def job() -> None:
        pacer = Pacer(connections)
        pacer_pause = 0.001

        async def one(what: str, yields: int) -> None:
            began = await pacer.enter()
            try:
                for _ in range(yields):
                    await asyncio.sleep(0)
                if what == "good":
                    pacer.answered()
                elif what in ("429", "wait"):
                    pacer.rejected(began, pacer_pause if what == "wait" else None)
                    pacer._until = min(pacer._until, asyncio.get_running_loop().time() + pacer_pause)
            finally:
                pacer.leave()

        tasks = [asyncio.ensure_future(one(*step)) for step in script]
        await asyncio.sleep(0)
        for task, (what, _) in zip(tasks, script, strict=True):
            if what == "cancel":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pacer.under_way == 0
        assert 1 <= pacer.limit <= connections

    run(job())
