"""What has been seen of one group of units: counts of distinct values, never the units themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum

from liangxin.measures.intervals import Value
from liangxin.measures.ratings import REASONS, Rating

MOST_ATTAINABLE = 50

Levels = tuple[float, ...]
"""What one rating can be worth, lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRating:
    """What `n` counts once: an item, a turn of it, or a choice row; its ratings are averaged."""

    turn: int
    ratings: int
    """How many there should be: trials, and for a whole item its turns."""
    value: float | None
    """The mean of the ratings there are."""
    service: float | None
    """The same in the service view."""
    lowest: float
    """The mean with every missing rating at the lowest level; `highest` likewise."""
    highest: float
    reason: str
    """The most telling reason among the missing ratings."""
    blocked: bool


def question(ratings: Sequence[Rating], levels: Levels, turn: int = 0) -> QuestionRating:
    """Average the ratings of one question."""
    return QuestionRating(
        turn=turn,
        ratings=len(ratings),
        value=_mean([one.value for one in ratings if one.value is not None]),
        service=_mean([one.service for one in ratings if one.service is not None]),
        lowest=_mean([levels[0] if one.value is None else one.value for one in ratings]) or 0.0,
        highest=_mean([levels[-1] if one.value is None else one.value for one in ratings]) or 0.0,
        reason=first_reason([one.reason for one in ratings if one.value is None]),
        blocked=any(one.blocked for one in ratings),
    )


def first_reason(reasons: Sequence[str]) -> str:
    """The most telling of some reasons; empty where there is none."""
    return min(reasons, key=REASONS.index, default="")


@dataclass(slots=True)
class Ratio:
    """A mean kept as counts of distinct values, so that it is the same to the last bit in any order."""

    values: Counter[float] = field(default_factory=Counter)

    def add(self, value: float, count: int) -> None:
        """The same value some times more."""
        self.values[value] += count

    @property
    def mean(self) -> float | None:
        """The mean, or None of nothing."""
        size = self.values.total()
        return fsum(value * count for value, count in self.values.items()) / size if size else None


@dataclass(slots=True)
class GroupTally:
    """Everything a score of one group is made from."""

    units: Counter[Value] = field(default_factory=Counter)
    shapes: set[tuple[Levels, int, int]] = field(default_factory=set)
    """(levels, ratings, questions) of the units: what their values could have been."""
    n: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    lowest: Ratio = field(default_factory=Ratio)
    highest: Ratio = field(default_factory=Ratio)
    service: Ratio = field(default_factory=Ratio)
    blocked: bool = False

    def add(self, questions: Sequence[QuestionRating], levels: Levels, count: int) -> None:
        """Some equal units: the questions of one in this group, and what one rating can be worth."""
        judged = []
        for one in questions:
            self.lowest.add(one.lowest, count)
            self.highest.add(one.highest, count)
            self.blocked = self.blocked or one.blocked
            if one.service is not None:
                self.service.add(one.service, count)
            if one.value is None:
                self.reasons[one.reason] += count
            else:
                judged.append(one.value)
        self.n += len(judged) * count
        if judged:
            self.units[fsum(judged), len(judged)] += count
        self.shapes.add((levels, sum(one.ratings for one in questions), len(questions)))

    @property
    def value(self) -> float | None:
        """Σ sums / Σ sizes over all units."""
        size = sum(unit[1] * count for unit, count in self.units.items())
        return fsum(unit[0] * count for unit, count in self.units.items()) / size if size else None

    @property
    def bottom(self) -> float:
        """The lowest worth of any rating; `top` is the highest."""
        return min(levels[0] for levels, _, _ in self.shapes)

    @property
    def top(self) -> float:
        """The highest worth of any rating."""
        return max(levels[-1] for levels, _, _ in self.shapes)

    @property
    def binary(self) -> bool:
        """Whether every unit is one value out of the same two.

        The values are looked at too: the mean of several annotators may lie between the levels.
        """
        two = {self.bottom, self.top}
        shaped = all(set(levels) == two and ratings == 1 for levels, ratings, _ in self.shapes)
        return shaped and len(two) == 2 and all(total in two for total, _ in self.units)

    @property
    def attainable(self) -> list[Value]:
        """Every value that a unit of one of the shapes can have."""
        found = {
            (mean * questions, questions)
            for levels, ratings, questions in self.shapes
            for mean in means(levels, ratings)
        }
        return sorted(found)


def means(levels: Levels, ratings: int, most: int = MOST_ATTAINABLE) -> Levels:
    """The means that `ratings` values out of `levels` can have; spread evenly where there are too many."""
    sums = {0.0}
    for _ in range(ratings):
        sums = {round(total + level, 9) for total in sums for level in levels}
        if len(sums) > most:
            step = (levels[-1] - levels[0]) / (most - 1)
            return tuple(levels[0] + step * k for k in range(most))
    return tuple(sorted(total / ratings for total in sums))


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
