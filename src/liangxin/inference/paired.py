"""Two models, or two judges, on the same items: tests, differences with intervals, effect sizes, power.

The item is the unit. One binary value an item: McNemar. Several values an item, or an ordinal one: the sign-flip
permutation test on the items' differences. For a mean of dimensions multiply an item's difference by its
dimension's weight over its dimension's size: the sum is then the difference of the two overalls.

Sources: McNemar 1947; Fagerland, Lydersen and Laake 2013 (exact and mid-p); Fisher 1935 (sign flips); Phipson
and Smyth 2010 (the +1 of Monte Carlo p-values); Newcombe 1998, *Improved confidence intervals for the
difference between binomial proportions based on paired data*, method 10; Cohen 1988 (g, d_z); Connor 1987
(power of McNemar's test).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from liangxin.measures.intervals import generator, percentiles, wilson

Array = NDArray[np.float64]

EXACT = 1 << 16
"""Up to so many distinct sums every pattern of signs is counted, else `DRAWS` are drawn."""
DRAWS = 20_000
_CELLS = 4_000_000
_MOST_CELLS = 400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A difference, first less second, with its test."""

    difference: float
    """In the unit of the values (a share for binary ones)."""
    low: float
    high: float
    interval: str
    p: float
    test: str
    effect: float | None
    """Cohen's g (binary: -0.5 to 0.5) or d_z; None where no item differs, or all differ alike."""
    effect_name: str
    detectable: float | None
    """The smallest difference that this sample would have found with 80 % power; None where none could be."""
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsRatio:
    """Of items on which the two differ: first only over second only, with exact limits."""

    value: float | None
    """None where no item is second only."""
    low: float
    high: float | None
    """None: no upper limit."""


def mcnemar(first_only: int, second_only: int, *, mid: bool = False) -> float:
    """The two-sided p of McNemar's exact test, or its mid-p.

    Twice the smaller tail of Binomial(first_only + second_only, ½); for mid-p half of the observed count's
    chance is left out of the tail. The exact test never exceeds its level; the mid-p test may (computed: 5.7 % where 5 % are allowed).
    """
    from scipy.special import bdtr

    n, fewer = first_only + second_only, min(first_only, second_only)
    if n == 0:
        return 1.0
    tail = float(bdtr(fewer, n, 0.5))
    if mid:
        below = float(bdtr(fewer - 1, n, 0.5)) if fewer else 0.0
        tail = (tail + below) / 2
    return min(1.0, 2 * tail)


def odds_ratio(first_only: int, second_only: int, confidence: float = 0.95) -> OddsRatio:
    """The conditional odds ratio, with limits from Clopper and Pearson's of first_only / (both counts)."""
    from liangxin.inference.binomial import lower_bound, upper_bound

    n = first_only + second_only
    if n == 0:
        return OddsRatio(value=None, low=0.0, high=None)
    side = 0.5 + confidence / 2
    low, high = float(lower_bound(first_only, n, side)), float(upper_bound(first_only, n, side))
    return OddsRatio(
        value=first_only / second_only if second_only else None,
        low=low / (1 - low),
        high=high / (1 - high) if high < 1 else None,
    )


