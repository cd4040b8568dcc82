"""How much of a workbook is read: a few kilobytes can unpack to millions of cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookLimits:
    """What is more than a table of items, answers or labels has: a fault of the file, or made to do harm."""

    cells: int = 20_000_000
    """Of a sheet, blank ones included."""
    strings: int = 4_000_000
    """Shared strings."""
    characters: int = 1_000_000_000
    """Of all cells, and of all shared strings; a string that many cells share counts for each."""
    styles: int = 65_536
    """Cell formats; Excel itself has at most 65,490."""
    parts: int = 10_000
    unpacked: int = 4 << 30
    """Bytes of one part."""


OF_AN_UPLOAD = WorkbookLimits(
    cells=3_000_000, strings=1_000_000, characters=100_000_000, parts=1_000, unpacked=300 << 20
)
"""What strangers may hand in."""


class TooMuch(Exception):
    """A limit was passed; the message says which."""


def unpacked_pieces(stream: IO[bytes], most: int) -> Iterator[bytes]:
    """The bytes of a part, piece by piece: the sizes in a zip's directory may lie.

    Raises:
        TooMuch: there are more than `most`.
    """
    total = 0
    while piece := stream.read(_PIECE):
        total += len(piece)
        if total > most:
            raise TooMuch(f"{most >> 20:,} MB in one part")
        yield piece
