"""One pass over a stored run as columns: replies and verdicts by status, failures, kinds of units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liangxin.engine.levels import LevelCounts
from liangxin.measures.kinds import Coded, kinds, outcomes_of
from liangxin.measures.position import PositionTally
from liangxin.measures.scoring import Scorer
from liangxin.records import ReplyStatus, VerdictStatus
from liangxin.store.columns import NO_TURN, STATUSES, Columns, Failure, Sheet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """What one judge's part of the pass is counted into."""

    judge: int
    absent: str
    """What a reply that could be ruled on but was not is counted as."""
    scorers: Sequence[Scorer]
    position: PositionTally | None
    """For choice items."""
    levels: LevelCounts | None = None
    """For a judge whose error may be measured."""


@dataclass(slots=True)
class Counts:
    """What the pass came to, beside the scorers it fed."""

    replies: Counter[str]
    verdicts: dict[int, Counter[str]]
    failures: list[Failure]
    """The first, in the run's order."""
    failure_count: int = 0


def count(columns: Columns, listeners: Sequence[Listener]) -> Counts:
    """Read a run once and count it for every listener."""
    counts = Counts(replies=Counter(), verdicts={one.judge: Counter() for one in listeners}, failures=[])
    for sheet in columns.sheets():
        _count_sheet(columns, sheet, listeners, counts)
        for listener in listeners:
            _feed(columns, sheet, listener)
    return counts


def _feed(columns: Columns, sheet: Sheet, listener: Listener) -> None:
    coded = Coded(
        units=sheet.units,
        forms=sheet.forms,
        heads=columns.heads,
        statuses=sheet.statuses,
        replies=STATUSES,
        rulings=sheet.rulings[listener.judge],
        verdicts=columns.rulings,
    )
    if listener.scorers:
        for kind, number in kinds(coded):
            for scorer in listener.scorers:
                scorer.count(kind, number)
    if listener.position is not None:
        first = replace(coded, statuses=coded.statuses[:, :1], rulings=coded.rulings[:, :, :1])
        for kind, number in kinds(first):
            listener.position.add(outcomes_of(kind), number)


def _count_sheet(columns: Columns, sheet: Sheet, listeners: Sequence[Listener], counts: Counts) -> None:
    import numpy as np

    statuses = sheet.statuses
    for status, number in enumerate(np.bincount(statuses[statuses != NO_TURN], minlength=len(STATUSES))):
        if number:
            counts.replies[str(STATUSES[status])] += int(number)
    marks = [statuses == STATUSES.index(ReplyStatus.FAILED)]
    for listener in listeners:
        best, failed = _best(columns, sheet.rulings[listener.judge])
        if listener.levels is not None:
            listener.levels.add(columns, sheet, best)
        verdicts = counts.verdicts[listener.judge]
        for code, number in enumerate(np.bincount(best[sheet.judgeable], minlength=len(columns.rulings))):
            if number:
                verdicts[str(columns.rulings[code][0]) if code else listener.absent] += int(number)
        marks.append(failed & sheet.judgeable)
    counts.failure_count += sum(int(mark.sum()) for mark in marks)
    for voice, place in _first_marks(marks, FAILURES_SHOWN - len(counts.failures)):
        row, trial, turn = (int(one) for one in np.unravel_index(place, statuses.shape))
        judge = listeners[voice - 1].judge if voice else None
        counts.failures.append(columns.failure(sheet.first + row, trial + 1, turn + 1, judge))


def _best(columns: Columns, rulings: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """(code of the first given verdict, else of the first, else 0; whether that one failed) by cell."""
    import numpy as np

    given = np.array([status is VerdictStatus.GIVEN for status, _ in columns.rulings])
    failed = np.array([status is VerdictStatus.FAILED for status, _ in columns.rulings])
    best = rulings[0]
    for plane in rulings[1:]:
        best = np.where(~given[best] & given[plane], plane, best)
    return best, failed[best]


def level_counts(columns: Columns, judge: int) -> LevelCounts:
    """One judge's levels on a run, and nothing else."""
    counts = LevelCounts()
    for sheet in columns.sheets():
        counts.add(columns, sheet, _best(columns, sheet.rulings[judge])[0])
    return counts


def _first_marks(marks: Sequence[NDArray[np.bool_]], most: int) -> list[tuple[int, int]]:
    """The first marked (voice, place), by place and then by voice."""
    import numpy as np

    if most <= 0:
        return []
    found = sorted(
        (int(place), voice) for voice, mark in enumerate(marks) for place in np.flatnonzero(mark)[:most]
    )
    return [(voice, place) for place, voice in found[:most]]


def ordered_replies(replies: Mapping[str, int]) -> dict[str, int]:
    """Counts of replies in the statuses' own order."""
    return {str(status): replies[str(status)] for status in STATUSES if replies.get(str(status))}
