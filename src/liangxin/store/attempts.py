"""Which attempt counts: the last that is not `failed`; where all of a turn's attempts failed, the last.

Said here three times: of rows as they are read, of columns of them, and within a query.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, FromClause, Table, exists, or_

from liangxin.records import ReplyStatus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K = TypeVar("K", bound=Hashable)
_FAILED = str(ReplyStatus.FAILED)
"""A verdict that failed is named alike."""


def counting(rows: Iterable[Any], place: Callable[[Any], K]) -> dict[K, Any]:
    """The row that counts at each place; rows of one place come in the order of their attempts."""
    found: dict[K, Any] = {}
    for row in rows:
        at = place(row)
        before = found.get(at)
        if before is None or before.status == _FAILED or row.status != _FAILED:
            found[at] = row
    return found


def counting_indices(places: NDArray[np.int64], failed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The index of the row that counts among the rows of each place.

    Args:
        places: [rows] or [parts, rows] where each row belongs; rows of one place follow each other by attempt.
        failed: [rows] whether it is `failed`.
    """
    import numpy as np

    count = len(failed)
    if not count:
        return np.zeros(0, np.int64)
    parts = np.atleast_2d(places)
    fresh = np.ones(count, bool)
    fresh[1:] = (parts[:, 1:] != parts[:, :-1]).any(axis=0)
    starts = np.flatnonzero(fresh)
    if len(starts) == count:
        return starts
    last_good = np.maximum.reduceat(np.where(failed, -1, np.arange(count)), starts)
    ends = np.append(starts[1:], count) - 1
    chosen: NDArray[np.int64] = np.where(last_good >= 0, last_good, ends)
    return chosen


def overtaken(table: Table, rows: FromClause) -> ColumnElement[bool]:
    """Whether another attempt than a row's counts.

    Args:
        table: of replies or of verdicts.
        rows: an alias of it.
    """
    other = table.alias()
    names = [column.name for column in table.primary_key if column.name != "attempt"]
    same = [other.c[name] == rows.c[name] for name in names]
    newer, good = other.c.attempt > rows.c.attempt, other.c.status != _FAILED
    # The row itself never overtakes: said first, it is known by the primary key alone, without a look at the row.
    another = other.c.attempt != rows.c.attempt
    return exists().where(*same, another, or_(newer & good, (rows.c.status == _FAILED) & (newer | good)))
