"""One pass over a stored run as columns: replies and verdicts by status, failures, kinds of units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from liangxin.engine.levels import LevelCounts
from liangxin.measures.position import PositionTally
from liangxin.measures.scoring import ScoreBuilder
from liangxin.measures.unit_kinds import Coded, Kind, kinds, outcomes_of, told_apart
from liangxin.records import ReplyStatus, VerdictStatus
from liangxin.store.columns import NO_TURN, STATUSES, ColumnReader, Failure, UnitSheet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FAILURES_SHOWN = 20


class EachUnit(Protocol):
    """Is told, sheet after sheet, of what kind each unit is."""

    def add(self, kinds: Sequence[Kind], which: NDArray[np.intp], units: NDArray[np.int64]) -> None:
        """The kinds of some whole units, which of them each unit is, and the units' numbers in the run's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """What one judge's part of the pass is counted into."""

    judge: int
    absent: str
    """What a reply that could be ruled on but was not is counted as."""
    scorers: Sequence[ScoreBuilder]
    position: PositionTally | None
    """For choice items."""
    levels: LevelCounts | None = None
    """For a judge whose error may be measured."""
    each_unit: EachUnit | None = None
    """Who else wants to know of what kind each unit is."""


@dataclass(slots=True)
class RunCounts:
    """What the pass came to, beside the scorers it fed."""

    replies: Counter[str]
    verdicts: dict[int, Counter[str]]
    failures: list[Failure]
    """The first, in the run's order."""
    failure_count: int = 0


def count(columns: ColumnReader, listeners: Sequence[Listener]) -> RunCounts:
    """Read a run once and count it for every listener."""
    counts = RunCounts(replies=Counter(), verdicts={one.judge: Counter() for one in listeners}, failures=[])
    for sheet in columns.sheets():
        _count_sheet(columns, sheet, listeners, counts)
        for listener in listeners:
            _feed(columns, sheet, listener)
    return counts


def coded_for(columns: ColumnReader, sheet: UnitSheet, judge: int) -> Coded:
    """A sheet as one judge's scores see it."""
    return Coded(
        units=sheet.units,
        forms=sheet.forms,
        heads=columns.heads,
        statuses=sheet.statuses,
        replies=STATUSES,
        rulings=sheet.rulings[judge],
        verdicts=columns.rulings,
    )


def _feed(columns: ColumnReader, sheet: UnitSheet, listener: Listener) -> None:
    coded = coded_for(columns, sheet, listener.judge)
    import numpy as np

    if listener.scorers or listener.each_unit is not None:
        found, which = told_apart(coded)
        for kind, number in zip(found, np.bincount(which).tolist(), strict=True):
            for scorer in listener.scorers:
                scorer.count(kind, number)
        if listener.each_unit is not None:
            listener.each_unit.add(found, which, np.unique(sheet.units))
    if listener.position is not None:
        first = replace(coded, statuses=coded.statuses[:, :1], rulings=coded.rulings[:, :, :1])
        for kind, number in kinds(first):
            listener.position.add(outcomes_of(kind), number)


def _count_sheet(
    columns: ColumnReader, sheet: UnitSheet, listeners: Sequence[Listener], counts: RunCounts
) -> None:
    import numpy as np

    statuses = sheet.statuses
    for status, number in enumerate(np.bincount(statuses[statuses != NO_TURN], minlength=len(STATUSES))):
        if number:
            counts.replies[str(STATUSES[status])] += int(number)
    planes = [statuses == STATUSES.index(ReplyStatus.FAILED)]
    for listener in listeners:
        best, failed = _best(columns, sheet.rulings[listener.judge])
        if listener.levels is not None:
            listener.levels.add(columns, sheet, best)
        verdicts = counts.verdicts[listener.judge]
        for code, number in enumerate(np.bincount(best[sheet.judgeable], minlength=len(columns.rulings))):
            if number:
                verdicts[str(columns.rulings[code][0]) if code else listener.absent] += int(number)
        planes.append(failed & sheet.judgeable)
    counts.failure_count += sum(int(plane.sum()) for plane in planes)
    for number, place in _first_set(planes, FAILURES_SHOWN - len(counts.failures)):
        row, trial, turn = (int(one) for one in np.unravel_index(place, statuses.shape))
        judge = listeners[number - 1].judge if number else None
        counts.failures.append(columns.failure(sheet.first + row, trial + 1, turn + 1, judge))


def _best(columns: ColumnReader, rulings: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """(code of the first given verdict, else of the first, else 0; whether that one failed) by cell."""
    import numpy as np

    given = np.array([status is VerdictStatus.GIVEN for status, _ in columns.rulings])
    failed = np.array([status is VerdictStatus.FAILED for status, _ in columns.rulings])
    best = rulings[0]
    for plane in rulings[1:]:
        best = np.where(~given[best] & given[plane], plane, best)
    return best, failed[best]


def level_counts(columns: ColumnReader, judge: int) -> LevelCounts:
    """One judge's levels on a run, and nothing else."""
    counts = LevelCounts()
    for sheet in columns.sheets():
        counts.add(columns, sheet, _best(columns, sheet.rulings[judge])[0])
    return counts


def _first_set(planes: Sequence[NDArray[np.bool_]], most: int) -> list[tuple[int, int]]:
    """The first (plane, place) that hold, by place and then by plane."""
    import numpy as np

    if most <= 0:
        return []
    found = sorted(
        (int(place), number) for number, plane in enumerate(planes) for place in np.flatnonzero(plane)[:most]
    )
    return [(number, place) for place, number in found[:most]]


def ordered_replies(replies: Mapping[str, int]) -> dict[str, int]:
    """Counts of replies in the statuses' own order."""
    return {str(status): replies[str(status)] for status in STATUSES if replies.get(str(status))}
