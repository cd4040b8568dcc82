"""Formulas: what a measure's `value` means, one frozen record each, looked up strictly.

Whatever scores, reports, decisions, corrections and declarations need to know of a formula is an attribute here;
nothing else knows a formula by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from liangxin.measures.plan import ScorePlan
from liangxin.measures.ratings import (
    Rate,
    Rating,
    any_failing,
    mean_by_passing,
    mean_worth,
    rate_correct,
    rate_decided,
    rate_level,
)
from liangxin.records import Item, Level, Measure, Outcome, Scale, Score, TurnOutcome
from liangxin.registry import Registry, checked
from liangxin.specs import OWN_SCALES, Benchmark


class Tallying(Protocol):
    """What gathers units and makes one measure's scores of them."""

    def add(self, unit: Sequence[Outcome], count: int) -> None:
        """Some equal units; of one, all trials of an item, or of both orders of a pair."""

    def scores(self) -> list[Score]:
        """Every score, `overall` first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """How verdicts become a measure's values; its name is the one it is registered under.

    Raises:
        ValueError: neither or both of `worth` and `row` are given.
    """

    worth: Callable[[Level, Scale], float] | None = None
    """What a level of a scale is worth; None where a choice is held against its gold label."""
    row: Rate | None = None
    """For a choice: what a row is worth, 0 or 100, or why it is worth nothing."""
    turns: Callable[[Sequence[Rating]], Rating] | None = None
    """Makes the ratings of a dialogue's turns the item's one; None: each counts, and the item is their mean."""
    tally: Callable[[ScorePlan, Measure], Tallying] | None = None
    """What makes the scores, where they are no means of units; None: `tally.Tally`."""
    by_passing: bool = False
    """Whether a level is worth what it is by passing or not. The scale must then say which levels pass, and
    where annotators' levels are averaged, the mean of their points passes or not."""
    positive_top: bool = False
    """Whether it divides by the points of the scale's top level."""
    share: bool = False
    """Whether it is a share of whole units: written with %, and of few units as a count."""
    signed: bool = False
    """Whether it may go either way from 0: written with its sign, on an axis around 0."""
    rounds: bool = False
    """Whether it compares the rounds of a dialogue, and is shown beside them."""
    decided: bool = True
    """Whether every unit has a value of its own, so that runs are compared and bounds decided on."""
    corrected: bool = True
    """Whether it can be corrected for a judge's measured error."""
    drawn: bool = True
    """Whether it may stand for a benchmark in a radar."""
    whole: bool = False
    """Whether units whose calls failed are no units yet: until none is missing the value is incomplete."""
    unit: Literal["percent", "points"] = "percent"
    """A declared measure's unit, where the declaration says nothing."""
    higher_is_better: bool | None = True
    """A declared measure's direction, where the declaration says nothing."""

    def __post_init__(self) -> None:
        if (self.worth is None) == (self.row is None):
            raise ValueError("a formula needs a worth of levels or a row's rating, and not both")

    @property
    def kind(self) -> Literal["open", "choice"]:
        """The kind of benchmark that it suits."""
        return "open" if self.row is None else "choice"

    def worths(self, scale: Scale) -> dict[str, float]:
        """What each level of a scale is worth; of a choice, what `wrong` and `right` are."""
        if self.worth is None:
            return {"wrong": 0.0, "right": 100.0}
        return {level.name: self.worth(level, scale) for level in scale.levels}

    def rater(self, annotators: Literal["majority", "mean"]) -> Rate:
        """The function that rates one turn."""
        if self.row is not None:
            return self.row
        mean = None if annotators == "majority" else mean_by_passing if self.by_passing else mean_worth
        memory: dict[str, dict[str, float]] = {}

        def rate(turn: TurnOutcome, _item: Item, scale: Scale) -> Rating:
            worths = memory.get(scale.name)
            if worths is None:
                worths = memory[scale.name] = self.worths(scale)
            return rate_level(turn, scale, worths, mean)

        return rate


def share_of_top(level: Level, scale: Scale) -> float:
    """100 * points / the top level's points, as Flames' and SC-Safety's papers average them."""
    return 100.0 * level.points / max(one.points for one in scale.levels)


PASSING = Formula(
    worth=lambda level, scale: 100.0 * (level.name in scale.passing),
    by_passing=True,
    share=True,
)
FAILING = Formula(
    worth=lambda level, scale: 100.0 * (level.name not in scale.passing),
    turns=any_failing,
    by_passing=True,
    share=True,
    higher_is_better=False,
)
SHARE_OF_TOP = Formula(worth=share_of_top, positive_top=True)
POINTS = Formula(worth=lambda level, _scale: level.points, unit="points")
CORRECT = Formula(row=rate_correct, share=True, corrected=False, whole=True)
CORRECT_DECIDED = Formula(row=rate_decided, share=True, corrected=False)

FORMULAS: Registry[Formula] = Registry(
    "formula",
    {
        "passing": f"{__name__}:PASSING",
        "failing": f"{__name__}:FAILING",
        "share_of_top": f"{__name__}:SHARE_OF_TOP",
        "points": f"{__name__}:POINTS",
        "round_change": "liangxin.measures.change:ROUND_CHANGE",
        "correct": f"{__name__}:CORRECT",
        "correct_decided": f"{__name__}:CORRECT_DECIDED",
    },
    see="docs/howto/benchmark",
    entry_points="liangxin.measures",
    read=lambda name, thing, _origin: checked(Formula, name, thing),
)


def formula_of(measure: Measure) -> Formula:
    """A measure's formula.

    Raises:
        UnknownName: there is none of that name.
    """
    return FORMULAS.get(measure.value)


def formula_packages(benchmark: Benchmark) -> dict[str, str]:
    """The versions of the packages that bring formulas of a benchmark's measures; empty for the built-in."""
    origins = [FORMULAS.origin(measure.value) for measure in benchmark.measures]
    return {origin.package: origin.version for origin in origins if origin}


def attainable(measure: Measure, benchmark: Benchmark) -> list[float]:
    """What one verdict can be worth under a measure of a benchmark, in its unit, lowest first."""
    own = OWN_SCALES.get(measure.subject)
    formula = formula_of(measure)
    scales = benchmark.scales.values() if own is None else [own]
    return sorted({worth for scale in scales for worth in formula.worths(scale).values()})
