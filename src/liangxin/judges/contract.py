"""The one object that writes an LLM judge's format request and reads its reply.

A verdict is `given` only if the reply, after one closed think block and one code fence around all that
is left, is exactly one JSON object with exactly the keys `level` and `reason`. An answer under judgement
may itself hold a verdict ("3分", or this very JSON); a judge that quotes it has not given one. So nothing
is ever searched for in a reply: it parses whole, or it is `unreadable`, and a person can read `raw`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from liangxin.reasoning import split_think
from liangxin.records import Scale, Verdict, VerdictStatus
from liangxin.zh import clean_text, strip_fence

KEYS = ("level", "reason")

_INSTRUCTION = """\
请只输出一个 JSON 对象，前后不要有任何别的文字。它恰好有两个键：
- "level"：只能是下面等级名中的一个，原样照抄，放在双引号里；
- "reason"：一两句中文理由。

可选的等级（由差到好）：
{levels}

格式：
{{"level": "等级名", "reason": "理由"}}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The format of a verdict: asked for and read in one place, so that both always agree."""

    instruction_text: str = _INSTRUCTION
    """With `{levels}`; part of a judge's identity."""

    def instruction(self, scale: Scale) -> str:
        """The format request in Chinese, with every allowed level and its meaning."""
        levels = "\n".join(f'- "{level.name}"：{level.zh}' for level in scale.levels)
        return self.instruction_text.format(levels=levels)

    def read(self, scale: Scale, raw: str) -> Verdict:
        """The verdict in a reply: `given`, or `unreadable` with why. Never raises; `raw` is kept whole."""
        kept = clean_text(raw)
        try:
            level, reason = _parsed(_stripped(kept), scale)
        except _Unreadable as why:
            return Verdict(status=VerdictStatus.UNREADABLE, reason=str(why), raw=kept)
        return Verdict(level=level, reason=reason, raw=kept)


class _Unreadable(Exception):
    """Why a reply is no verdict."""


def _stripped(raw: str) -> str:
    """The reply without one think block at its beginning and one code fence around the rest."""
    thought = split_think(raw.strip(), lone_close=False, repeated=False)
    if not thought.closed:
        raise _Unreadable("the think block never closes")
    return strip_fence(thought.answer).strip()


def _parsed(text: str, scale: Scale) -> tuple[str, str]:
    if not text:
        raise _Unreadable("the reply is empty")
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except _Unreadable:
        raise
    except (ValueError, RecursionError):
        raise _Unreadable("the reply is not exactly one JSON object") from None
    if not isinstance(value, dict):
        raise _Unreadable("the reply is not a JSON object")
    if set(value) != set(KEYS):
        raise _Unreadable("the object's keys are not exactly level and reason")
    return _level(value["level"], scale), _reason(value["reason"])


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Unreadable("a key is given twice")
    return made


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _level(value: object, scale: Scale) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _Unreadable("level is neither a string nor a whole number")
    name = value if isinstance(value, str) else _digits(value)
    if scale.level(name) is None:
        allowed = ", ".join(level.name for level in scale.levels)
        raise _Unreadable(f"level {name[:40]!r} is not on the scale ({allowed})")
    return name


def _digits(value: int) -> str:
    # A number of thousands of digits cannot be written out, and no level is one.
    return str(value) if abs(value) < 10**9 else "a huge number"


def _reason(value: object) -> str:
    if not isinstance(value, str):
        raise _Unreadable("reason is not a string")
    # JSON escapes can spell what no text may hold.
    return clean_text(value)
