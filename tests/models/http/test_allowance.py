"""Limits by time: what an endpoint says is left, requests and tokens a minute, and one pacer for all who ask there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from multidict import CIMultiDict

from liangxin.models.http.allowance import Allowance, Left, allowance
from liangxin.models.http.pacing import LONGEST_HOLD, Lane, Pacer, lane_to
from liangxin.records import Usage
from liangxin.specs import Endpoint

T = TypeVar("T")


def run(job: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(job, 20)

    return asyncio.run(bounded())


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("12ms", 0.012),
        ("1h2m3.5s", 3723.5),
        ("2m59.56s", 179.56),
        ("1m12ms", 60.012),
        ("7", 7.0),
        ("0s", 0.0),
    ],
)
def test_durations(reset: str, seconds: float) -> None:
    found = allowance(
        CIMultiDict(
            {
                "x-ratelimit-limit-requests": "5000",
                "x-ratelimit-remaining-requests": "4999",
                "x-ratelimit-reset-requests": reset,
                "x-ratelimit-remaining-tokens": "159976",
                "x-ratelimit-reset-tokens": "9ms",
            }
        )
    )
    assert found is not None
    assert found.requests == pytest.approx((4999, seconds))
    assert found.tokens == pytest.approx((159976, 0.009))


def test_times() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = allowance(
        CIMultiDict(
            {
                "anthropic-ratelimit-requests-remaining": "999",
                "anthropic-ratelimit-requests-reset": soon,
                "anthropic-ratelimit-tokens-remaining": "96000",
                "anthropic-ratelimit-tokens-reset": "2020-01-01T00:00:00Z",
            }
        )
    )
    assert found is not None
    assert found.requests is not None
    assert found.requests.amount == 999
    assert 28 < found.requests.seconds <= 30
    assert found.tokens == Left(96000, 0.0)


@pytest.mark.parametrize(
    ("left", "reset"),
    [("many", "1s"), ("-1", "1s"), ("1", ""), ("1", "soon"), ("1", "²s"), ("9" * 400, "1s")],
)
def test_what_is_no_number_says_nothing(left: str, reset: str) -> None:
    headers = {"x-ratelimit-remaining-requests": left, "x-ratelimit-reset-requests": reset}
    assert allowance(CIMultiDict(headers)) == Allowance()
    assert allowance(CIMultiDict({"content-type": "application/json"})) is None


class Minute:
    """An endpoint asked through one pacer by many at once."""

    def __init__(self, pacer: Pacer, tokens: int = 0) -> None:
        self.pacer = pacer
        self.tokens = tokens
        self.came: list[float] = []

    async def ask(self) -> None:
        await self.pacer.enter(300)
        self.came.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.01)
        self.pacer.answered(Usage(prompt_tokens=self.tokens, completion_tokens=0))
        self.pacer.leave()

    async def crowd(self, number: int) -> float:
        """Seconds from the first to the last."""
        await asyncio.gather(*(self.ask() for _ in range(number)))
        return self.came[-1] - self.came[0]


def test_requests_a_minute_are_spread_evenly() -> None:
    async def job() -> tuple[float, float]:
        pacer = Pacer(64)
        pacer.bound(1200, None)
        minute = Minute(pacer)
        took = await minute.crowd(21)
        assert (pacer.under_way, pacer.limited) == (0, True)
        return took, min(b - a for a, b in zip(minute.came, minute.came[2:], strict=False))

    took, _ = run(job())
    assert took >= 20 * 0.05 - 0.11


def test_tokens_a_minute_are_what_answers_took() -> None:
    async def job() -> float:
        pacer = Pacer(4)
        pacer.bound(None, 60_000)
        return await Minute(pacer, tokens=50).crowd(24)

    # 24 requests of 50 tokens at 1,000 a second; the last four are counted when they begin.
    assert run(job()) >= (24 - 4 - 1) * 0.05 - 0.11


def test_where_nothing_is_left_everybody_waits_until_it_is_given_anew() -> None:
    async def job() -> tuple[float, int, bool]:
        pacer, loop = Pacer(8), asyncio.get_running_loop()
        for _ in range(5):
            await pacer.enter()
        pacer.told(Allowance(requests=Left(5, 0.3)), entered=1)
        # Four had their turn later than the one whose answer said so: one is left.
        start = loop.time()
        await pacer.enter()
        assert loop.time() - start < 0.1
        await pacer.enter()
        waited = loop.time() - start
        for _ in range(7):
            pacer.leave()
        return waited, pacer.under_way, pacer.limited

    waited, under_way, limited = run(job())
    assert waited >= 0.29
    assert (under_way, limited) == (0, False)


def test_a_days_limit_and_plenty_hold_nobody() -> None:
    async def job() -> bool:
        pacer = Pacer(8)
        entered = await pacer.enter()
        pacer.told(Allowance(requests=Left(0, LONGEST_HOLD + 1), tokens=Left(100_000, 30)), entered=entered)
        return pacer.limited

    assert run(job()) is False


def test_who_asks_one_endpoint_shares_one_pacer() -> None:
    async def job() -> None:
        four = Endpoint(connections=4)
        model, judge = lane_to("h", "k", four), lane_to("h", "k", four)
        own = lane_to("h", "k", Endpoint(connections=2, own_connections=True))
        assert model is judge
        assert own is not model
        assert own.pacer is model.pacer
        assert model.pacer.limit == 6
        for other in (lane_to("h", "other", four), lane_to("elsewhere", "k", four)):
            assert other.pacer is not model.pacer
        # A 429 to one slows all.
        await own.enter()
        began = await own.enter()
        model.pacer.rejected(began, None)
        assert model.pacer.limit == 1
        entering = asyncio.ensure_future(model.enter())
        await asyncio.sleep(0.01)
        assert not entering.done()
        own.leave()
        await asyncio.sleep(0.01)
        assert not entering.done()
        own.leave()
        await entering
        assert model.pacer.under_way == 1

    run(job())


def test_a_lane_bounds_its_own_and_gives_back_what_was_cancelled() -> None:
    async def job() -> None:
        lane = Lane(Pacer(2), 2)
        await lane.enter()
        await lane.enter()
        waiting = [asyncio.ensure_future(lane.enter()) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert lane.pacer.under_way == 2
        waiting[0].cancel()
        lane.leave()
        await asyncio.sleep(0.01)
        assert [one.done() for one in waiting] == [True, True, False]
        lane.widen(3)
        await waiting[2]
        for _ in range(3):
            lane.leave()
        assert lane.pacer.under_way == 0

    run(job())
