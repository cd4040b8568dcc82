"""Decisions on means of bounded values: ordinal scores, several values an item, means of groups.

No exact law is known here, so the bounds are inequalities that hold for every distribution on [0, 1] and
every n; they decide later than a normal approximation would, and never too often.

- One group: betting (Waudby-Smith and Ramdas 2024, *Estimating means of bounded random variables by betting*).
  Against "the mean is at most m", the wealth Π (1 + b (x - m)) has expectation at most 1 for every bet b from
  0 to 1/m; so has an average over a grid of bets, and by Ville's inequality it reaches 1/α with chance at most
  α, at whatever time one looks. The grid must not depend on the values: for a planned n it stands around
  √(2 ln(1/α) / n) / σ for σ from ½ down, for looking at any time it spans four decades and a half.
- The weighted mean of groups' means, θ = Σ w μ: Chernoff's bound, P(Σ w x̄ ≥ t) ≤ exp(-λ t) Π (1 + μ (e^(λ w/n) - 1))^n,
  at the least favourable group means with Σ w μ at most m, at the best λ (Hoeffding 1963, section 4: the
  exponential's convexity makes 0/1 values the worst case).

Rejected: MOVER from the groups' exact one-sided limits. With two groups of 20 at rates of .04 it errs in 6.9 %
where 5 % are allowed (`tests/inference/test_means.py` computes it).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liangxin.inference.claims import Claim, Counts, Decision, further_smooth

Array = NDArray[np.float64]

_SPREADS = 0.5 / np.sqrt(2.0) ** np.arange(9)
"""Standard deviations that a planned n is prepared for."""
_ANY_TIME = np.geomspace(1e-3, 30, 48)
_MOST = 0.99
"""The largest share of the wealth that a bet may lose at once."""
_STEPS = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMean:
    """A group's mean in [0, 1] over so many items, and its weight in the overall mean."""

    mean: float
    n: int
    weight: float


def mean_bounds(
    values: Array, counts: Counts, confidence: float = 0.95, *, planned: bool = True
) -> tuple[float, float]:
    """One-sided lower and upper bounds of a mean, each valid by itself.

    Args:
        values, counts: distinct values in [0, 1] and how many items have each.
        planned: the number of items was fixed beforehand; False: valid at every number of items at once.

    Raises:
        ValueError: a value lies outside [0, 1], or there are no items.
    """
    v, c = np.asarray(values, np.float64), np.asarray(counts, np.float64)
    if not c.sum() > 0 or v.min() < 0 or v.max() > 1:
        raise ValueError("a mean needs items, and values between 0 and 1")
    bets = _bets(float(c.sum()), confidence, planned=planned)
    return _lower(v, c, bets, confidence), 1 - _lower(1 - v, c, bets, confidence)


def decide_mean(values: Array, claim: Claim, *, planned: bool = True) -> Decision:
    """Whether the mean of one value an item meets a claim.

    Args:
        values: [items] in [0, 1], one an item (its own mean over turns and trials).
        planned: as in `mean_bounds`.
    """
    distinct, counts = np.unique(np.asarray(values, np.float64).round(9), return_counts=True)
    low, high = mean_bounds(distinct, counts, claim.confidence, planned=planned)
    n = int(counts.sum())
    verdict = claim.verdict(low, high)
    value = float(distinct @ counts / n)

    against, v = (claim.bound, distinct) if value > claim.bound else (1 - claim.bound, 1 - distinct)

    def decided(total: int) -> bool:
        bets = _bets(float(total), claim.confidence, planned=planned)
        return _wealth(against, v, counts * (total / n), bets) >= _enough(claim.confidence)

    return Decision(
        verdict=verdict,
        value=value,
        low=low,
        high=high,
        n=n,
        method="betting" if planned else "betting any-time",
        further=further_smooth(decided, n) if verdict == "undecided" and value != claim.bound else None,
    )


def group_bounds(groups: Sequence[GroupMean], confidence: float = 0.95) -> tuple[float, float]:
    """One-sided bounds of the weighted mean of group means, each valid by itself at a planned n.

    Raises:
        ValueError: a group has no items or a mean outside [0, 1], or the weights do not add up to 1.
    """
    means, n, weights = (np.array(column, np.float64) for column in zip(*_plain(groups), strict=True))
    if n.min() < 1 or means.min() < 0 or means.max() > 1 or abs(weights.sum() - 1) > 1e-9:
        raise ValueError("groups need items, means between 0 and 1, and weights that add up to 1")
    value = float(weights @ means)
    return _chernoff(value, n, weights, confidence), 1 - _chernoff(1 - value, n, weights, confidence)


