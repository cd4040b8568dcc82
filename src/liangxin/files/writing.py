"""Rows as a file: JSON lines, csv that a spreadsheet opens, xlsx. No cell can become a formula, every one comes back.

What is read back by `read_rows` is what was written; only a text that is longer than a cell of a workbook is cut,
with a note that `cut_from` knows.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Literal

from liangxin.errors import LiangxinError
from liangxin.files.cut import CELL, CUT, units
from liangxin.files.guards import quoted, taken_otherwise

if TYPE_CHECKING:
    from openpyxl.cell import Cell

Format = Literal["jsonl", "csv", "xlsx"]
FORMATS: tuple[Format, ...] = ("jsonl", "csv", "xlsx")
KINDS: Mapping[Format, str] = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Media types."""
MOST_ROWS = 1_048_575
"""Of a sheet, below its header."""
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML cannot hold (CR would come back as LF), and what would be read as an escape: ECMA-376-1, 22.9.2.19."""
_WRAPPED = ("prompt", "response", "note")


def write_rows(rows: Iterable[Mapping[str, Any]], form: Format) -> bytes:
    """Rows as the bytes of a file; csv begins with the mark by which Excel knows UTF-8."""
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    listed = list(rows)
    columns = list(dict.fromkeys(name for row in listed for name in row))
    if form == "csv":
        text = io.StringIO(newline="")
        write_csv(text, listed, columns)
        return b"\xef\xbb\xbf" + text.getvalue().encode()
    packed = io.BytesIO()
    write_xlsx(packed, listed, columns)
    return packed.getvalue()


def write_csv(stream: IO[str], rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> int:
    """Rows as csv, texts guarded; gives their number."""
    # Line ends of both kinds: only so does Python 3.11 put a cell with a bare CR in quotation marks.
    writer = csv.writer(stream, lineterminator="\r\n")
    count = -1
    for cells in _cells(rows, columns):
        writer.writerow([quoted(one) if isinstance(one, str) else one for one in cells])
        count += 1
    return count


def _cells(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterable[list[Any]]:
    yield list(columns)
    for row in rows:
        yield [row.get(name, "") for name in columns]


def write_xlsx(stream: IO[bytes], rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> int:
    """Rows as the one sheet of a workbook; gives their number.

    Raises:
        LiangxinError: there are more rows than a sheet holds.
    """
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.freeze_panes = "A2"
    for number, name in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = 48 if name in _WRAPPED else 16
    count = -1
    try:
        for values in _cells(rows, columns):
            if count == MOST_ROWS:
                raise LiangxinError(
                    f"a sheet holds {MOST_ROWS:,} rows, and there are more; write csv or JSON lines"
                )
            sheet.append([_cell(sheet, name, value) for name, value in zip(columns, values, strict=True)])
            count += 1
    except BaseException:
        # openpyxl writes the sheet from a generator that must come to its end.
        sheet.close()
        raise
    book.save(stream)
    return count


def _cell(sheet: Any, column: str, value: object) -> Any:
    from openpyxl.styles import Alignment

    if not isinstance(value, str):
        return value
    if not value:
        return None
    cell = text_cell(sheet, value)
    if column in _WRAPPED:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def text_cell(sheet: Any, text: str) -> Cell:
    """A cell of a write-only sheet that holds a text whatever it begins with, also when a person edits it."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=_fitting(text))
    # openpyxl takes a text that begins with = for a formula, and one like #N/A for an error.
    cell.data_type = "s"
    if taken_otherwise(text):
        cell.quotePrefix = True
    return cell


def _fitting(text: str) -> str:
    escaped = _escaped(text)
    if units(escaped) <= CELL:
        return escaped
    room = CELL - len(CUT)
    kept = text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
    if units(_escaped(kept)) > room:
        kept = kept[: room // 7]
    return _escaped(kept) + CUT


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
