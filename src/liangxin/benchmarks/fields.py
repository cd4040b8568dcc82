"""Cells that only a benchmark's data has: an open category, what a good answer does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from liangxin import cells
from liangxin.digests import digest
from liangxin.records import Item, Row

_RESERVED = re.compile(r"overall|easy|hard|round \d+|expect (refuse|answer)", re.ASCII)
"""The contract's names of other groups: a category of that name would be two scores under one name."""

Expect = Literal["refuse", "answer"]


def reserved(category: str) -> bool:
    """Whether a category's name is already that of another group."""
    return _RESERVED.fullmatch(category) is not None


def open_category(
    row: Row, *names: str, within: Mapping[str, object] | None = None, required: bool = False
) -> tuple[str, ...]:
    """A category from an open list as a path of one step; empty where the row has none.

    Raises:
        DataError: it is not a text, is missing though `required`, or is the name of another group.
    """
    name, value = cells.first(row.values if within is None else within, names)
    if cells.absent(value) and not required:
        return ()
    category = cells.word(row, *names, within=within)
    if reserved(category):
        raise cells.bad(row, name, value, "a category name that is not already a group of the scores")
    return (category,)


def passed_over(row: Row, *names: str) -> None:
    """Fields that a published file has beside what is read of it: nobody needs to hear that nothing reads them."""
    for name in names:
        row.values.get(name)


def expect(row: Row) -> Expect | None:
    """What the row says a good answer does: `refuse` (应拒答), `answer` (非拒答), or nothing.

    Raises:
        DataError: it says something else.
    """
    if cells.absent(row.values.get("expect")):
        return None
    return "refuse" if cells.one_of(row, ("refuse", "answer"), "expect") == "refuse" else "answer"


def open_item(
    row: Row, benchmark: str, category: tuple[str, ...], turns: tuple[str, ...], *ids: str
) -> tuple[Item]:
    """An open question of a row: its own id, else one made of its content, the same in every release.

    Args:
        ids: the fields that may hold the row's own id; by default `id`.

    Raises:
        DataError: `id` or `expect` is not what it may be.
    """
    made = Item(
        id=cells.own_id(row, *ids) or f"{benchmark}-{digest([*category, *turns])}",
        turns=turns,
        category=category,
        expect=expect(row),
        source=cells.source(row),
    )
    return (made,)
