"""Position bias of a choice model: whether it prefers the reply that stands first."""

from __future__ import annotations

from collections.abc import Iterable
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


def position_bias(outcomes: Iterable[Outcome], confidence: float = 0.95) -> PositionBias:
    """Position bias from a stream in which both orders of a pair follow each other; the first trial counts."""
    counts = dict.fromkeys(PositionBias.__dataclass_fields__, 0)
    for _, unit in groupby(outcomes, key=lambda outcome: outcome.item.unit):
        rows = [(outcome.item.answer, _choice(outcome)) for outcome in unit if outcome.trial == 1]
        decided = [(gold, choice) for gold, choice in rows if choice is not None]
        for gold, choice in decided:
            counts["decided"] += 1
            counts["chose_first"] += choice == FIRST
            side = "gold_first" if gold == FIRST else "gold_second"
            counts[side] += 1
            counts[f"{side}_right"] += choice == gold
        if len(decided) == 2 and {gold for gold, _ in decided} == {FIRST, SECOND}:
            right = [choice == gold for gold, choice in decided]
            choices = [choice for _, choice in decided]
            counts["pairs_decided"] += 1
            counts["consistent"] += right[0] == right[1]
            counts["both_first"] += choices == [FIRST, FIRST]
            counts["both_second"] += choices == [SECOND, SECOND]
    share = low = high = None
    if counts["decided"]:
        share = 100 * counts["chose_first"] / counts["decided"]
        low, high = (100 * limit for limit in wilson(counts["chose_first"], counts["decided"], confidence))
    for name in ("share_first", "low", "high"):
        del counts[name]
    return PositionBias(**counts, share_first=share, low=low, high=high)


def _choice(outcome: Outcome) -> str | None:
    label, _ = decision(outcome.turns[0])
    return label if label in (FIRST, SECOND) else None
