"""What every unit of a run adds to each score, for tests that pair or resample units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from liangxin.engine.results import outcome_of, plan_of
from liangxin.measures.formulas import formula_of
from liangxin.measures.intervals import Value
from liangxin.measures.tally import Tally
from liangxin.records import Measure, Outcome
from liangxin.specs import Benchmark
from liangxin.store import Database, JudgeRecord, RunRecord, dialogues


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitValues:
    """One measure of a run by one judge, unit by unit."""

    measure: Measure
    groups: Mapping[str, Mapping[str, Value]]
    """Group -> unit -> (sum of its values, how many), in the measure's unit; missing units are absent."""
    planned: Mapping[str, int]
    """Group -> units, missing ones included."""


def unit_values(
    database: Database, run: RunRecord, benchmark: Benchmark, judge: JudgeRecord
) -> tuple[UnitValues, ...]:
    """Every measure that this judge speaks of, in one pass over the store.

    A change between rounds is left out: it is a difference already.
    """
    plan = plan_of(run, benchmark, judge)
    measures = [
        measure
        for measure in benchmark.measures
        if measure.subject == judge.subject and formula_of(measure).decided
    ]
    tallies = [Tally(plan, measure) for measure in measures]
    groups: list[dict[str, dict[str, Value]]] = [{} for _ in measures]
    planned: list[dict[str, int]] = [{} for _ in measures]
    for unit, outcomes in _units(database, run, judge):
        for tally, found, counts in zip(tallies, groups, planned, strict=True):
            for group in tally.groups_of(outcomes):
                counts[group] = counts.get(group, 0) + 1
            for group, value in tally.values(outcomes).items():
                found.setdefault(group, {})[unit] = value
    return tuple(
        UnitValues(measure=measure, groups=found, planned=counts)
        for measure, found, counts in zip(measures, groups, planned, strict=True)
    )


def _units(database: Database, run: RunRecord, judge: JudgeRecord) -> Iterator[tuple[str, Sequence[Outcome]]]:
    outcomes = (outcome_of(stored, judge.key) for stored in dialogues(database, run))
    for unit, found in groupby(outcomes, key=lambda outcome: outcome.item.unit):
        yield unit, list(found)
