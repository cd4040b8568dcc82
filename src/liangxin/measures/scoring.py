"""Scores from a stream of outcomes, by each benchmark's declared arithmetic."""

from __future__ import annotations

from collections.abc import Iterable

from liangxin.measures.formulas import formula_of
from liangxin.measures.plan import ScorePlan
from liangxin.measures.tally import Tally
from liangxin.measures.unit_kinds import Kind, kind_of, outcomes_of
from liangxin.records import Outcome, Score

MOST_KINDS = 1024
"""Kinds of units held before they are tallied: the bound on memory where many trials make each unit its own."""


class ScoreBuilder:
    """Accumulates units for all measures of a plan; holds one unit and counts, whatever the run's size."""

    def __init__(self, plan: ScorePlan) -> None:
        self._tallies = [(formula_of(measure).tally or Tally)(plan, measure) for measure in plan.measures]
        self._unit: list[Outcome] = []
        self._kinds: dict[Kind, int] = {}

    def add(self, outcome: Outcome) -> None:
        """One more dialogue; those of one unit must follow each other."""
        if self._unit and self._unit[0].item.unit != outcome.item.unit:
            self._flush()
        self._unit.append(outcome)

    def count(self, kind: Kind, count: int) -> None:
        """Some more units of one kind."""
        self._kinds[kind] = self._kinds.get(kind, 0) + count
        if len(self._kinds) >= MOST_KINDS:
            self._drain()

    def scores(self) -> list[Score]:
        """Every score, measure by measure, `overall` first."""
        self._flush()
        self._drain()
        return [score for tally in self._tallies for score in tally.scores()]

    def _flush(self) -> None:
        if self._unit:
            self.count(kind_of(self._unit), 1)
            self._unit = []

    def _drain(self) -> None:
        for kind, count in self._kinds.items():
            unit = outcomes_of(kind)
            for tally in self._tallies:
                tally.add(unit, count)
        self._kinds = {}


def scores(outcomes: Iterable[Outcome], plan: ScorePlan) -> list[Score]:
    """Every score of a plan from a stream of outcomes in which a unit's outcomes follow each other."""
    scorer = ScoreBuilder(plan)
    for outcome in outcomes:
        scorer.add(outcome)
    return scorer.scores()
