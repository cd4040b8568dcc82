"""Texts that are longer than a cell of a spreadsheet."""

from __future__ import annotations

CELL = 32_767
"""The most characters (UTF-16 units) that a cell holds: Microsoft, Excel specifications and limits."""
CUT = "\n……（此处截断，格子放不下更多 cut here: a cell holds no more）"
"""What stands behind the beginning of a text that we cut."""


def units(text: str) -> int:
    """A text's length as spreadsheets count it."""
    return len(text) if 2 * len(text) <= CELL else len(text.encode("utf-16-le", "surrogatepass")) // 2


def may_be_cut(text: str) -> bool:
    """Whether a cell may have held only the beginning of what it was given: by our mark, or because it is full.

    Blanks at the end and CR before LF may be gone, so that a cell that is nearly full counts.
    """
    return text.endswith(CUT.strip()) or units(text) + 2 + text.count("\n") >= CELL


def cut_from(written: str, whole: str) -> bool:
    """Whether a cell that may be cut holds the beginning of a text."""
    kept = written.removesuffix(CUT.strip()).rstrip()
    return len(kept) < len(whole) and whole.startswith(kept)
