"""Rows as a file: JSON lines, csv that Excel opens, xlsx. No cell can become a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from liangxin.text import visible

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
CELL = 32_767
"""The most characters that a cell of Excel holds."""
_FORMULA = re.compile("'*[=+\\-@\t\r\n\x00-\x1f＝＋－＠]")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WRAPPED = ("prompt", "response", "note")


def write_rows(rows: Iterable[Mapping[str, Any]], form: Format) -> bytes:
    """Rows as the bytes of a file."""
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    listed = list(rows)
    columns = list(dict.fromkeys(name for row in listed for name in row))
    return _csv(listed, columns) if form == "csv" else _xlsx(listed, columns)


def quoted(text: str) -> str:
    """A csv cell that a table program shows as it is: an apostrophe before what would begin a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _is_number(text) else text


def unquoted(text: str) -> str:
    """The text that `quoted` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def text_cell(sheet: Any, text: str) -> Cell:
    """A cell of a write-only sheet that holds a text whatever it begins with.

    Controls that xlsx cannot hold are shown by a mark, and what does not fit a cell is cut with a note.
    """
    from openpyxl.cell import WriteOnlyCell

    kept = visible(text) if _ILLEGAL.search(text) else text
    if len(kept) > CELL:
        kept = kept[: CELL - 60] + "\n……（此处截断，全文见网站 cut here; the whole text is on the site）"
    cell = WriteOnlyCell(sheet, value=kept)
    # openpyxl takes a text that begins with = for a formula, and one like #N/A for an error.
    cell.data_type = "s"
    return cell


def fits_cell(text: str) -> bool:
    """Whether xlsx holds the text unchanged."""
    return len(text) <= CELL and not _ILLEGAL.search(text)


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\r\n", restval="")
    writer.writeheader()
    for row in rows:
        # The digest binds the label; an answer changed by an apostrophe would contradict it.
        kept = {name: value for name, value in row.items() if name != "response" or quoted(value) == value}
        writer.writerow(
            {name: quoted(value) if isinstance(value, str) else value for name, value in kept.items()}
        )
    return b"\xef\xbb\xbf" + stream.getvalue().encode()


def _xlsx(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("labels")
    sheet.freeze_panes = "A2"
    for number, name in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = 48 if name in _WRAPPED else 16
    sheet.append([text_cell(sheet, name) for name in columns])
    for row in rows:
        cells: list[Any] = []
        for name in columns:
            value = row.get(name, "")
            if name == "response" and isinstance(value, str) and not fits_cell(value):
                value = ""
            cell = text_cell(sheet, value) if isinstance(value, str) else value
            if isinstance(value, str) and name in _WRAPPED:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
            cells.append(cell if value != "" else None)
        sheet.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?", text) is not None
