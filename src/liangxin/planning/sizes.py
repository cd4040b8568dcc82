"""Sample sizes where every verdict is taken as true: a claim, a margin, a difference. Rates are shares in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from liangxin.errors import UsageError
from liangxin.measures.intervals import wilson

MOST = 10_000_000
"""Items beyond which no plan is made."""
_BLOCK = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSize:
    """A plan for showing that a rate is at least so high."""

    n: int
    passes: int
    """The least number of passes among n that meets the claim."""
    power: float
    """The chance of that many where the true rate is as supposed."""


def least_passes(n: int, at_least: float, confidence: float = 0.95) -> int | None:
    """The fewest passes out of n whose exact one-sided lower bound reaches `at_least`; None where not even n do.

    The bound is Clopper and Pearson's (1934): k meets the claim where P(X ≥ k | n, at_least) ≤ 1 - confidence.
    """
    from scipy.stats import binom

    _between(at_least, "the claimed rate")
    least = int(binom.isf(1 - confidence, n, at_least)) + 1
    # The quantile may be off by one where a tail probability equals the level but for rounding.
    while least > 0 and binom.sf(least - 2, n, at_least) <= 1 - confidence:
        least -= 1
    while least <= n and binom.sf(least - 1, n, at_least) > 1 - confidence:
        least += 1
    return least if least <= n else None


def claim_power(n: int, at_least: float, true_rate: float, confidence: float = 0.95) -> float:
    """The chance that n items meet the claim where the true rate is `true_rate`."""
    from scipy.stats import binom

    least = least_passes(n, at_least, confidence)
    return 0.0 if least is None else float(binom.sf(least - 1, n, true_rate))


def claim_size(
    at_least: float, true_rate: float, *, confidence: float = 0.95, power: float = 0.8
) -> ClaimSize:
    """The fewest items whose chance of meeting the claim is at least `power`, by exact binomial tails.

    The chance goes up and down like a saw as n grows: a plan is for its n, and answers that go missing should be
    made up for. For a claim of at most P, ask for at least 1 - P with the true rate 1 - R.

    Raises:
        UsageError: the true rate does not exceed the claim, or more than MOST items would be needed.
    """
    import numpy as np
    from scipy.stats import binom

    _between(at_least, "the claimed rate")
    _between(power, "the power")
    if not at_least < true_rate <= 1:
        raise UsageError("a claim can only be planned for where the supposed true rate lies above it")
    for start in range(1, MOST + 1, _BLOCK):
        sizes = np.arange(start, min(start + _BLOCK, MOST + 1))
        least = binom.isf(1 - confidence, sizes, at_least) + 1
        for n in sizes[binom.sf(least - 2, sizes, true_rate) >= power]:
            passes = least_passes(int(n), at_least, confidence)
            if passes is None:
                continue
            chance = float(binom.sf(passes - 1, int(n), true_rate))
            if chance >= power:
                return ClaimSize(n=int(n), passes=passes, power=chance)
    raise UsageError(f"more than {MOST} items would be needed: the true rate is too close to the claim")


def margin_size(half_width: float, rate: float = 0.5, confidence: float = 0.95) -> int:
    """The fewest items whose Wilson interval (Wilson 1927) is at most ± `half_width` at the supposed rate.

    Raises:
        UsageError: the half width or the rate is not a share, or more than MOST items would be needed.
    """
    _between(half_width, "the half width")
    if not 0 <= rate <= 1:
        raise UsageError(f"the supposed rate must lie between 0 and 1, not at {rate}")

    def fits(n: int) -> bool:
        low, high = wilson(rate * n, n, confidence)
        return (high - low) / 2 <= half_width

    return _least(fits, f"a margin of {half_width}")


def difference_size(a: float, b: float, *, confidence: float = 0.95, power: float = 0.8) -> int:
    """Items for each of two models judged on items of their own, two-sided test of equal rates.

    n = (z_α √(2 p̄(1-p̄)) + z_β √(a(1-a) + b(1-b)))² / (a-b)². Source: Fleiss 1981, Statistical Methods for Rates
    and Proportions, ch. 3 (without the continuity correction).

    Raises:
        UsageError: the rates are equal or no shares.
    """
    if a == b or not (0 <= a <= 1 and 0 <= b <= 1):
        raise UsageError("a difference needs two different rates between 0 and 1")
    alpha, beta = _quantiles(confidence, power)
    mean = (a + b) / 2
    root = alpha * math.sqrt(2 * mean * (1 - mean)) + beta * math.sqrt(a * (1 - a) + b * (1 - b))
    return math.ceil((root / (a - b)) ** 2)


def paired_size(difference: float, discordant: float, *, confidence: float = 0.95, power: float = 0.8) -> int:
    """Items for two models on the same items (McNemar's test, two-sided).

    n = (z_α √ψ + z_β √(ψ - d²))² / d², ψ the share of items on which the two differ. Source: Connor 1987, "Sample
    size for testing differences in proportions for the paired-sample design", Biometrics 43.

    Args:
        difference: the difference of the two rates.
        discordant: the share of items that one passes and the other fails; at least |difference|.

    Raises:
        UsageError: the difference is 0 or greater than the discordant share.
    """
    d = abs(difference)
    if not 0 < d <= discordant <= 1:
        raise UsageError("the models must differ on at least as large a share of items as their rates differ")
    alpha, beta = _quantiles(confidence, power)
    return math.ceil((alpha * math.sqrt(discordant) + beta * math.sqrt(discordant - d * d)) ** 2 / d**2)


def _quantiles(confidence: float, power: float) -> tuple[float, float]:
    _between(confidence, "the confidence")
    _between(power, "the power")
    normal = NormalDist()
    return normal.inv_cdf(0.5 + confidence / 2), normal.inv_cdf(power)


def _between(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise UsageError(f"{name} must lie between 0 and 1, not at {value}")


def _least(fits: Callable[[int], bool], wanted: str) -> int:
    """The least n that fits, where every larger one fits too."""
    high = 1
    while not fits(high):
        high *= 2
        if high > MOST:
            raise UsageError(f"more than {MOST} items would be needed for {wanted}")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
