"""Cells of a recorded or scripted row: texts as the model gave them, and the words that speak of them."""

from __future__ import annotations

from collections.abc import Iterable

from liangxin.cells import one_of, wrong
from liangxin.records import ReplyStatus, Row

STATUSES = tuple(str(status) for status in ReplyStatus if status is not ReplyStatus.NOT_ASKED)
"""What `reply_status` may say."""


def text(row: Row, name: str) -> str | None:
    """A text exactly as written; None where the cell is absent or null.

    Raises:
        DataError: it is something else.
    """
    value = row.values.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong(row, name, "a text")
    return value


def choice(row: Row, name: str, allowed: Iterable[str]) -> str | None:
    """A name from a closed list; None where the cell is absent.

    Raises:
        DataError: it is something else.
    """
    return None if text(row, name) is None else one_of(row, allowed, name)


def texts(row: Row, name: str, length: int) -> tuple[str | None, ...]:
    """One text for each of `length` turns: a list of them, or one that speaks of the last turn.

    Raises:
        DataError: it is something else.
    """
    value = row.values.get(name)
    if not isinstance(value, list):
        return (*(None,) * (length - 1), text(row, name))
    if len(value) != length or not all(one is None or isinstance(one, str) for one in value):
        raise wrong(row, name, f"a text, or a list of {length} texts")
    return tuple(value)
