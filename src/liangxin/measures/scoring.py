"""Scores from a stream of outcomes, by each benchmark's declared arithmetic."""

from __future__ import annotations

from collections.abc import Iterable

from liangxin.measures.change import ChangeTally
from liangxin.measures.plan import ScorePlan
from liangxin.measures.tally import Tally
from liangxin.records import Outcome, Score


class Scorer:
    """Accumulates outcomes for all measures of a plan; holds one unit and counts, whatever the run's size."""

    def __init__(self, plan: ScorePlan) -> None:
        self._tallies = [
            ChangeTally(plan, measure) if measure.value == "round_change" else Tally(plan, measure)
            for measure in plan.measures
        ]
        self._unit: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """One more dialogue; those of one unit must follow each other."""
        if self._unit and self._unit[0].item.unit != outcome.item.unit:
            self._flush()
        self._unit.append(outcome)

    def scores(self) -> list[Score]:
        """Every score, measure by measure, `overall` first."""
        self._flush()
        return [score for tally in self._tallies for score in tally.scores()]

    def _flush(self) -> None:
        if self._unit:
            for tally in self._tallies:
                tally.add(self._unit)
            self._unit = []


def scores(outcomes: Iterable[Outcome], plan: ScorePlan) -> list[Score]:
    """Every score of a plan from a stream of outcomes in which a unit's outcomes follow each other."""
    scorer = Scorer(plan)
    for outcome in outcomes:
        scorer.add(outcome)
    return scorer.scores()
