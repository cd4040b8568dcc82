"""Whether a judge's error follows what should not matter: an answer's length, its place in the dialogue.

Statistics, all stratified by the gold level, so that a true link of length and quality is no bias:

- `correlation`: the pooled within-stratum correlation of the error (judged less gold, in levels) with the
  covariate's rank, with the hull of the Bayesian bootstrap's interval over rows and of Fisher's (1921);
- `p`: Mantel's (1963) test of linear association over strata on those ranks: (Σ T - E)² / Σ V against
  chi-square with 1 degree of freedom, T, E and V being the sum of rank times error and its mean and variance
  under permutation within strata (Landis, Heyman and Koch 1978, the correlation statistic);
- `difference`: the pass rate of the upper half of the covariate less that of the lower half, within each gold
  level, weighted by the gold levels' sizes.

Ranks within a stratum are taken at `BINS` steps, each with its mean rank: rows of one stratum, step and
verdict are one kind, so that a million rows are resampled at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from liangxin.agreement.estimate import LEAST_ROWS, CannotSay, Estimate
from liangxin.agreement.resample import Array, Bootstrap, Codes, Kinds, estimate, resampled
from liangxin.records import Scale

BINS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeBias:
    """A judge's error against one covariate."""

    correlation: Estimate
    """In [-1, 1]; above 0: the larger the covariate, the better the judge's verdict beside the gold level."""
    difference: Estimate
    """A difference of shares in [-1, 1]."""
    p: float | None
    """Of no association within gold levels; None where nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Strata:
    """Distinct (stratum, step, verdict) with their numbers of rows."""

    stratum: Codes
    rank: Array
    error: Array
    passed: Array
    upper: NDArray[np.int64]
    """1 in the upper half of the covariate, 0 in the lower, -1 where the stratum has no two halves."""
    counts: Codes
    strata: int


def bias(
    gold: Codes,
    judged: Codes,
    covariate: NDArray[np.float64],
    scale: Scale,
    *,
    seed: str = "",
    confidence: float = 0.95,
) -> JudgeBias:
    """A judge's error against a covariate (an answer's length, its turn), given the gold level.

    Rows are taken as independent: hand over one turn and trial an item.

    Args:
        gold, judged: [rows] places on the scale, worst level 0.
        covariate: [rows] any numbers; only their order counts.
    """
    n = len(gold)
    how = Bootstrap(seed=seed, confidence=confidence)
    if n < LEAST_ROWS:
        return _nothing(n, CannotSay.TOO_FEW)
    strata = _strata(np.asarray(gold), np.asarray(judged), np.asarray(covariate, np.float64), scale)
    columns = _columns(strata)
    total = strata.counts @ columns
    size = 6
    value = _correlation(total[: size * strata.strata].reshape(-1, size))
    halves = _difference(total[size * strata.strata :].reshape(-1, 4))
    if not np.isfinite(value):
        return _nothing(n, CannotSay.NO_VARIATION)
    drawn = resampled(Kinds(adds=columns, counts=strata.counts), how.generator("bias"), how.draws)
    correlations = _correlation(drawn[:, : size * strata.strata].reshape(how.draws, -1, size))
    halved = drawn[:, size * strata.strata :].reshape(how.draws, -1, 4)
    differences = _difference(
        halved + _half_rows(how, halved.shape[1]) * (halved.sum(axis=(0, 2)) > 0)[:, None]
    )
    correlation = estimate("correlation", [float(value)], [correlations], n, confidence)
    return JudgeBias(
        correlation=_at_least(correlation, n - strata.strata - 2, confidence),
        difference=(
            estimate("difference", [float(halves)], [differences], n, confidence)
            if np.isfinite(halves)
            else Estimate.without("difference", n, CannotSay.NO_VARIATION)
        ),
        p=_mantel(strata),
    )


def _at_least(found: Estimate, freedom: int, confidence: float) -> Estimate:
    """Widened to Fisher's interval, since with few errors the bootstrap alone is too narrow (covered 90 %)."""
    value, low, high = found.value or 0.0, found.low or 0.0, found.high or 0.0
    centre = math.atanh(max(-1 + 1e-12, min(value, 1 - 1e-12)))
    half = NormalDist().inv_cdf(0.5 + confidence / 2) / math.sqrt(max(freedom - 1, 1))
    return replace(
        found,
        low=min(low, math.tanh(centre - half)),
        high=max(high, math.tanh(centre + half)),
        method=f"{found.method}+fisher-z",
    )


