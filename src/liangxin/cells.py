"""Reading the cells of one row: the same cell means the same in every file, and a wrong one is one sentence.

Every kind of file is read by it: a benchmark's data, recorded answers, scripts, labels, sheets. Spreadsheets keep
whole numbers as floats, and programs that write csv leave them so (`1.0`) or pad them (` 1 `): all of them are 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from liangxin.errors import DataError
from liangxin.files import is_table, show
from liangxin.records import Row

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,9})?")


def bad(row: Row, name: str, found: object, expected: str) -> DataError:
    """The error for a cell: file, row and field; `found` is shown short, on one line, controls escaped."""
    return DataError.at(row.file, row.number, name, found=show(found), expected=expected)


def wrong(row: Row, name: str, expected: str) -> DataError:
    """As `bad`, for what stands in the cell itself."""
    return bad(row, name, row.values.get(name), expected)


def source(row: Row) -> str:
    """Where the row was read: FILE:ROW."""
    return f"{row.file}:{row.number}"


def absent(value: object) -> bool:
    """Whether a cell says nothing: missing, null, or blank as in csv."""
    return value is None or (isinstance(value, str) and not value.strip())


def number(value: object) -> float | None:
    """The number of at most nine digits that a cell holds, as a number or as text; None where it holds none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def whole(value: object) -> int | None:
    """The whole number that a cell holds (1, 1.0, `1`, ` 1 `, `1.0`); None where it holds none."""
    found = number(value)
    return int(found) if found is not None and found.is_integer() else None


def written(value: object) -> str | None:
    """A cell as text: a text as it is, a number as it is typed (3 for 3.0); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def name_of(value: object) -> str | None:
    """A short name: a text without the blanks around it, or a whole number; None for anything else.

    A number with a fraction is no name: a spreadsheet has made 1.1 of 1.10.
    """
    found = written(value)
    return None if found is None or (isinstance(value, float) and not value.is_integer()) else found.strip()


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


def own_id(row: Row, *names: str, expected: str = "a text or a whole number") -> str | None:
    """The row's own id as text, under the first of `names` (default `id`) that has content.

    Raises:
        DataError: it is neither a text nor a whole number.
    """
    name, value = first(row.values, names or ("id",))
    if absent(value):
        return None
    found = name_of(value)
    if found is None:
        raise bad(row, name, value, expected)
    return found


def count(row: Row, name: str) -> int | None:
    """A whole number from 1 (a turn, a trial); None where the cell says nothing.

    Raises:
        DataError: it is something else.
    """
    if absent(row.values.get(name)):
        return None
    found = whole(row.values[name])
    if found is None or found < 1:
        raise wrong(row, name, "a whole number from 1")
    return found


def answer(row: Row, name: str) -> object:
    """A model's answer in the cell: a number in a table stands for its text, as the answer was typed there."""
    value = row.values.get(name)
    if not isinstance(value, int | float) or not is_table(row.file):
        return value
    return str(value).upper() if isinstance(value, bool) else written(value)
