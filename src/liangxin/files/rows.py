"""Reading users' files row by row: JSON lines, csv, xlsx, parquet; plain, .gz or alone in a .zip.

Text is UTF-8 (with or without BOM), GB18030 or UTF-16. Nothing is held in memory but the row at hand (of a workbook
its shared strings too). A row's number is its physical line (or sheet row, or place in a parquet file), from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from liangxin.errors import DataError
from liangxin.files.encodings import text_of
from liangxin.files.json_text import parse_json, why_not, writable
from liangxin.files.opening import content_name, format_of
from liangxin.files.shown import show
from liangxin.files.tables import csv_rows, parquet_rows, xlsx_rows
from liangxin.files.workbook_limits import WorkbookLimits
from liangxin.records import Row

_TABLES = {".csv": csv_rows, ".tsv": csv_rows, ".parquet": parquet_rows}
WORKBOOKS = (".xlsx", ".xlsm")


def read_rows(
    path: str, columns: Sequence[str] | None = None, limits: WorkbookLimits | None = None
) -> Iterator[Row]:
    """Every row of a data file, in order; the format is told by the name (.csv, .xlsx, …, else JSON lines).

    Characters that cannot be written as UTF-8 text (unpaired surrogates, NUL) become U+FFFD. Blank lines
    are passed over; in a table a blank cell is an absent field. Of a csv that Liangxin wrote the guards before
    formulas are taken away.

    Args:
        columns: the columns' names, for a table without a header row.
        limits: how much of a workbook is read; by default more than any table has.

    Raises:
        DataError: the file is missing, a directory, empty, damaged or undecodable, or a row is malformed.
    """
    name = content_name(path)
    kind = format_of(name)
    if kind in WORKBOOKS:
        rows = xlsx_rows(path, name, columns, limits or WorkbookLimits())
    elif kind in _TABLES:
        rows = _TABLES[kind](path, name, columns)
    else:
        rows = _json_rows(path, name)
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise DataError(f"{path}: the file is empty; expected at least one row")


def is_table(name: str) -> bool:
    """Whether the name (a row's `file`) is that of a table, where every cell is blank, text or number."""
    kind = format_of(name)
    return kind in _TABLES or kind in WORKBOOKS


def read_text(path: str) -> str:
    """A whole text file, in any of the accepted encodings.

    Raises:
        DataError: it is missing, a directory or undecodable.
    """
    with text_of(path, newline="") as lines:
        return lines.read()


def _json_rows(path: str, name: str) -> Iterator[Row]:
    with text_of(path, newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            stripped = line.strip()
            if stripped:
                yield Row(file=name, number=number, values=_json_object(name, number, stripped))


def _json_object(name: str, number: int, line: str) -> dict[str, object]:
    try:
        value = parse_json(line)
    except (ValueError, RecursionError) as error:
        raise DataError.at(
            name, number, "line", found=f"invalid JSON ({why_not(error)})", expected="one JSON object a line"
        ) from None
    if not isinstance(value, dict):
        raise DataError.at(name, number, "line", found=show(value), expected="one JSON object a line")
    if "\\u" in line or "\0" in line:
        value = writable(value)
    return cast("dict[str, object]", value)
