"""A claim, what can be said of it, and how many further items would decide it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Bound = Callable[[int, int, float], NDArray[np.float64]]
"""(successes, n, confidence) -> a one-sided bound."""
Verdict = Literal["meets", "fails", "undecided"]

MOST_FURTHER = 10_000_000
"""Nobody labels more: beyond it no number of further items is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What can be said of a claim."""

    verdict: Verdict
    value: float
    """The observed rate or mean, in [0, 1]."""
    low: float
    """One-sided bounds: each holds by itself with the stated confidence."""
    high: float
    n: int
    method: str
    further: int | None = None
    """How many more items would decide if they went like those seen; None where decided, or where none would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is to be decided: at least, or at most, a bound in [0, 1]."""

    bound: float
    direction: Literal["at_least", "at_most"] = "at_least"
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what no claim can be."""
        if not 0 <= self.bound <= 1 or not 0.5 <= self.confidence < 1:
            raise ValueError("a bound is a share from 0 to 1, a confidence from 0.5 to below 1")

    def verdict(self, low: float, high: float) -> Verdict:
        """By one-sided bounds of the rate."""
        if self.direction == "at_least":
            return "meets" if low >= self.bound else "fails" if high < self.bound else "undecided"
        return "meets" if high <= self.bound else "fails" if low > self.bound else "undecided"


def decide_counts(
    successes: int,
    n: int,
    claim: Claim,
    bounds: tuple[Bound, Bound],
    method: str,
    more: Callable[[], int | None],
) -> Decision:
    """A decision from a count's one-sided lower and upper bounds.

    Args:
        more: how many further items would decide; called where the claim is undecided.

    Raises:
        ValueError: there are no items, or more successes than items.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError("a decision needs at least one item, and no more successes than items")
    low, high = (float(bound(successes, n, claim.confidence)) for bound in bounds)
    verdict = claim.verdict(low, high)
    return Decision(
        verdict=verdict,
        value=successes / n,
        low=low,
        high=high,
        n=n,
        method=method,
        further=more() if verdict == "undecided" and successes / n != claim.bound else None,
    )


_WINDOW = 4096


def further(decided: Callable[[Counts], NDArray[np.bool_]], n: int) -> int | None:
    """The fewest items beyond n that decide; None where more than `MOST_FURTHER` would be needed.

    Args:
        decided: for each total number of items, whether it decides at the observed rate. Decided totals stay
            decided, but for the rounding of a few successes: the last window is read total by total.
    """
    step = n
    while not decided(np.array([n + step]))[0]:
        step *= 2
        if step > MOST_FURTHER:
            return None
    low, high = (n + step // 2 if step > n else n), n + step
    while high - low > _WINDOW:
        middle = (low + high) // 2
        if decided(np.arange(max(low, middle - _WINDOW // 2), middle)).any():
            high = middle
        else:
            low = middle
    totals = np.arange(max(n, low - _WINDOW), high + 1)
    return int(totals[np.argmax(decided(totals))]) - n


def further_smooth(decided: Callable[[int], bool], n: int) -> int | None:
    """As `further`, where nothing is rounded: what decides at one total decides at every larger one."""
    low, high = n, 2 * n
    while not decided(high):
        low, high = high, 2 * high
        if high - n > MOST_FURTHER:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high - n
