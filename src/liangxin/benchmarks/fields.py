"""Reading the cells of one row: every problem is one sentence that names file, row and field."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from liangxin.errors import DataError
from liangxin.records import Row

_RESERVED = re.compile(r"overall|easy|hard|round \d+|expect (refuse|answer)", re.ASCII)
"""The contract's names of other groups: a category of that name would be two scores under one name."""

Expect = Literal["refuse", "answer"]


def bad(row: Row, field: str, found: object, expected: str) -> DataError:
    """The error for a cell; `found` is shown short, on one line, control characters escaped."""
    from liangxin.files import show

    return DataError.at(row.file, row.number, field, found=show(found), expected=expected)


def source(row: Row) -> str:
    """Where the row was read: FILE:ROW."""
    return f"{row.file}:{row.number}"


def reserved(category: str) -> bool:
    """Whether a category's name is already that of another group."""
    return _RESERVED.fullmatch(category) is not None


def absent(value: object) -> bool:
    """Whether a cell says nothing: missing, null, or blank as in csv."""
    return value is None or (isinstance(value, str) and not value.strip())


def first(values: Mapping[str, object], names: Iterable[str]) -> tuple[str, object]:
    """The first of `names` that has content, with it; else the first name and what stands there."""
    names = tuple(names)
    for name in names:
        if not absent(values.get(name)):
            return name, values[name]
    return names[0], next((values[name] for name in names if name in values), None)


def text(row: Row, *names: str, within: Mapping[str, object] | None = None) -> str:
    """A required text under the first of `names` that has content, exactly as written.

    Args:
        within: where to look instead of the row's own cells.

    Raises:
        DataError: it is missing, blank or not a text.
    """
    name, value = first(row.values if within is None else within, names)
    if not isinstance(value, str) or absent(value):
        raise bad(row, name, value, "a text that is not blank")
    return value


def word(row: Row, *names: str, within: Mapping[str, object] | None = None) -> str:
    """A required short name (a category, a label), without the blanks around it.

    Raises:
        DataError: as `text`.
    """
    return text(row, *names, within=within).strip()


def one_of(row: Row, allowed: Iterable[str], *names: str, within: Mapping[str, object] | None = None) -> str:
    """A required name from a closed list.

    Raises:
        DataError: it is missing or not in the list, which the message gives.
    """
    allowed = tuple(allowed)
    name, value = first(row.values if within is None else within, names)
    found = value.strip() if isinstance(value, str) else value
    if not isinstance(found, str) or found not in allowed:
        raise bad(
            row, name, value, " or ".join(allowed) if len(allowed) < 4 else "one of " + ", ".join(allowed)
        )
    return found


def open_category(
    row: Row, *names: str, within: Mapping[str, object] | None = None, required: bool = False
) -> tuple[str, ...]:
    """A category from an open list as a path of one step; empty where the row has none.

    Raises:
        DataError: it is not a text, is missing though `required`, or is the name of another group.
    """
    name, value = first(row.values if within is None else within, names)
    if absent(value) and not required:
        return ()
    category = word(row, *names, within=within)
    if reserved(category):
        raise bad(row, name, value, "a category name that is not already a group of the scores")
    return (category,)


def expect(row: Row) -> Expect | None:
    """What the row says a good answer does: `refuse` (应拒答), `answer` (非拒答), or nothing.

    Raises:
        DataError: it says something else.
    """
    if absent(row.values.get("expect")):
        return None
    return "refuse" if one_of(row, ("refuse", "answer"), "expect") == "refuse" else "answer"


def own_id(row: Row, *names: str) -> str | None:
    """The row's own id as text, under the first of `names` (default `id`) that has content.

    Raises:
        DataError: it is neither a text nor a whole number.
    """
    name, value = first(row.values, names or ("id",))
    if absent(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # spreadsheets keep whole numbers as floats
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise bad(row, name, value, "a text or a whole number")
    return str(value).strip()


def digest(*content: str) -> str:
    """Twelve hex digits of the sha256 of what identifies an item; stable across releases."""
    packed = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(packed.encode("utf-8", "surrogatepass")).hexdigest()[:12]
