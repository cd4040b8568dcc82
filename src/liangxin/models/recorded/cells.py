"""Reading the cells of a recorded or scripted row: every problem names file, row and field."""

from __future__ import annotations

from collections.abc import Iterable

from liangxin.errors import DataError
from liangxin.files import show
from liangxin.records import ReplyStatus, Row

STATUSES = tuple(str(status) for status in ReplyStatus if status is not ReplyStatus.NOT_ASKED)
"""What `reply_status` may say."""


def wrong(row: Row, name: str, expected: str) -> DataError:
    """The error for one cell; what was found is shown short, on one line."""
    return DataError.at(row.file, row.number, name, found=show(row.values.get(name)), expected=expected)


def text(row: Row, name: str) -> str | None:
    """A text exactly as written; None where the cell is absent or null.

    Raises:
        DataError: it is something else.
    """
    value = row.values.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong(row, name, "a text")
    return value


def word(row: Row, name: str) -> str | None:
    """A short name: a text without the blanks around it, or a whole number; None where there is none.

    Raises:
        DataError: it is something else.
    """
    value = row.values.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # spreadsheets keep whole numbers as floats
    if value is None or isinstance(value, bool) or not isinstance(value, str | int):
        if value is None:
            return None
        raise wrong(row, name, "a text or a whole number")
    return str(value).strip() or None


def one_of(row: Row, name: str, allowed: Iterable[str]) -> str | None:
    """A name from a closed list; None where the cell is absent.

    Raises:
        DataError: it is something else.
    """
    allowed = tuple(allowed)
    value = text(row, name)
    if value is not None and value.strip() not in allowed:
        raise wrong(row, name, " or ".join(allowed) if len(allowed) < 4 else "one of " + ", ".join(allowed))
    return None if value is None else value.strip()


def count(row: Row, name: str) -> int | None:
    """A whole number from 1; None where the cell is absent.

    Raises:
        DataError: it is something else.
    """
    told = word(row, name)
    if told is None:
        return None
    number = int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0
    if number < 1:
        raise wrong(row, name, "a whole number from 1")
    return number


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