def _nothing(n: int, why: CannotSay) -> JudgeBias:
    return JudgeBias(
        correlation=Estimate.without("correlation", n, why),
        difference=Estimate.without("difference", n, why),
        p=None,
    )


def _strata(gold: Codes, judged: Codes, covariate: Array, scale: Scale) -> _Strata:
    passing = np.array([level.name in scale.passing for level in scale.levels])
    rows = []
    levels = np.unique(gold)
    for place, level in enumerate(levels.tolist()):
        at = np.flatnonzero(gold == level)
        _, inverse, counts = np.unique(covariate[at], return_inverse=True, return_counts=True)
        rank = np.cumsum(counts) - (counts - 1) / 2
        fraction = ((rank - 0.5) / len(at))[inverse]
        step = inverse if len(counts) <= BINS else np.minimum((fraction * BINS).astype(np.int64), BINS - 1)
        mean = np.bincount(step, fraction) / np.maximum(np.bincount(step), 1)
        code, many = np.unique(step * len(passing) + judged[at], return_counts=True)
        steps, verdicts = code // len(passing), code % len(passing)
        two = fraction.min() < 0.5 < fraction.max()
        half = (
            np.where(mean[steps] > 0.5, 1, np.where(mean[steps] < 0.5, 0, -1))
            if two
            else np.full(len(steps), -1)
        )
        rows.append((np.full(len(code), place), mean[steps], verdicts - level, passing[verdicts], half, many))
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return _Strata(
        stratum=columns[0],
        rank=columns[1],
        error=columns[2].astype(np.float64),
        passed=columns[3].astype(np.float64),
        upper=columns[4],
        counts=columns[5].astype(np.int64),
        strata=len(levels),
    )


def _columns(strata: _Strata) -> Array:
    """[kinds, strata x 6 + strata x 4]: moments of error and rank, then sizes and passes of both halves."""
    e, x = strata.error, strata.rank
    moments = np.stack([np.ones_like(e), e, x, e * e, x * x, e * x], axis=1)
    upper, lower = (strata.upper == 1) * 1.0, (strata.upper == 0) * 1.0
    halves = np.stack([lower, lower * strata.passed, upper, upper * strata.passed], axis=1)
    own = np.arange(strata.strata) == strata.stratum[:, None]
    parts = [(own[:, :, None] * part[:, None, :]).reshape(len(e), -1) for part in (moments, halves)]
    return np.concatenate(parts, axis=1)


def _half_rows(how: Bootstrap, strata: int) -> Array:
    """[draws, strata, 4]: half a pseudo-row that passes and half of one that does not, in each half."""
    drawn = how.generator("bias", "pseudo").standard_gamma(0.5, size=(how.draws, strata, 2, 2))
    sizes, passes = drawn.sum(axis=-1), drawn[..., 1]
    return np.asarray(np.stack([sizes[..., 0], passes[..., 0], sizes[..., 1], passes[..., 1]], axis=-1))


def _correlation(sums: Array) -> Array:
    """From [..., strata, 6] sums of 1, e, x, e², x², ex: pooled covariance over pooled deviations."""
    n, e, x, ee, xx, ex = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        across = (ex - e * x / n).sum(axis=-1)
        spread = np.sqrt((ee - e * e / n).sum(axis=-1) * (xx - x * x / n).sum(axis=-1))
        return np.asarray(np.where(spread > 1e-9, across / np.where(spread > 1e-9, spread, 1.0), np.nan))


def _difference(sums: Array) -> Array:
    """From [..., strata, 4]: Σ n_s (upper rate - lower rate) / Σ n_s over strata with both halves."""
    low, low_passed, high, high_passed = np.moveaxis(sums, -1, 0)
    both = (low > 0) & (high > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(both, high_passed / high - low_passed / low, 0.0)
        weight = np.where(both, low + high, 0.0)
        return np.asarray((apart * weight).sum(axis=-1) / weight.sum(axis=-1))


def _mantel(strata: _Strata) -> float:
    from scipy.special import chdtrc

    own = np.arange(strata.strata) == strata.stratum[:, None]
    e, x, w = strata.error, strata.rank, strata.counts
    sums = np.stack([w, w * e, w * x, w * e * e, w * x * x, w * e * x], axis=1)
    n, se, sx, see, sxx, sex = (own.T @ sums).T
    expected = se * sx / n
    several = n > 1
    variance = (see - se * se / n) * (sxx - sx * sx / n) / np.where(several, n - 1, 1)
    score = (sex - expected)[several].sum()
    return float(chdtrc(1, score * score / variance[several].sum()))
