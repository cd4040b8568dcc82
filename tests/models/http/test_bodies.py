"""The budget that bodies share: who waits, who never does, and that everything is given back."""

from __future__ import annotations

import asyncio

import pytest

from liangxin.models.http.bodies import BODIES, BodyBudget, shared_budget
from liangxin.models.openai import OpenAIModel
from liangxin.records import Message, ReplyStatus
from liangxin.specs import Generation
from liangxin.testing.behaviours import LONG
from liangxin.testing.provider import Provider


def test_all_bodies_share_256_mb() -> None:
    assert BODIES == 256 << 20


def test_all_endpoints_of_a_command_share_one_budget() -> None:
    async def job() -> bool:
        return shared_budget() is shared_budget()

    async def other() -> BodyBudget:
        return shared_budget()

    assert asyncio.run(job())
    assert asyncio.run(other()) is not asyncio.run(other())


def test_what_does_not_fit_waits_and_the_oldest_never_does() -> None:
    async def job() -> None:
        budget = BodyBudget(10)
        first, second = budget.share(), budget.share()
        await first.grow(6)
        await second.grow(4)
        waits = asyncio.create_task(second.grow(1))
        await first.grow(5)
        await asyncio.sleep(0)
        assert (budget.taken, waits.done()) == (15, False)
        first.give_back()
        await asyncio.wait_for(waits, 5)
        assert budget.taken == 5
        second.give_back()
        second.give_back()
        assert budget.taken == 0

    asyncio.run(job())


def test_who_is_gone_holds_nothing_and_holds_up_nobody() -> None:
    async def job() -> None:
        budget = BodyBudget(4)
        first, second, third = budget.share(), budget.share(), budget.share()
        await first.grow(4)
        two, three = asyncio.create_task(second.grow(2)), asyncio.create_task(third.grow(2))
        await asyncio.sleep(0)
        two.cancel()
        with pytest.raises(asyncio.CancelledError):
            await two
        second.give_back()
        first.give_back()
        await asyncio.wait_for(three, 5)
        assert budget.taken == 2

    asyncio.run(job())


@pytest.mark.parametrize("stream", [False, True])
def test_long_answers_come_one_after_another_where_the_budget_is_small(
    house: object, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    monkeypatch.setattr("liangxin.models.http.bodies.BODIES", 1 << 20)

    async def job(_: Provider, model: OpenAIModel) -> list[str]:
        asked = ((Message(role="user", content=f"{n}[[long]]"),) for n in range(4))
        replies = await asyncio.gather(*(model.reply(one, Generation()) for one in asked))
        assert all(one.status is ReplyStatus.OK for one in replies)
        assert shared_budget().taken == 0
        return [one.text for one in replies]

    texts = house.run(job, connections=4, stream=stream)  # type: ignore[attr-defined]
    assert [len(one) for one in texts] == [LONG] * 4
