"""Rows of tables: csv with any of its separators, one sheet of a workbook, parquet."""

from __future__ import annotations

import csv
import io
import itertools
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from liangxin.errors import DataError
from liangxin.files.encodings import text_of
from liangxin.files.guards import guarded, unquoted
from liangxin.files.json_text import writable
from liangxin.files.opening import opened, seekable
from liangxin.files.shown import show
from liangxin.files.workbook import CellFault, Workbook, WorkbookLimits, Worksheet
from liangxin.files.workbook_cells import column_letters
from liangxin.records import Row

_LOG = logging.getLogger(__name__)
"""What a user should know of a file though nothing is wrong with it; without a handler Python prints it on stderr."""
_SEPARATORS = (",", ";", "\t")
_SAID = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""What Excel takes a separator from, in a line before the header."""
_BATCH = 4_096


def csv_rows(path: str, name: str, columns: Sequence[str] | None) -> Iterator[Row]:
    """The rows of a csv file, separated by commas, or as its first line says or shows (`;`, tab)."""
    csv.field_size_limit(1 << 30)
    with text_of(path, newline="") as lines:
        line = lines.readline()
        said = _SAID.fullmatch(line)
        first = lines.readline() if said else line
        separator = said[1] if said else _separator(first, columns)
        reader = csv.reader(itertools.chain([first], lines), delimiter=separator, strict=True)
        skipped = 1 if said else 0
        try:
            header = next(reader, None) if columns is None else columns
            if header is None:
                return
            names = _header(name, [one.strip() for one in header])
            ours = guarded(names)
            before = reader.line_num
            for cells in reader:
                number, before = before + 1 + skipped, reader.line_num
                if any(cell.strip() for cell in cells):
                    yield _table_row(name, number, names, [unquoted(one) for one in cells] if ours else cells)
        except csv.Error as error:
            raise DataError.at(
                name,
                reader.line_num + skipped,
                "line",
                found=f"broken csv ({error})",
                expected=f"cells separated by {show(separator)}",
            ) from None


def _separator(line: str, columns: Sequence[str] | None) -> str:
    """The comma, unless the first line has none and another sign that separates."""
    bare = re.sub(r'"[^"]*"', "", line)
    if columns is not None:
        return next((one for one in _SEPARATORS if bare.count(one) + 1 == len(columns)), ",")
    return next((one for one in _SEPARATORS if one in bare), ",")


def xlsx_rows(path: str, name: str, columns: Sequence[str] | None, limits: WorkbookLimits) -> Iterator[Row]:
    """The rows of a workbook's first sheet that holds a table; which one is said where there are several."""
    with opened(path) as packed, seekable(packed) as stream:
        book = Workbook(name, stream, limits)
        sheet = _sheet(book, name, headed=columns is None)
        names = None if columns is None else _header(name, list(columns))
        for number, cells in book.rows(sheet):
            if _blank(cells):
                continue
            last = max(cells)
            if names is None:
                _faultless(name, number, cells, range(last + 1))
                titles = [cells.get(at) for at in range(last + 1)]
                names = _header(name, ["" if one is None else str(one).strip() for one in titles])
            else:
                _faultless(name, number, cells, (at for at, one in enumerate(names) if one))
                # Beyond the header only what is there is looked at: a cell in the last column is no 16,384 cells.
                beyond = [cell for at, cell in cells.items() if at >= len(names) and cell]
                within = [cells.get(at) for at in range(len(names))]
                yield _table_row(name, number, names, within, more=last + 1 - len(names) if beyond else 0)


def _blank(cells: Mapping[int, object]) -> bool:
    return all(not isinstance(cell, CellFault) and not str(cell).strip() for cell in cells.values())


def _faultless(name: str, number: int, cells: Mapping[int, object], wanted: Iterable[int]) -> None:
    for at in wanted:
        cell = cells.get(at)
        if isinstance(cell, CellFault):
            place = f"cell {column_letters(at)}{number}"
            raise DataError.at(name, number, place, found=cell.found, expected=cell.expected)


def _sheet(book: Workbook, name: str, *, headed: bool) -> Worksheet:
    """The first sheet with a header and a row below it; a cover of one column only where nothing is wider."""
    if len(book.worksheets) == 1:
        return book.worksheets[0]
    shapes = {one: _shape(book, one) for one in book.worksheets}
    least = 2 if headed else 1
    seen = [one for one in book.worksheets if one.shown] or list(book.worksheets)
    tables = [one for one in seen if shapes[one][0] >= least]
    wide = [one for one in tables if shapes[one][1] > 1]
    chosen = (wide or tables or [one for one in seen if shapes[one][0]] or seen)[0]
    others = [one.name for one in book.worksheets if one is not chosen and shapes[one][0]]
    if others:
        _LOG.warning(
            "%s: read the sheet %s alone; not read: %s (to have another one read, put it first or save it alone)",
            name,
            show(chosen.name),
            ", ".join(show(one) for one in others[:8]) + (" …" if len(others) > 8 else ""),
        )
    return chosen


def _shape(book: Workbook, sheet: Worksheet) -> tuple[int, int]:
    """How many of the first two rows there are, and the columns of the first."""
    filled = (cells for _, cells in book.rows(sheet) if not _blank(cells))
    rows = list(itertools.islice(filled, 2))
    return len(rows), len(rows[0]) if rows else 0


def parquet_rows(path: str, name: str, columns: Sequence[str] | None) -> Iterator[Row]:
    """The rows of a parquet file; a null is an absent field."""
    import polars
    from polars.exceptions import PanicException, PolarsError

    del columns
    with opened(path) as packed:
        # A packed file has to be read whole: parquet keeps its index at the end.
        source: Any = (
            path if isinstance(getattr(packed, "raw", None), io.FileIO) else io.BytesIO(packed.read())
        )
        try:
            scanned = polars.scan_parquet(source, glob=False)
            number = 0
            while len(batch := scanned.slice(number, _BATCH).collect()):
                for values in batch.iter_rows(named=True):
                    number += 1
                    present = {key: one for key, one in values.items() if one is not None and one != ""}
                    yield Row(file=name, number=number, values=cast("dict[str, object]", writable(present)))
        except (PolarsError, PanicException, OSError, ValueError) as error:
            why = show(str(error).partition("\n")[0], width=80)
            raise DataError(f"{path}: not a parquet file, or a damaged one ({why}); write it again") from None


def _header(name: str, names: list[str]) -> list[str]:
    named = [one for one in names if one]
    twice = next((one for one in named if named.count(one) > 1), None)
    if twice is not None:
        raise DataError.at(
            name, 1, "header", found=f"column {show(twice)} twice", expected="each column once"
        )
    return names


def _table_row(name: str, number: int, names: list[str], cells: Sequence[object], more: int = 0) -> Row:
    """A row by its header.

    Args:
        more: how many cells stand beyond the header, where one of them has content.
    """
    if more or (len(cells) > len(names) and any(cells[len(names) :])):
        found = f"{len(cells) + more} cells"
        raise DataError.at(name, number, "line", found=found, expected=f"{len(names)}, as in the header")
    pairs = zip(names, cells, strict=False)
    present = {one: cell for one, cell in pairs if one and cell is not None and cell != ""}
    return Row(file=name, number=number, values=cast("dict[str, object]", writable(present)))
