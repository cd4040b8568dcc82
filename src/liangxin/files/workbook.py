"""Workbooks (xlsx) as a stream of rows: what is stored is read, what is missing or an error is said.

The formats are those of ECMA-376 part 1 (SpreadsheetML), 18.3 (worksheets), 18.4 (shared strings), 18.8 (styles).
Only the parts that hold cells are looked at; no dimension and no declared count is believed. Why not by a library:
decision 0022.
"""

from __future__ import annotations

import posixpath
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from liangxin.errors import DataError
from liangxin.files.shown import show
from liangxin.files.workbook_cells import CellFault, SheetCells, StringTable, unescaped
from liangxin.files.workbook_limits import TooMuch, WorkbookLimits, unpacked_pieces

_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Built-in number formats that show a date or a time (18.8.30)."""
_NO_DATE = re.compile(r'"[^"]*"|\\.|_.|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]')
_DATE = re.compile("[dmhysDMHYS]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worksheet:
    """A sheet of cells; sheets of charts and dialogues are none."""

    name: str
    part: str
    shown: bool
    """Whether a person sees it in the table program."""


class Workbook:
    """An open workbook.

    Every method raises DataError where a part is missing or damaged or a limit is passed; the message begins with
    the file's name.
    """

    def __init__(self, path: str, stream: IO[bytes], limits: WorkbookLimits) -> None:
        """Read what sheets there are.

        Args:
            path: the name for messages.
            stream: where one may jump about.
        """
        self._path = path
        self._limits = limits
        self._strings: tuple[str, ...] | None = None
        self._dates: frozenset[int] | None = None
        self._from_1904 = False
        self._of_kind: Mapping[str, str] = {}
        """The part of each kind; of worksheets any."""
        try:
            self._zip = ZipFile(stream)
        except (BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
            stream.seek(0)
            if stream.read(4) == b"\xd0\xcf\x11\xe0":
                raise DataError(
                    f"{path}: an old workbook (.xls) or one with a password; save it as .xlsx without a password"
                ) from None
            raise DataError(f"{path}: not an xlsx workbook ({error}); save it again as .xlsx") from None
        self._parts = {
            one.filename.replace("\\", "/").lstrip("/").lower(): one.filename for one in self._zip.infolist()
        }
        if len(self._parts) > limits.parts:
            raise self._too_much(TooMuch(f"{limits.parts} parts"))
        self.worksheets: tuple[Worksheet, ...] = self._listed()
        """In the order of their tabs."""
        if not self.worksheets:
            raise DataError(
                f"{path}: the workbook has no worksheet, only charts or macros; expected a sheet of rows"
            )

    def rows(self, sheet: Worksheet) -> Iterator[tuple[int, Mapping[int, object]]]:
        """The rows that have a cell with content: the row's number from 1, and column (from 0) to value.

        Values are texts, numbers, booleans, dates, and CellFault where a cell has an error or a formula without
        a value.
        """
        cells = SheetCells(
            self._path, self._string_table(), self._date_styles(), self._limits, self._from_1904
        )
        for _ in self._parsed(sheet.part, cells.start, cells.end, cells.text):
            yield from cells.taken()
        yield from cells.taken()

    def _listed(self) -> tuple[Worksheet, ...]:
        book = next(
            (target for kind, target in self._relations("").values() if kind == "officeDocument"),
            "xl/workbook.xml",
        )
        if book not in self._parts:
            raise DataError(
                f"{self._path}: not an xlsx workbook (it has no {show(book)}); save it again as .xlsx"
            )
        sheets: list[Mapping[str, str]] = []
        relations = self._relations(book)
        self._of_kind = dict(relations.values())

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if tag == "sheet":
                sheets.append({name.rpartition(":")[2]: value for name, value in attributes.items()})
            elif tag == "workbookPr":
                self._from_1904 = attributes.get("date1904") in ("1", "true")

        self._parse(book, start)
        found = []
        for one in sheets[: self._limits.parts]:
            kind, part = relations.get(one.get("id", ""), ("", ""))
            if kind == "worksheet":
                shown = one.get("state", "visible") == "visible"
                found.append(Worksheet(name=unescaped(one.get("name", "")), part=part, shown=shown))
        return tuple(found)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """The parts that a part names: id -> (last word of the type, the part's name in lower case)."""
        folder, _, name = part.rpartition("/")
        place = posixpath.join(folder, "_rels", f"{name}.rels").lower()
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "").replace("\\", "/")
                whole = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = (kind, posixpath.normpath(whole).lower())

        if place in self._parts:
            self._parse(place, start)
        return found

    def _string_table(self) -> tuple[str, ...]:
        if self._strings is None:
            table = StringTable(self._limits)
            if part := self._of_kind.get("sharedStrings"):
                self._parse(part, table.start, table.end, table.text)
            self._strings = tuple(table.strings)
        return self._strings

    def _date_styles(self) -> frozenset[int]:
        """The cell formats, by number, that show a date."""
        if self._dates is not None:
            return self._dates
        own: dict[str, bool] = {}
        used: list[str] = []
        inside = False

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            nonlocal inside
            if tag == "cellXfs":
                inside = True
            elif tag == "numFmt":
                code = attributes.get("formatCode", "").partition(";")[0]
                own[attributes.get("numFmtId", "")] = bool(_DATE.search(_NO_DATE.sub("", code)))
            elif tag == "xf" and inside:
                used.append(attributes.get("numFmtId", "0"))
            if max(len(own), len(used)) > self._limits.styles:
                raise TooMuch(f"{self._limits.styles:,} cell formats")

        def end(tag: str) -> None:
            nonlocal inside
            inside = inside and tag != "cellXfs"

        if part := self._of_kind.get("styles"):
            self._parse(part, start, end)
        self._dates = frozenset(
            at for at, one in enumerate(used) if own.get(one, one.isdigit() and int(one[:9]) in _DATES)
        )
        return self._dates

    def _parse(self, part: str, *handlers: Any) -> None:
        for _ in self._parsed(part, *handlers):
            pass

    def _parsed(
        self,
        part: str,
        start: Callable[[str, Mapping[str, str]], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Parse a part, stopping after every piece."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = lambda tag, attributes: start(tag.rpartition(":")[2], attributes)
        if end is not None:
            parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = self._no_doctype
        try:
            if part not in self._parts:
                raise DataError(f"{self._path}: the part {show(part)} of the workbook is missing; {_AGAIN}")
            with self._zip.open(self._parts[part]) as stream:
                for piece in unpacked_pieces(stream, self._limits.unpacked):
                    parser.Parse(piece, False)
                    yield
            parser.Parse(b"", True)
        except TooMuch as much:
            raise self._too_much(much) from None
        except (expat.ExpatError, zlib.error, BadZipFile, EOFError, OSError) as error:
            raise self._broken(part, error) from None
        except (NotImplementedError, RuntimeError, ValueError, LookupError) as error:
            raise self._broken(part, error) from None

    def _broken(self, part: str, error: Exception) -> DataError:
        why = show(str(error), width=80)
        return DataError(f"{self._path}: the part {show(part)} of the workbook is damaged ({why}); {_AGAIN}")

    def _too_much(self, much: TooMuch) -> DataError:
        return DataError(
            f"{self._path}: the workbook has more than {much}; it was not read; divide it, or save it as csv"
        )

    def _no_doctype(self, *_: object) -> None:
        raise DataError(f"{self._path}: the workbook declares a document type; it was not read")


_AGAIN = "open it in a table program and save it again as .xlsx"

__all__ = ["CellFault", "Workbook", "WorkbookLimits", "Worksheet"]
