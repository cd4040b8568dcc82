"""What has been seen of one group of units: counts of distinct values, never the units themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from liangxin.measures.intervals import Value
from liangxin.measures.ratings import REASONS, Rating

MOST_ATTAINABLE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What `n` counts once: an item, a turn of it, or a choice row; its ratings are averaged."""

    turn: int
    value: float | None
    """The mean of the ratings there are."""
    reason: str
    """The most telling reason among the ratings; empty where there is a value."""
    worst: float
    """The mean with every missing rating as bad as can be; likewise best."""
    best: float
    service: float | None
    """The mean in the service view."""
    blocked: bool
    ratings: int
    """How many ratings it averages."""


def question(ratings: Sequence[Rating], turn: int, low: float, high: float) -> Question:
    """The question with these ratings, each between `low` and `high`."""
    if len(ratings) == 1:
        (one,) = ratings
        value = one.value
        return Question(
            turn=turn,
            value=value,
            reason=one.reason,
            worst=low if value is None else value,
            best=high if value is None else value,
            service=one.service,
            blocked=one.blocked,
            ratings=1,
        )
    value = _mean([one.value for one in ratings])
    return Question(
        turn=turn,
        value=value,
        reason=min((one.reason for one in ratings), key=REASONS.index) if value is None else "",
        worst=sum(low if one.value is None else one.value for one in ratings) / len(ratings),
        best=sum(high if one.value is None else one.value for one in ratings) / len(ratings),
        service=_mean([one.service for one in ratings]),
        blocked=any(one.blocked for one in ratings),
        ratings=len(ratings),
    )


@dataclass(slots=True)
class Ratio:
    """A sum and its size."""

    total: float = 0.0
    size: int = 0

    def add(self, value: float) -> None:
        """One more value."""
        self.total += value
        self.size += 1

    @property
    def mean(self) -> float | None:
        """The mean, or None of nothing."""
        return self.total / self.size if self.size else None


@dataclass(slots=True)
class Group:
    """Everything a score of one group is made from."""

    units: Counter[Value] = field(default_factory=Counter)
    attainable: set[Value] = field(default_factory=set)
    shapes: set[tuple[tuple[float, ...], int, int]] = field(default_factory=set)
    """The (levels, ratings, questions) of units seen so far; each shape adds its attainable values once."""
    n: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    worst: Ratio = field(default_factory=Ratio)
    best: Ratio = field(default_factory=Ratio)
    service: Ratio = field(default_factory=Ratio)
    blocked: bool = False
    binary: bool = True
    """Whether each unit so far is one value out of two."""
    bottom: float = float("inf")
    top: float = float("-inf")

    @property
    def value(self) -> float | None:
        """Σ sums / Σ sizes over all units."""
        size = sum(unit[1] * count for unit, count in self.units.items())
        return sum(unit[0] * count for unit, count in self.units.items()) / size if size else None

    def add(self, questions: Sequence[Question], levels: tuple[float, ...]) -> None:
        """One unit: its questions in this group, and the values that one rating can have."""
        self.bottom, self.top = min(self.bottom, levels[0]), max(self.top, levels[-1])
        total, judged, ratings = 0.0, 0, 0
        for one in questions:
            self.worst.add(one.worst)
            self.best.add(one.best)
            ratings += one.ratings
            self.blocked = self.blocked or one.blocked
            if one.service is not None:
                self.service.add(one.service)
            if one.value is None:
                self.reasons[one.reason] += 1
            else:
                total += one.value
                judged += 1
        if judged:
            self.n += judged
            self.units[round(total, 9), judged] += 1
        self.binary = self.binary and ratings == 1 and len(levels) == 2
        shape = (levels, ratings, len(questions))
        if shape not in self.shapes:
            self.shapes.add(shape)
            self.attainable.update((mean * len(questions), len(questions)) for mean in means(levels, ratings))


def means(levels: tuple[float, ...], ratings: int) -> tuple[float, ...]:
    """The means that `ratings` values out of `levels` can have; spread evenly where there are too many."""
    sums = {0.0}
    for _ in range(ratings):
        sums = {round(total + level, 9) for total in sums for level in levels}
        if len(sums) > MOST_ATTAINABLE:
            step = (levels[-1] - levels[0]) / (MOST_ATTAINABLE - 1)
            return tuple(levels[0] + step * k for k in range(MOST_ATTAINABLE))
    return tuple(sorted(total / ratings for total in sums))


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
