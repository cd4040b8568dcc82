"""What the annotating page sends for one task, read strictly: anything else is refused with one sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from liangxin.errors import PeopleError
from liangxin.zh import clean_text

if TYPE_CHECKING:
    from liangxin.annotation.desk.saving import Span, Submission

_MOST = 1000
_WHOLE = 2**31 - 1
_DAY = 86_400
_TARGET = re.compile(r"([0-9]{1,4}):([0-9]{1,4})")


def read_submission(body: Mapping[str, Any]) -> Submission:
    """A person's verdict from JSON.

    `levels` maps "PLACE:TURN" to a level's name; spans count code points. Whether places, turns and levels are
    those of the task, and how long a text may be, is for the saving to say.

    Raises:
        PeopleError: a field is missing or not of its kind.
    """
    from liangxin.annotation.desk.saving import Submission

    points, skip = body.get("points"), body.get("skip")
    return Submission(
        token=_text(body.get("token"), "token"),
        base_version=_whole(body.get("base_version", 0), "base_version"),
        levels=_levels(body.get("levels", {})),
        comment=_text(body.get("comment", ""), "comment").strip(),
        spans=tuple(_span(one) for one in _items(body.get("spans", []), "spans")),
        best=tuple(_whole(one, "best") for one in _items(body.get("best", []), "best")),
        none_good=_flag(body.get("none_good", False), "none_good"),
        points=None if points is None else _whole(points, "points"),
        own_answer=_text(body.get("own_answer", ""), "own_answer").strip(),
        skip=None if skip is None else _text(skip, "skip").strip(),
        seconds=_seconds(body.get("seconds", 0)),
    )


def _wrong(name: str, zh: str, en: str) -> PeopleError:
    return PeopleError(
        f"提交的 {name} 应是{zh}；没有保存。请刷新页面再试。",
        f"The field {name!r} should be {en}; nothing was saved. Reload the page and try again.",
    )


def _whole(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _WHOLE:
        raise _wrong(name, "不小于 0 的整数", "a whole number of at least 0")
    return value


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, " true 或 false", "true or false")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "文字", "text")
    # A database takes neither NUL nor half a surrogate pair, both of which a browser can send.
    return clean_text(value)


def _items(value: object, name: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise _wrong(name, f"最多 {_MOST} 项的列表", f"a list of at most {_MOST} entries")
    return value


def _levels(value: object) -> dict[tuple[int, int], str]:
    wrong = _wrong("levels", "从“位置:轮次”到等级的对应", 'an object from "PLACE:TURN" to a level')
    if not isinstance(value, dict) or len(value) > _MOST:
        raise wrong
    found: dict[tuple[int, int], str] = {}
    for target, level in value.items():
        matched = _TARGET.fullmatch(target)
        if matched is None or not isinstance(level, str):
            raise wrong
        found[int(matched[1]), int(matched[2])] = level
    return found


def _span(value: object) -> Span:
    from liangxin.annotation.desk.saving import Span

    if not isinstance(value, dict):
        raise _wrong("spans", "标记的列表", "a list of marked passages")
    place, turn, start, end = (_whole(value.get(name), name) for name in ("place", "turn", "start", "end"))
    return Span(place=place, turn=turn, start=start, end=end)


def _seconds(value: object) -> float:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        raise _wrong("seconds", "一个数", "a number")
    return float(min(max(value, 0), _DAY))
