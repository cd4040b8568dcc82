"""A model that follows a script: `scripted:FILE`, a fake for tests and demonstrations.

A rule is one JSON line: `match` (a regular expression searched in the last user message; empty or absent
matches all), optional `turn` (counted from 1), and what is answered: `text`, `reasoning`, `finish_reason`,
`status`, `detail`. The first rule that matches answers. Neighbouring rules with the same `match` and `turn`
are alternatives; which one answers is drawn by `weight` (default 1) from the seed and the conversation, so
the same question has the same answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite

from liangxin import cells
from liangxin.digests import text_digest
from liangxin.files import file_digest, read_rows
from liangxin.models.reading import overrule, read_recorded
from liangxin.models.recorded import cells as recorded
from liangxin.records import Message, Reply, ReplyStatus, Row
from liangxin.specs import Endpoint, Generation

FIELDS = ("match", "turn", "text", "reasoning", "finish_reason", "status", "detail", "weight")
NO_RULE = Reply(status=ReplyStatus.FAILED, detail="no rule matches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a script."""

    match: str
    turn: int | None
    reply: Reply
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternatives:
    """Neighbouring rules with one condition."""

    pattern: re.Pattern[str]
    turn: int | None
    rules: tuple[Rule, ...]

    def fits(self, asked: str, turn: int) -> bool:
        """Whether they answer this turn."""
        return self.turn in (None, turn) and self.pattern.search(asked) is not None

    def draw(self, fraction: float) -> Reply:
        """One of the answers, each as likely as its share of the weights.

        Args:
            fraction: uniform in [0, 1).
        """
        left = fraction * sum(rule.weight for rule in self.rules)
        for rule in self.rules:
            left -= rule.weight
            if left < 0:
                return rule.reply
        return self.rules[-1].reply


class ScriptedModel:
    """A model whose answers a function decides."""

    def __init__(
        self,
        answer: Callable[[Sequence[Message], Generation], Reply],
        *,
        identity: str = "scripted:function",
    ) -> None:
        """Use `answer` for every request.

        Args:
            identity: what makes two such models the same one for a run.
        """
        self._answer = answer
        self.identity = identity

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """What the function answers."""
        return self._answer(messages, generation)

    async def aclose(self) -> None:
        """Nothing to release."""


def open_scripted(path: str, endpoint: Endpoint) -> ScriptedModel:
    """The model that follows the script in a file; the endpoint is not used.

    Raises:
        DataError: the file cannot be read, or a rule is wrong.
    """
    del endpoint
    script = read_script(path)
    return ScriptedModel(
        lambda messages, generation: follow(script, messages, generation),
        identity=f"scripted:{file_digest(path)[:16]}",
    )


def read_script(path: str) -> tuple[Alternatives, ...]:
    """The rules of a file, neighbours with one condition together.

    Raises:
        DataError: as `open_scripted`.
    """
    rules = [_rule(row) for row in read_rows(path)]
    return tuple(
        Alternatives(pattern=re.compile(match), turn=turn, rules=tuple(group))
        for (match, turn), group in groupby(rules, key=lambda rule: (rule.match, rule.turn))
    )


def follow(script: Sequence[Alternatives], messages: Sequence[Message], generation: Generation) -> Reply:
    """The answer that a script gives in a conversation; `failed` where no rule matches."""
    asked = [message.content for message in messages if message.role == "user"]
    last = asked[-1] if asked else ""
    for alternatives in script:
        if alternatives.fits(last, len(asked)):
            if len(alternatives.rules) == 1:
                return alternatives.rules[0].reply
            return alternatives.draw(_fraction(messages, generation.seed))
    return NO_RULE


def _fraction(messages: Sequence[Message], seed: int | None) -> float:
    """A number in [0, 1) that the seed and the conversation decide."""
    said = [[message.role, message.content] for message in messages]
    return int(text_digest(json.dumps([seed or 0, said]), length=16), 16) / 2.0**64


def _rule(row: Row) -> Rule:
    unknown = next((name for name in row.values if name not in FIELDS), None)
    if unknown is not None:
        raise cells.wrong(row, unknown, "no such field; a rule has " + ", ".join(FIELDS))
    match = recorded.text(row, "match") or ""
    try:
        re.compile(match)
    except (re.error, OverflowError, RecursionError) as error:
        raise cells.wrong(row, "match", f"a regular expression ({error})") from None
    status = recorded.choice(row, "status", recorded.STATUSES)
    text, detail = recorded.text(row, "text"), recorded.text(row, "detail") or ""
    if text is None and status in (None, ReplyStatus.OK):
        raise cells.wrong(row, "text", 'the answer as a text ("" for an empty one), or another status')
    reply = read_recorded(
        text or "", recorded.text(row, "finish_reason"), recorded.text(row, "reasoning") or ""
    )
    return Rule(
        match=match,
        turn=cells.count(row, "turn"),
        reply=overrule(reply, status, detail),
        weight=_weight(row),
    )


def _weight(row: Row) -> float:
    value = row.values.get("weight", 1)
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not isfinite(number) or number <= 0:
        raise cells.wrong(row, "weight", "a number above 0")
    return float(number)