def newcombe(
    both: int, first_only: int, second_only: int, neither: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Limits of the paired difference of shares, first less second (Newcombe 1998, method 10).

    Wilson's limits of both margins, combined with their correlation φ, whose numerator is continuity-corrected.
    """
    n = both + first_only + second_only + neither
    one, two = both + first_only, both + second_only
    p1, p2 = one / n, two / n
    (l1, u1), (l2, u2) = wilson(one, n, confidence), wilson(two, n, confidence)
    margins = one * (n - one) * two * (n - two)
    cross: float = both * neither - first_only * second_only
    if cross > 0:
        cross = max(cross - n / 2, 0)
    phi = cross / math.sqrt(margins) if margins else 0.0
    below, above = p1 - l1, u2 - p2
    low = math.sqrt(max(below**2 - 2 * phi * below * above + above**2, 0.0))
    up, down = u1 - p1, p2 - l2
    high = math.sqrt(max(up**2 - 2 * phi * up * down + down**2, 0.0))
    return p1 - p2 - low, p1 - p2 + high


def compare_binary(
    both: int, first_only: int, second_only: int, neither: int, *, mid: bool = False, confidence: float = 0.95
) -> Paired:
    """Two rates on the same items.

    Raises:
        ValueError: there are no items.
    """
    n = both + first_only + second_only + neither
    if n == 0:
        raise ValueError("a comparison needs at least one item")
    low, high = newcombe(both, first_only, second_only, neither, confidence)
    differing = first_only + second_only
    return Paired(
        difference=(first_only - second_only) / n,
        low=low,
        high=high,
        interval="newcombe-10",
        p=mcnemar(first_only, second_only, mid=mid),
        test="mcnemar mid-p" if mid else "mcnemar exact",
        effect=first_only / differing - 0.5 if differing else None,
        effect_name="cohen-g",
        detectable=detectable_binary(n, differing / n, confidence=confidence),
        n=n,
    )


def sign_flip(differences: Array, seed: str = "") -> tuple[float, str]:
    """The two-sided p of the sign-flip test on Σ d, and how it was found.

    Items with equal |d| are counted together: the signs of c of them add up to 2 Binomial(c, ½) - c. Exact
    while their sums can be listed, else from seeded draws with p = (1 + as extreme) / (1 + draws).
    """
    d = np.asarray(differences, np.float64)
    size, counts = np.unique(np.abs(d).round(12), return_counts=True)
    size, counts = size[size > 0], counts[size > 0]
    if not len(size):
        return 1.0, "sign-flip exact"
    observed = abs(float(d.sum())) - 1e-9 * float(size @ counts)
    if np.log2(counts + 1).sum() <= math.log2(EXACT):
        sums, chances = _all_sums(size, counts)
        return min(1.0, float(chances[np.abs(sums) >= observed].sum())), "sign-flip exact"
    draws = int(max(999, min(DRAWS, _MOST_CELLS // len(size))))
    random = generator(seed, "sign-flip")
    hits, left = 0, draws
    while left:
        part = min(left, max(1, _CELLS // len(size)))
        heads = random.binomial(counts, 0.5, size=(part, len(counts)))
        hits += int((np.abs((2 * heads - counts) @ size) >= observed).sum())
        left -= part
    return (1 + hits) / (1 + draws), f"sign-flip of {draws} draws"


def compare_values(
    differences: Array, attainable: Sequence[float], *, seed: str = "", confidence: float = 0.95
) -> Paired:
    """Two means of item values on the same items, from the items' differences (first less second).

    The interval is the Bayesian bootstrap with one pseudo-item spread over the differences of all pairs of
    attainable values (see `liangxin.measures.intervals.posterior_means`).

    Args:
        attainable: the values that one item can have.

    Raises:
        ValueError: there are no items.
    """
    d = np.asarray(differences, np.float64)
    if not len(d):
        raise ValueError("a comparison needs at least one item")
    p, test = sign_flip(d, seed)
    mean, deviation = float(d.mean()), float(d.std(ddof=1)) if len(d) > 1 else 0.0
    low, high = percentiles(_mean_draws(d, attainable, seed), confidence)
    return Paired(
        difference=mean,
        low=min(low, mean),
        high=max(high, mean),
        interval="bayesian-bootstrap",
        p=p,
        test=test,
        effect=mean / deviation if deviation > 0 else None,
        effect_name="d-z",
        detectable=detectable_mean(len(d), deviation, confidence=confidence),
        n=len(d),
    )


def detectable_binary(
    n: int, differing: float, *, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """The smallest difference of two paired rates that McNemar's test finds with that power.

    The δ with n δ² = (z_α/2 √ψ + z_β √(ψ - δ²))², ψ being the share of items that differ (Connor 1987); where
    as few differ as were seen, δ cannot exceed ψ, so ψ is then δ itself. None where even δ = 1 is not found.
    """
    alpha, beta = NormalDist().inv_cdf(0.5 + confidence / 2), NormalDist().inv_cdf(power)

    def found(delta: float) -> bool:
        psi = max(differing, delta)
        return n * delta**2 >= (alpha * math.sqrt(psi) + beta * math.sqrt(max(psi - delta**2, 0.0))) ** 2

    if not found(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def detectable_mean(
    n: int, deviation: float, *, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """The smallest mean difference found with that power: (z_α/2 + z_β) sd / √n; None without a deviation."""
    if n < 2 or deviation <= 0:
        return None
    return (
        (NormalDist().inv_cdf(0.5 + confidence / 2) + NormalDist().inv_cdf(power)) * deviation / math.sqrt(n)
    )


def _all_sums(size: Array, counts: NDArray[np.int64]) -> tuple[Array, Array]:
    from scipy.special import gammaln

    sums, chances = np.zeros(1), np.ones(1)
    for one, count in zip(size, counts, strict=True):
        heads = np.arange(count + 1)
        sums = (sums[:, None] + one * (2 * heads - count)).ravel()
        logs = gammaln(count + 1) - gammaln(heads + 1) - gammaln(count - heads + 1) - count * math.log(2)
        chances = (chances[:, None] * np.exp(logs)).ravel()
    return sums, chances


def _mean_draws(differences: Array, attainable: Sequence[float], seed: str) -> Array:
    values, counts = np.unique(differences.round(9), return_counts=True)
    points = np.asarray(attainable, np.float64)
    apart = (points[:, None] - points).ravel()
    every = np.concatenate([values, apart])
    shapes = np.concatenate([counts.astype(np.float64), np.full(len(apart), 1 / len(apart))])
    random = generator(seed, "paired")
    drawn, left = [], 4_000
    while left:
        part = min(left, max(1, _CELLS // len(every)))
        weights = random.standard_gamma(shapes, size=(part, len(every)))
        drawn.append(weights @ every / weights.sum(axis=1))
        left -= part
    found: Array = np.concatenate(drawn)
    return found
