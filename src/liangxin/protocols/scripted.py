"""The scripted dialogue: the item's turns in order, with the model's own answers in the history.

Source: SC-Safety asks a question and follow-ups "in one dialogue" (arXiv 2310.05818, README); a
single-turn benchmark is the case of one turn.
"""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.records import Exchange, Message, Reply, ReplyStatus

NAME = "scripted"


def ends(reply: Reply) -> bool:
    """Whether the dialogue cannot go on after this reply.

    After a turn that is filtered, empty or failed there is no answer to continue from; the same holds
    for an answer that was cut off before it said anything.
    """
    return reply.status is not ReplyStatus.NOT_ASKED and not reply.judgeable


def next_turn(exchanges: Sequence[Exchange]) -> Exchange | None:
    """The first turn that is still to be asked, or None where the dialogue has ended."""
    for exchange in exchanges:
        if exchange.reply.status in (ReplyStatus.FAILED, ReplyStatus.NOT_ASKED):
            return exchange
        if ends(exchange.reply):
            return None
    return None


def history(exchanges: Sequence[Exchange], turn: int) -> tuple[Message, ...]:
    """What was said before a turn, user and assistant by turns; reasoning is not part of it."""
    said: list[Message] = []
    for exchange in exchanges[: turn - 1]:
        said.append(Message(role="user", content=exchange.prompt))
        said.append(Message(role="assistant", content=exchange.reply.text))
    return tuple(said)


def messages_for(exchanges: Sequence[Exchange], turn: int, system: str | None) -> tuple[Message, ...]:
    """The whole request of a turn (counted from 1): system prompt, history, the turn's prompt."""
    opening = (Message(role="system", content=system),) if system else ()
    asked = Message(role="user", content=exchanges[turn - 1].prompt)
    return (*opening, *history(exchanges, turn), asked)
