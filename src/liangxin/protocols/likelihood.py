"""A choice read from likelihoods: each option is weighed as the assistant's next words, the likeliest is chosen.

`label` weighs the options' labels after the item's prompt, which shows the options. `text` weighs the options'
own texts after the question alone, and `text-normalised` divides by the text's length in characters: acc and
acc_norm of lm-evaluation-harness (`lm_eval/api/task.py`, multiple_choice, 0.4.13).

Where several options have the highest number there is no decision and the reply is `empty`. The first does
not win, as it would with argmax: that would be a preference for a position. Numbers are compared as they are
kept, rounded, so that the record shows why.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from liangxin.models.base import Likelihood, NotWeighed
from liangxin.records import Item, Message, Reply, ReplyStatus, Scale
from liangxin.specs import ChooseBy

DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is weighed for one item."""

    messages: tuple[Message, ...]
    continuations: tuple[str, ...]
    labels: tuple[str, ...]
    """What each continuation stands for, as the scale names it."""


def choice(how: ChooseBy, item: Item, scale: Scale, messages: Sequence[Message]) -> Choice:
    """What is weighed for one turn of an item.

    Args:
        messages: the turn's request, its prompt last. For `text` the prompt gives way to the question alone;
            where the benchmark gives none, it stays.

    Raises:
        NotWeighed: the scale names fewer options than the item has.
    """
    labels = option_labels(scale, item)
    if how == "label":
        return Choice(messages=tuple(messages), continuations=labels, labels=labels)
    asked = Message(role="user", content=item.stem) if item.stem else messages[-1]
    return Choice(messages=(*messages[:-1], asked), continuations=item.choices, labels=labels)


def option_labels(scale: Scale, item: Item) -> tuple[str, ...]:
    """The names of the levels that stand for an item's options, in the order shown.

    A choice scale's points are codes: 1 is the first option, 2 the second, and so on; a level below 1 is no
    option (Other, Refuse).

    Raises:
        NotWeighed: the scale has fewer such levels than the item has options.
    """
    levels = sorted((level for level in scale.levels if level.points >= 1), key=lambda level: level.points)
    if len(item.choices) < 2 or len(levels) < len(item.choices):
        raise NotWeighed(
            f"{len(item.choices)} options, and the scale {scale.name!r} has names for {len(levels)}"
        )
    return tuple(level.name for level in levels[: len(item.choices)])


def decide(how: ChooseBy, weighed: Choice, found: Sequence[Likelihood], seconds: float) -> Reply:
    """The reply that the likelihoods make: its text is the chosen label, its detail the numbers.

    The detail is JSON: `choose_by`, `logprob` (natural logarithm), `tokens`, `characters` and `normalised`
    (logprob over characters), each in the order of the options.
    """
    raw = [one.logprob for one in found]
    if not all(map(math.isfinite, raw)):
        return Reply(
            status=ReplyStatus.FAILED,
            detail="the model's likelihoods are not finite numbers",
            seconds=seconds,
        )
    characters = [len(one) for one in weighed.continuations]
    logprob = [round(value, DECIMALS) for value in raw]
    normalised = [round(value / count, DECIMALS) for value, count in zip(raw, characters, strict=True)]
    numbers = {
        "choose_by": how,
        "logprob": logprob,
        "tokens": [one.tokens for one in found],
        "characters": characters,
        "normalised": normalised,
    }
    compared = normalised if how == "text-normalised" else logprob
    best = [at for at, value in enumerate(compared) if value == max(compared)]
    tie = len(best) > 1
    detail = json.dumps({**numbers, **({"tie": True} if tie else {})}, separators=(",", ":"))
    return Reply(
        text="" if tie else weighed.labels[best[0]],
        status=ReplyStatus.EMPTY if tie else ReplyStatus.OK,
        detail=detail,
        seconds=seconds,
    )
