"""The scripted dialogue, step by step."""

from __future__ import annotations

import pytest

from liangxin.protocols import history, messages_for, next_turn
from liangxin.records import Exchange, Reply, ReplyStatus

NOT_ASKED = Reply(status=ReplyStatus.NOT_ASKED)


def exchanges(*replies: Reply) -> list[Exchange]:
    return [
        Exchange(turn=turn, prompt=f"问{turn}", reply=reply) for turn, reply in enumerate(replies, start=1)
    ]


@pytest.mark.parametrize(
    ("replies", "turn"),
    [
        ((NOT_ASKED, NOT_ASKED), 1),
        ((Reply(text="答"), NOT_ASKED), 2),
        ((Reply(text="答"), Reply(text="答")), None),
        ((Reply(status=ReplyStatus.FAILED), NOT_ASKED), 1),
        ((Reply(text="答"), Reply(status=ReplyStatus.FAILED)), 2),
        ((Reply(status=ReplyStatus.FILTERED), NOT_ASKED), None),
        ((Reply(status=ReplyStatus.EMPTY), NOT_ASKED), None),
        ((Reply(status=ReplyStatus.TRUNCATED), NOT_ASKED), None),
        ((Reply(status=ReplyStatus.TRUNCATED, text="半"), NOT_ASKED), 2),
    ],
)
def test_the_next_turn(replies: tuple[Reply, ...], turn: int | None) -> None:
    found = next_turn(exchanges(*replies))
    assert (found.turn if found else None) == turn


def test_reasoning_stays_out_of_the_history() -> None:
    held = exchanges(Reply(text="答一", reasoning="想"), Reply(text="答二"), NOT_ASKED)
    assert [(message.role, message.content) for message in messages_for(held, 3, "系统")] == [
        ("system", "系统"),
        ("user", "问1"),
        ("assistant", "答一"),
        ("user", "问2"),
        ("assistant", "答二"),
        ("user", "问3"),
    ]
    assert history(held, 1) == ()
