"""What every unit of a run adds to each score, for tests that pair or resample units."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from liangxin.engine.counting import coded_for
from liangxin.engine.results import plan_of
from liangxin.measures.formulas import formula_of
from liangxin.measures.intervals import Value
from liangxin.measures.tally import Tally
from liangxin.measures.unit_kinds import Kind, outcomes_of, told_apart
from liangxin.records import Measure
from liangxin.specs import Benchmark
from liangxin.store import Database, JudgeRecord, RunRecord
from liangxin.store.columns import ColumnReader

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupValues:
    """The units of one group that have a value, in the run's order."""

    units: Places
    """Numbers in the run's order, rising; those without a value are absent."""
    totals: Array
    """Each unit's sum of values, in the measure's unit."""
    sizes: Array
    """How many values that sum is of."""

    def __len__(self) -> int:
        return len(self.units)

    @property
    def means(self) -> Array:
        """Each unit's own mean, in the measure's unit."""
        found: Array = self.totals / self.sizes
        return found

    def shares(self, span: tuple[float, float]) -> Array:
        """Each unit's own mean as a share of a measure's range."""
        low, high = span
        found: Array = (self.means - low) / (high - low)
        return found

    @property
    def single(self) -> bool:
        """Whether every unit is one value: the mean of several that agree is no binary trial."""
        return bool((self.sizes == 1).all())

    def at(self, places: Places) -> GroupValues:
        """Some of them, by their place among these."""
        return GroupValues(units=self.units[places], totals=self.totals[places], sizes=self.sizes[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitValues:
    """One measure of a run by one judge, unit by unit."""

    measure: Measure
    groups: Mapping[str, GroupValues]
    """Only groups in which some unit has a value."""
    planned: Mapping[str, int]
    """Group -> units, missing ones included."""


def unit_values(
    database: Database,
    run: RunRecord,
    benchmark: Benchmark,
    judge: JudgeRecord,
    only: Collection[str] | None = None,
) -> tuple[UnitValues, ...]:
    """Every measure that this judge speaks of, in one pass over the store.

    A change between rounds is left out: it is a difference already.

    Args:
        only: names of the measures that are wanted; None for all.
    """
    collected = UnitCollector(run, benchmark, judge, only)
    if collected.wanted:
        columns = ColumnReader(database, run, [judge.key])
        for sheet in columns.sheets():
            found, which = told_apart(coded_for(columns, sheet, judge.key))
            collected.add(found, which, np.unique(sheet.units))
    return collected.values()


class UnitCollector:
    """Collects what `unit_values` gives while somebody else reads the run (`run_result`)."""

    def __init__(
        self, run: RunRecord, benchmark: Benchmark, judge: JudgeRecord, only: Collection[str] | None = None
    ) -> None:
        plan = plan_of(run, benchmark, judge)
        self._collected = [
            _Collected(measure=measure, tally=Tally(plan, measure))
            for measure in plan.measures
            if formula_of(measure).decided and (only is None or measure.name in only)
        ]

    @property
    def wanted(self) -> bool:
        """Whether there is any measure to collect."""
        return bool(self._collected)

    def add(self, kinds: Sequence[Kind], which: NDArray[np.intp], units: Places) -> None:
        """Some whole units: their kinds, which of them each is, their numbers in the run's order."""
        for one in self._collected:
            one.add(kinds, which, units)

    def values(self) -> tuple[UnitValues, ...]:
        """What was collected, measure by measure."""
        return tuple(one.values() for one in self._collected)


@dataclass(slots=True)
class _Collected:
    """One measure's values while the sheets go by; the arithmetic is done once a kind of unit."""

    measure: Measure
    tally: Tally
    parts: dict[str, list[GroupValues]] = field(default_factory=dict)
    planned: dict[str, int] = field(default_factory=dict)

    def add(self, kinds: Sequence[Kind], which: NDArray[np.intp], units: Places) -> None:
        worths: dict[str, dict[int, Value]] = {}
        for number, (kind, count) in enumerate(zip(kinds, np.bincount(which).tolist(), strict=True)):
            outcomes = outcomes_of(kind)
            for group in self.tally.groups_of(outcomes):
                self.planned[group] = self.planned.get(group, 0) + count
            for group, value in self.tally.values(outcomes).items():
                worths.setdefault(group, {})[number] = value
        for group, of_kinds in worths.items():
            table = np.zeros((2, len(kinds)))
            table[:, list(of_kinds)] = np.array(list(of_kinds.values())).T
            totals, sizes = table[:, which]
            valued = np.flatnonzero(sizes)
            part = GroupValues(units=units, totals=totals, sizes=sizes).at(valued)
            self.parts.setdefault(group, []).append(part)

    def values(self) -> UnitValues:
        return UnitValues(
            measure=self.measure,
            groups={
                group: GroupValues(
                    units=np.concatenate([part.units for part in parts]),
                    totals=np.concatenate([part.totals for part in parts]),
                    sizes=np.concatenate([part.sizes for part in parts]),
                )
                for group, parts in self.parts.items()
            },
            planned=self.planned,
        )


def unit_names(database: Database, run: RunRecord) -> list[str]:
    """The names of a run's units by the numbers that `GroupValues.units` holds."""
    return ColumnReader(database, run, []).unit_names()


def matching(names: Sequence[str], others: Sequence[str]) -> Places:
    """For each unit of one run the number of the same unit in another; -1 where the other was not asked it."""
    numbers = {name: number for number, name in enumerate(others)}
    return np.array([numbers.get(name, -1) for name in names], np.int64)


def in_common(
    one: GroupValues, two: GroupValues | None, partners: Places
) -> tuple[GroupValues, GroupValues] | None:
    """Both runs' values of the units that both have one for, in the first run's order; None where there is none.

    Args:
        partners: as `matching` gives them.
    """
    if two is None:
        return None
    wanted = partners[one.units]
    place = np.minimum(np.searchsorted(two.units, wanted), len(two) - 1)
    mine = np.flatnonzero(two.units[place] == wanted)
    return (one.at(mine), two.at(place[mine])) if len(mine) else None
