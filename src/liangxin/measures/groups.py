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

    ratings: tuple[Rating, ...]
    turn: int

    @property
    def value(self) -> float | None:
        """The mean of the ratings there are."""
        return _mean([one.value for one in self.ratings])

    @property
    def service(self) -> float | None:
        """The same in the service view."""
        return _mean([one.service for one in self.ratings])

    def filled(self, missing: float) -> float:
        """The mean with every missing rating at one value."""
        return sum(missing if one.value is None else one.value for one in self.ratings) / len(self.ratings)

    @property
    def reason(self) -> str:
        """The most telling reason among the ratings."""
        return min((one.reason for one in self.ratings), key=REASONS.index)


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

    def add(self, questions: Sequence[Question], levels: Sequence[float]) -> None:
        """One unit: its questions in this group, and the values that one rating can have."""
        low, high = levels[0], levels[-1]
        self.bottom, self.top = min(self.bottom, low), max(self.top, high)
        judged = []
        for question in questions:
            self.worst.add(question.filled(low))
            self.best.add(question.filled(high))
            self.blocked = self.blocked or any(one.blocked for one in question.ratings)
            service = question.service
            if service is not None:
                self.service.add(service)
            value = question.value
            if value is None:
                self.reasons[question.reason] += 1
            else:
                self.n += 1
                judged.append(value)
        if judged:
            self.units[round(sum(judged), 9), len(judged)] += 1
        ratings = sum(len(question.ratings) for question in questions)
        self.binary = self.binary and ratings == 1 and len(levels) == 2
        self.attainable.update(
            (mean * len(questions), len(questions)) for mean in means(tuple(levels), ratings)
        )


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
