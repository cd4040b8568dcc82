"""The cells of a worksheet and the strings that they share, as an XML parser meets them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from liangxin.files.shown import show
from liangxin.files.workbook_limits import TooMuch, WorkbookLimits

_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]{1,4})?")
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}", re.ASCII)
_LAST_COLUMN, _LAST_ROW = 16_384, 1_048_576


def unescaped(text: str) -> str:
    """A text with OOXML's `_xHHHH_` as the characters that they stand for (22.9.2.19, ST_Xstring)."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def column_letters(column: int) -> str:
    """The letters of a column, counted from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFault:
    """A cell without a value that means anything."""

    kind: Literal["error", "formula"]
    """An error value of the table program, or a formula whose value was never stored."""
    shown: str
    """The error or the formula."""

    @property
    def found(self) -> str:
        """What was found, for a message."""
        if self.kind == "error":
            return f"the error value {self.shown}"
        return f"a formula without a stored value ({self.shown})"

    @property
    def expected(self) -> str:
        """What is to be done about it, for a message."""
        if self.kind == "error":
            return "a value; mend the cell in a table program, or clear it, and save the workbook"
        return "a value; open the workbook in a table program (Excel, WPS, LibreOffice), let it calculate, and save it"


class StringTable:
    """Handlers that gather shared strings; readings of characters (phonetic runs) are no part of them."""

    def __init__(self, limits: WorkbookLimits) -> None:
        self.strings: list[str] = []
        self._limits = limits
        self._left = limits.characters
        self._pieces: list[str] = []
        self._inside = self._aside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        del attributes
        if tag == "si":
            self._pieces = []
        elif tag == "rPh":
            self._aside = True
        elif tag == "t":
            self._inside = not self._aside

    def text(self, piece: str) -> None:
        """Text within an element."""
        if self._inside:
            self._pieces.append(piece)
            self._left -= len(piece)
            if self._left < 0:
                raise TooMuch(f"{self._limits.characters:,} characters")

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag == "t":
            self._inside = False
        elif tag == "rPh":
            self._aside = False
        elif tag == "si":
            if len(self.strings) >= self._limits.strings:
                raise TooMuch(f"{self._limits.strings:,} different texts")
            self.strings.append(unescaped("".join(self._pieces)))


class SheetCells:
    """Handlers that gather a sheet's rows; only what stands in `sheetData` counts."""

    def __init__(
        self,
        path: str,
        strings: tuple[str, ...],
        dates: frozenset[int],
        limits: WorkbookLimits,
        from_1904: bool,
    ) -> None:
        self._path, self._strings, self._dates, self._limits = path, strings, dates, limits
        self._from_1904 = from_1904
        self._columns: dict[str, int] = {}
        self._cells = 0
        self._characters = limits.characters
        self._ready: list[tuple[int, Mapping[int, object]]] = []
        self._within = self._aside = False
        self._row, self._column = 0, -1
        self._values: dict[int, object] = {}
        self._kind, self._style = "n", ""
        self._pieces: list[str] | None = None
        self._value: str | None = None
        self._formula: str | None = None

    def taken(self) -> list[tuple[int, Mapping[int, object]]]:
        """The rows that are complete since the last time."""
        ready, self._ready = self._ready, []
        return ready

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if tag == "sheetData":
            self._within = True
        if not self._within:
            return
        if tag == "c":
            self._begin_cell(attributes)
        elif tag == "row":
            number = attributes.get("r", "")
            self._row = (
                int(number) if number.isascii() and number.isdigit() and len(number) < 8 else self._row + 1
            )
            if not 0 < self._row <= _LAST_ROW:
                raise ValueError(f"row {show(number)}")
            self._column, self._values = -1, {}
            self._count()
        elif tag in ("v", "f") or (tag == "t" and not self._aside):
            self._pieces = []
        elif tag == "rPh":
            self._aside = True

    def text(self, piece: str) -> None:
        """Text within an element."""
        if self._pieces is not None:
            self._pieces.append(piece)
            self._spend(len(piece))

    def end(self, tag: str) -> None:
        """An element ends."""
        if not self._within:
            return
        if tag in ("v", "t") and self._pieces is not None:
            # Text runs of one cell follow one another; a value stands alone.
            self._value = (self._value or "") + "".join(self._pieces)
            self._pieces = None
        elif tag == "f" and self._pieces is not None:
            self._formula = "".join(self._pieces)
            self._pieces = None
        elif tag == "c":
            value = self._read()
            if value is not None:
                self._values[self._column] = value
        elif tag == "row":
            if self._values:
                self._ready.append((self._row, self._values))
        elif tag == "rPh":
            self._aside = False
        elif tag == "sheetData":
            self._within = False

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._value = self._formula = None
        reference = attributes.get("r")
        self._column = self._column + 1 if reference is None else self._place(reference)
        if self._column >= _LAST_COLUMN:
            raise ValueError(f"a cell beyond the last column in row {self._row}")
        self._count()

    def _place(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        known = self._columns.get(letters)
        if known is not None:
            return known
        if _REFERENCE.fullmatch(reference) is None:
            raise ValueError(f"a cell named {show(reference)}")
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        self._columns[letters] = column - 1
        return column - 1

    def _count(self) -> None:
        self._cells += 1
        if self._cells > self._limits.cells:
            raise TooMuch(f"{self._limits.cells:,} cells, blank ones included")

    def _spend(self, characters: int) -> None:
        self._characters -= characters
        if self._characters < 0:
            raise TooMuch(f"{self._limits.characters:,} characters")

    def _read(self) -> object:
        """The cell's value; None where it is blank."""
        value, kind = self._value, self._kind
        if self._formula is not None and (value is None or (value == "" and kind != "str")):
            return CellFault(kind="formula", shown=show(f"={self._formula}"))
        if value is None:
            return None
        match kind:
            case "e":
                found: object = CellFault(kind="error", shown=show(value).strip('"'))
            case "s":
                found = self._shared(value)
            case "inlineStr" | "str":
                found = unescaped(value)
            case "b":
                found = value.strip() in ("1", "true")
            case "d":
                found = _dated(value)
            case _:
                found = self._number(value)
        return found

    def _shared(self, value: str) -> str:
        place = value.strip()
        at = int(place) if place.isascii() and place.isdigit() and len(place) < 10 else -1
        if not 0 <= at < len(self._strings):
            raise ValueError(f"cell {column_letters(self._column)}{self._row}: no shared text {show(value)}")
        self._spend(len(self._strings[at]))
        return self._strings[at]

    def _number(self, value: str) -> object:
        text = value.strip()
        if not text:
            return None
        if _WHOLE.fullmatch(text):
            number: float = int(text)
        elif _NUMBER.fullmatch(text) and any(one.isdigit() for one in text.lower().partition("e")[0]):
            number = float(text)
        else:
            raise ValueError(f"cell {column_letters(self._column)}{self._row}: the number {show(value)}")
        if self._style.isdigit() and len(self._style) < 7 and int(self._style) in self._dates:
            return _date(number, self._from_1904)
        return number


def _date(number: float, from_1904: bool) -> date | datetime | time | timedelta | float:
    """The date that a number of days stands for; a number that is none stays one."""
    from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

    epoch = CALENDAR_MAC_1904 if from_1904 else CALENDAR_WINDOWS_1900
    try:
        found: date | datetime | time | timedelta | None = from_excel(number, epoch)
    except (OverflowError, ValueError):
        return number
    return number if found is None else found


def _dated(value: str) -> object:
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return unescaped(value)
