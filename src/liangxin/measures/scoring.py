"""Scores from a stream of outcomes, by each benchmark's declared arithmetic."""

from __future__ import annotations

from collections.abc import Iterable

from liangxin.measures.change import ChangeTally
from liangxin.measures.plan import ScorePlan
from liangxin.measures.tally import Tally
from liangxin.records import Item, Outcome, ReplyStatus, Score, TurnOutcome, Verdict, VerdictStatus

MOST_KINDS = 1024
"""Kinds of units held before they are tallied: the bound on memory where many trials make each unit its own."""

_Turn = tuple[int, ReplyStatus, tuple[tuple[VerdictStatus, str], ...]]
_Form = tuple[int, tuple[str, ...], tuple[str, ...], str, str, int, tuple[_Turn, ...]]
"""All of an outcome that a score depends on: row in its unit, category, tags, expect, answer, turns."""


class Scorer:
    """Accumulates outcomes for all measures of a plan; holds one unit and counts, whatever the run's size.

    Most units of a run look alike to a score (a category and a level), so equal ones are counted first and
    the arithmetic is done once for each kind.
    """

    def __init__(self, plan: ScorePlan) -> None:
        self._tallies = [
            ChangeTally(plan, measure) if measure.value == "round_change" else Tally(plan, measure)
            for measure in plan.measures
        ]
        self._unit: list[Outcome] = []
        self._kinds: dict[tuple[_Form, ...], int] = {}

    def add(self, outcome: Outcome) -> None:
        """One more dialogue; those of one unit must follow each other."""
        if self._unit and self._unit[0].item.unit != outcome.item.unit:
            self._flush()
        self._unit.append(outcome)

    def scores(self) -> list[Score]:
        """Every score, measure by measure, `overall` first."""
        self._flush()
        self._drain()
        return [score for tally in self._tallies for score in tally.scores()]

    def _flush(self) -> None:
        if not self._unit:
            return
        rows: dict[str, int] = {}
        # Sorted, as the order of trials does not matter and would only make more kinds.
        kind = tuple(
            sorted(_form(outcome, rows.setdefault(outcome.item.id, len(rows))) for outcome in self._unit)
        )
        self._unit = []
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if len(self._kinds) >= MOST_KINDS:
            self._drain()

    def _drain(self) -> None:
        for kind, count in self._kinds.items():
            unit = [_outcome(form) for form in kind]
            for tally in self._tallies:
                tally.add(unit, count)
        self._kinds = {}


def scores(outcomes: Iterable[Outcome], plan: ScorePlan) -> list[Score]:
    """Every score of a plan from a stream of outcomes in which a unit's outcomes follow each other."""
    scorer = Scorer(plan)
    for outcome in outcomes:
        scorer.add(outcome)
    return scorer.scores()


def _form(outcome: Outcome, row: int) -> _Form:
    item = outcome.item
    turns = tuple(
        (one.turn, one.status, tuple([(verdict.status, verdict.level or "") for verdict in one.verdicts]))
        for one in outcome.turns
    )
    return row, item.category, item.tags, item.expect or "", item.answer or "", len(item.turns), turns


def _outcome(form: _Form) -> Outcome:
    """An outcome of that form, without the texts."""
    row, category, tags, expect, answer, asked, turns = form
    return Outcome(
        item=Item(
            id=str(row),
            turns=("",) * asked,
            category=category,
            tags=tags,
            expect="refuse" if expect == "refuse" else "answer" if expect else None,
            answer=answer or None,
        ),
        trial=1,
        turns=tuple(
            TurnOutcome(
                turn=number,
                status=status,
                verdicts=tuple(Verdict(level=level or None, status=given) for given, level in verdicts),
            )
            for number, status, verdicts in turns
        ),
    )