def decide_groups(groups: Sequence[GroupMean], claim: Claim) -> Decision:
    """Whether a weighted mean of group means meets a claim; `further` items in the groups' proportions."""
    low, high = group_bounds(groups, claim.confidence)
    value = sum(group.weight * group.mean for group in groups)
    n = sum(group.n for group in groups)
    verdict = claim.verdict(low, high)
    shares = np.array([group.n / n for group in groups])
    weights = np.array([group.weight for group in groups])

    against, mean = (claim.bound, value) if value > claim.bound else (1 - claim.bound, 1 - value)

    def decided(total: int) -> bool:
        strength = _tail(against, mean, shares * total, weights, claim.confidence)
        return strength >= _enough(claim.confidence)

    return Decision(
        verdict=verdict,
        value=value,
        low=low,
        high=high,
        n=n,
        method="chernoff over groups",
        further=further_smooth(decided, n) if verdict == "undecided" and value != claim.bound else None,
    )


def _plain(groups: Sequence[GroupMean]) -> list[tuple[float, float, float]]:
    return [(group.mean, group.n, group.weight) for group in groups]


def _bets(n: float, confidence: float, *, planned: bool) -> Array:
    if not planned:
        return _ANY_TIME
    return np.asarray(math.sqrt(2 * _enough(confidence) / n) / _SPREADS)


def _enough(confidence: float) -> float:
    return -math.log(1 - confidence)


def _lower(values: Array, counts: Array, bets: Array, confidence: float) -> float:
    """The largest m against which the wealth is 1 / (1 - confidence)."""
    mean = float(values @ counts / counts.sum())
    return _largest(lambda m: _wealth(m, values, counts, bets), mean, confidence)


def _largest(strength: Callable[[float], float], most: float, confidence: float) -> float:
    """The largest m below `most` that the evidence excludes; evidence falls as m grows."""
    low, high = 0.0, most
    for _ in range(_STEPS):
        m = (low + high) / 2
        if m > 0 and strength(m) >= _enough(confidence):
            low = m
        else:
            high = m
    return low


def _wealth(m: float, values: Array, counts: NDArray[np.floating], bets: Array) -> float:
    """Log wealth against "the mean is at most m"."""
    from scipy.special import logsumexp

    if m <= 0:
        return math.inf if values @ counts > 0 else 0.0
    allowed = np.minimum(bets, _MOST / m)[:, None]
    return float(logsumexp(np.log1p(allowed * (values - m)) @ counts) - math.log(len(bets)))


def _chernoff(value: float, n: Array, weights: Array, confidence: float) -> float:
    """The largest m at which the tail bound of `value` is still 1 - confidence."""
    return _largest(lambda m: _tail(m, value, n, weights, confidence), value, confidence)


def _tail(m: float, value: float, n: Array, weights: Array, confidence: float) -> float:
    """Minus the log of the tail bound of `value` where the weighted mean is at most m."""
    if m <= 0:
        return math.inf if value > 0 else 0.0
    if m >= 1:
        return 0.0
    # λ of the sum of w x̄: its best value is about √(2 ln(1/α)) / sd, the sd at most √Σ w²/4n.
    scale = math.sqrt(2 * _enough(confidence) / (weights**2 / (4 * n)).sum())
    lambdas = scale * np.geomspace(0.1, 1000, 100)
    lambdas = lambdas[lambdas * (weights / n).max() < 500]
    return float((lambdas * value - _worst(m, lambdas, n, weights)).max())


def _worst(m: float, lambdas: Array, n: Array, weights: Array) -> Array:
    """[λ] the largest Σ n ln(1 + μ c) over group means μ with Σ w μ at most m, where c = e^(λ w/n) - 1.

    Concave in μ, so at the maximum n c / (1 + μ c) = ν w for one ν, but for groups at 0 or 1.
    """
    c = np.expm1(lambdas[:, None] * weights / n)
    ratio, floor = n / weights, 1 / c
    low, high = np.zeros(len(lambdas)), (ratio * c).max(axis=1)  # ν: at 0 all μ are 1, at the top all 0
    for _ in range(_STEPS + 10):
        middle = (low + high) / 2
        with np.errstate(divide="ignore"):
            mu = np.clip(ratio / middle[:, None] - floor, 0, 1)
        over = mu @ weights > m
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    with np.errstate(divide="ignore"):
        mu = np.clip(ratio / low[:, None] - floor, 0, 1)  # the side with Σ w μ above m: not too small
    return np.asarray((n * np.log1p(mu * c)).sum(axis=1))
