"""Text laid out for a terminal: lines and tables in which no word is broken, Chinese two columns a character.

rich breaks a word where a column is narrow, and Chinese beside Latin anywhere; a table that is still too wide loses
columns. Here a table that does not fit is set as a list of its rows.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence

_OPENING, _CLOSING = "（《「【“‘〈", "，。；：、！？）》」】”’〉…—"
_WIDE = f"(?![{_OPENING}{_CLOSING}])[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u3000-\u303f]"
_LATIN = f"(?!{_WIDE})[^\\s（《「【，。；：、！？）》」】]"
_PIECE = rf"\s+|\[[^\[\]\n]{{1,24}}\][{_CLOSING}]*|[{_OPENING}]*(?:{_WIDE}|(?:{_LATIN})+)[{_CLOSING}]*|[{_OPENING}{_CLOSING}]+"
"""What stays together: blanks, an interval in brackets, a Chinese character with its punctuation, any other word."""
_LEAST_BESIDE = 12
"""Columns that a cell beside its heading takes at least."""
_GAP = "  "


@functools.cache
def _compiled() -> re.Pattern[str]:
    return re.compile(_PIECE)


def _pieces(text: str) -> list[str]:
    return _compiled().findall(text)


def width_of(text: str) -> int:
    """The columns that a line takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in text
    )


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns; only what is wider than a whole line is cut within a word."""
    return [line for paragraph in text.split("\n") for line in _lines(paragraph, width)]


def _lines(text: str, width: int) -> Iterator[str]:
    indent = text[: len(text) - len(text.lstrip())]
    line, taken = "", 0
    for piece in _pieces(text):
        for part in _cut(piece, width):
            size = width_of(part)
            if taken + size > width and line:
                if part.isspace():
                    continue
                if line.strip():
                    yield line.rstrip()
                    line, taken = indent, width_of(indent)
                if taken + size > width:
                    line, taken = "", 0
            line, taken = line + part, taken + size
    yield line.rstrip()


def _cut(piece: str, width: int) -> Iterator[str]:
    if piece.isspace() or width_of(piece) <= width:
        yield piece
        return
    part, taken = "", 0
    for one in piece:
        size = width_of(one)
        if taken + size > width and part:
            yield part
            part, taken = "", 0
        part, taken = part + one, taken + size
    yield part


def _narrowest(text: str) -> int:
    """The columns that it needs so that no word is broken."""
    return max((width_of(piece) for piece in _pieces(text) if not piece.isspace()), default=0)


class TextTable:
    """Rows under headings; lines of their own may stand between them."""

    def __init__(self, *headings: str, right: Sequence[int] = (), title: str = "", caption: str = "") -> None:
        """Begin without rows.

        Args:
            right: the columns that are set to the right: numbers.
        """
        self._headings = headings
        self._right = frozenset(right)
        self._title = title
        self._caption = caption
        self._rows: list[Sequence[str] | str] = []

    def add_row(self, *cells: str) -> None:
        """A row: a cell for each heading."""
        self._rows.append(cells)

    def add_line(self, text: str) -> None:
        """A line across all columns, such as what the rows below it are of."""
        self._rows.append(text)

    def lines(self, width: int) -> Iterator[str]:
        """The table in at most `width` columns."""
        if self._title:
            yield from wrapped(self._title, width)
        widths = self._widths(width)
        yield from self._listed(width) if widths is None else self._set(widths, width)
        if self._caption:
            yield from wrapped(self._caption, width)

    def _cells(self) -> list[Sequence[str]]:
        return [row for row in self._rows if not isinstance(row, str)]

    def _widths(self, width: int) -> list[int] | None:
        """The columns' widths; None where no widths keep every word whole."""
        columns = list(zip(self._headings, *self._cells(), strict=True))
        most = [max(width_of(line) for cell in column for line in cell.split("\n")) for column in columns]
        least = [max(map(_narrowest, column)) for column in columns]
        room = width - len(_GAP) * (len(columns) - 1)
        for cap in range(max(most, default=0), 0, -1):
            widths = [max(low, min(high, cap)) for low, high in zip(least, most, strict=True)]
            if sum(widths) <= room:
                return widths
            if widths == least:
                break
        return None

    def _set(self, widths: Sequence[int], width: int) -> Iterator[str]:
        yield from self._row(self._headings, widths)
        yield "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
        for row in self._rows:
            yield from wrapped(row, width) if isinstance(row, str) else self._row(row, widths)

    def _row(self, cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
        columns = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
        for at in range(max(map(len, columns), default=0)):
            line = []
            for place, (column, width) in enumerate(zip(columns, widths, strict=True)):
                text = column[at] if at < len(column) else ""
                blanks = " " * (width - width_of(text))
                line.append(blanks + text if place in self._right else text + blanks)
            yield _GAP.join(line).rstrip()

    def _listed(self, width: int) -> Iterator[str]:
        """Each row as lines `heading  cell`, or the cell beneath its heading where both do not stand side by side."""
        label = max(map(width_of, self._headings))
        room = width - label - len(_GAP)
        beneath = room < _LEAST_BESIDE
        for place, row in enumerate(self._rows):
            if place:
                yield ""
            if isinstance(row, str):
                yield from wrapped(row, width)
                continue
            for heading, cell in zip(self._headings, row, strict=True):
                if beneath and cell.strip():
                    yield from wrapped(heading, width)
                    yield from (_GAP + line for line in wrapped(cell.strip(), width - len(_GAP)))
                    continue
                for at, line in enumerate(wrapped(cell.strip(), room) if cell.strip() else ()):
                    first = heading if at == 0 else ""
                    yield first + " " * (label - width_of(first)) + _GAP + line
