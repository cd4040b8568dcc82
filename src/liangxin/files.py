"""Reading users' files row by row: JSON lines, csv, xlsx; plain or .gz; UTF-8 (with or without BOM) or GB18030.

Nothing is held in memory but the row at hand. A row's number is its physical line (or sheet row), from 1.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from liangxin.errors import DataError
from liangxin.records import Row
from liangxin.zh import clean_text

_CHUNK = 1 << 20
_ENCODINGS = ("utf-8-sig", "gb18030")
_TABLES = (".csv", ".xlsx", ".xlsm")


def file_digest(path: str) -> str:
    """The sha256 (64 hex digits) of the file's bytes as they are on disk.

    Raises:
        DataError: no such file, a directory, not readable.
    """
    with _opened(path, raw=True) as stream:
        return hashlib.file_digest(cast("Any", stream), "sha256").hexdigest()


def read_rows(path: str, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """Every row of a data file, in order; the format is told by the name (.csv, .xlsx, else JSON lines).

    Characters that cannot be written as UTF-8 text (unpaired surrogates, NUL) become U+FFFD. Blank lines
    are passed over; in csv and xlsx a blank cell is an absent field.

    Args:
        columns: the columns' names, for a csv or xlsx file without a header row.

    Raises:
        DataError: the file is missing, a directory, empty or undecodable, or a row is malformed.
    """
    name = path.lower().removesuffix(".gz")
    if name.endswith((".xlsx", ".xlsm")):
        rows = _xlsx_rows(path, columns)
    elif name.endswith(".csv"):
        rows = _csv_rows(path, columns)
    else:
        rows = _json_rows(path)
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise DataError(f"{path}: the file is empty; expected at least one row")


def is_table(path: str) -> bool:
    """Whether the name is that of a table (.csv, .xlsx; packed or not), where every cell is blank, text or number."""
    return path.lower().removesuffix(".gz").endswith(_TABLES)


def read_text(path: str) -> str:
    """A whole text file, in any of the accepted encodings.

    Raises:
        DataError: it is missing, a directory or undecodable.
    """
    with _text(path, newline="") as lines:
        return lines.read()


def show(value: object, *, width: int = 40) -> str:
    """A cell's content for an error message: short, on one line, control characters escaped."""
    text = json.dumps(value, ensure_ascii=False, default=str) if value is not None else "nothing"
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= width else text[: width - 1] + "…"


@contextmanager
def _opened(path: str, *, raw: bool = False) -> Iterator[IO[bytes]]:
    """The file's bytes, decompressed unless `raw`; system errors become one sentence."""
    place = Path(path)
    try:
        if place.is_dir():
            raise DataError(f"{path}: is a directory; expected a file")
        with place.open("rb") as stream:
            packed = not raw and stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            if not packed:
                yield stream
                return
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield cast("IO[bytes]", unpacked)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (gzip.BadGzipFile, EOFError) as error:
        raise DataError(f"{path}: the gzip data is damaged ({error}); fetch the file again") from None
    except PermissionError:
        raise DataError(f"{path}: not readable (permission denied)") from None


def _encoding(path: str) -> str:
    """The first of the accepted encodings that decodes the whole file."""
    for name in _ENCODINGS:
        decoder = codecs.getincrementaldecoder(name)()
        try:
            with _opened(path) as stream:
                while chunk := stream.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise DataError(f"{path}: the text is neither UTF-8 nor GB18030; save it as UTF-8")


@contextmanager
def _text(path: str, *, newline: str) -> Iterator[io.TextIOWrapper]:
    with _opened(path) as stream:
        wrapper = io.TextIOWrapper(cast("Any", stream), encoding=_encoding(path), newline=newline)
        try:
            yield wrapper
        finally:
            wrapper.detach()


def _json_rows(path: str) -> Iterator[Row]:
    with _text(path, newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            stripped = line.strip()
            if stripped:
                yield Row(file=path, number=number, values=_json_object(path, number, stripped))


def _json_object(path: str, number: int, line: str) -> dict[str, object]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        value = json.loads(line, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        why = str(error).partition(":")[0] if isinstance(error, ValueError) else "nested too deeply"
        raise DataError.at(
            path, number, "line", found=f"invalid JSON ({why})", expected="one JSON object a line"
        ) from None
    if not isinstance(value, dict):
        raise DataError.at(path, number, "line", found=show(value), expected="one JSON object a line")
    if "\\u" in line or "\0" in line:
        value = writable(value)
    return cast("dict[str, object]", value)


def writable(value: object) -> object:
    """The same JSON value with unpaired surrogates and NUL replaced, in keys and strings."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [writable(one) for one in value]
    if isinstance(value, dict):
        return {writable(key): writable(one) for key, one in value.items()}
    return value


def _csv_rows(path: str, columns: Sequence[str] | None = None) -> Iterator[Row]:
    csv.field_size_limit(1 << 30)
    with _text(path, newline="") as lines:
        reader = csv.reader(lines, strict=True)
        try:
            header = next(reader, None) if columns is None else columns
            if header is None:
                return
            names = _header(path, [name.strip() for name in header])
            before = reader.line_num
            for cells in reader:
                first, before = before + 1, reader.line_num
                if any(cell.strip() for cell in cells):
                    yield _table_row(path, first, names, cells)
        except csv.Error as error:
            raise DataError.at(
                path, reader.line_num, "line", found=f"broken csv ({error})", expected="comma-separated cells"
            ) from None


def _xlsx_rows(path: str, columns: Sequence[str] | None = None) -> Iterator[Row]:
    from openpyxl import load_workbook

    with _opened(path) as stream:
        try:
            book = load_workbook(cast("Any", stream), read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise DataError(f"{path}: not an xlsx workbook ({error}); save it again as .xlsx") from None
        try:
            sheet = book.worksheets[0]
            names = None if columns is None else _header(path, list(columns))
            for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                if all(cell is None or not str(cell).strip() for cell in cells):
                    continue
                if names is None:
                    names = _header(path, ["" if cell is None else str(cell).strip() for cell in cells])
                else:
                    yield _table_row(path, number, names, list(cells))
        finally:
            book.close()


def _header(path: str, names: list[str]) -> list[str]:
    named = [name for name in names if name]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise DataError.at(
            path, 1, "header", found=f"column {show(twice)} twice", expected="each column once"
        )
    return names


def _table_row(path: str, number: int, names: list[str], cells: list[Any]) -> Row:
    if len(cells) > len(names) and any(cells[len(names) :]):
        raise DataError.at(
            path, number, "line", found=f"{len(cells)} cells", expected=f"{len(names)}, as in the header"
        )
    pairs = zip(names, cells, strict=False)
    present = {name: cell for name, cell in pairs if name and cell is not None and cell != ""}
    return Row(file=path, number=number, values=cast("dict[str, object]", writable(present)))
