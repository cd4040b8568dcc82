"""Reading a benchmark's items from a data file: every row checked, equal rows refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from liangxin.errors import DataError
from liangxin.files import read_rows, show
from liangxin.records import Item, Row


def read_items(path: str, read: Callable[[Row], Sequence[Item]]) -> Iterator[Item]:
    """Every item of the file, in order.

    Args:
        read: a benchmark's reader of one row.

    Raises:
        DataError: the file or a row is wrong, or two rows give the same item; the message names both.
    """
    seen: dict[str, int] = {}
    for row in read_rows(path):
        for item in read(row):
            first = seen.setdefault(item.id, row.number)
            if first != row.number:
                raise DataError.at(
                    path,
                    row.number,
                    "id",
                    found=f"the same item as row {first} ({show(item.id)})",
                    expected="each row once",
                )
            yield item
