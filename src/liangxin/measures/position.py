"""Position bias of a choice model: whether it prefers the reply that stands first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from liangxin.measures.intervals import wilson
from liangxin.measures.ratings import decision
from liangxin.records import Outcome

FIRST, SECOND = "回复1", "回复2"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBias:
    """Counts over the rows decided as 回复1 or 回复2, and over pairs whose two orders were both decided."""

    decided: int
    chose_first: int
    share_first: float | None
    """Percent of decided rows that chose 回复1; 50 without bias where both orders are asked."""
    low: float | None
    high: float | None
    gold_first: int
    """Decided rows whose better reply stands first, and how many of them were right; likewise second."""
    gold_first_right: int
    gold_second: int
    gold_second_right: int
    pairs_decided: int
    consistent: int
    """Pairs where the same reply was chosen in both orders."""
    both_first: int
    both_second: int


class PositionTally:
    """Accumulates position bias over units, each given by the first trial's rows."""

    def __init__(self, first: str = FIRST, second: str = SECOND) -> None:
        self._first, self._second = first, second
        self._counts = dict.fromkeys(PositionBias.__dataclass_fields__, 0)

    def add(self, unit: Sequence[Outcome], count: int = 1) -> None:
        """Some equal units; of one, the rows as shown (both orders of a pair)."""
        counts = self._counts
        first, second = self._first, self._second
        rows = [(outcome.item.answer, _choice(outcome, (first, second))) for outcome in unit]
        decided = [(gold, choice) for gold, choice in rows if choice is not None]
        for gold, choice in decided:
            counts["decided"] += count
            counts["chose_first"] += count * (choice == first)
            side = "gold_first" if gold == first else "gold_second"
            counts[side] += count
            counts[f"{side}_right"] += count * (choice == gold)
        if len(decided) == 2 and {gold for gold, _ in decided} == {first, second}:
            right = [choice == gold for gold, choice in decided]
            choices = [choice for _, choice in decided]
            counts["pairs_decided"] += count
            counts["consistent"] += count * (right[0] == right[1])
            counts["both_first"] += count * (choices == [first, first])
            counts["both_second"] += count * (choices == [second, second])

    def result(self, confidence: float = 0.95) -> PositionBias:
        """The position bias of what was added."""
        counts = dict(self._counts)
        share = low = high = None
        if counts["decided"]:
            share = 100 * counts["chose_first"] / counts["decided"]
            limits = wilson(counts["chose_first"], counts["decided"], confidence)
            low, high = (100 * limit for limit in limits)
        for name in ("share_first", "low", "high"):
            del counts[name]
        return PositionBias(**counts, share_first=share, low=low, high=high)


def position_bias(outcomes: Iterable[Outcome], confidence: float = 0.95) -> PositionBias:
    """Position bias from a stream in which both orders of a pair follow each other; the first trial counts."""
    tally = PositionTally()
    for _, unit in groupby(outcomes, key=lambda outcome: outcome.item.unit):
        tally.add([outcome for outcome in unit if outcome.trial == 1])
    return tally.result(confidence)


def _choice(outcome: Outcome, labels: tuple[str, str]) -> str | None:
    label, _ = decision(outcome.turns[0])
    return label if label in labels else None
