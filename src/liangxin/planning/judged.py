"""Plans for a judge whose error is known: one judge with a calibration set, or a judge and people in two stages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from liangxin.errors import UsageError
from liangxin.planning.allocation import allocate, neyman_weights
from liangxin.planning.sizes import MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeAccuracy:
    """A judge of two levels as it is supposed to be."""

    sensitivity: float
    """How many of the answers that people pass it passes."""
    specificity: float
    """How many of the answers that people fail it fails."""

    def __post_init__(self) -> None:
        if not (0 <= self.sensitivity <= 1 and 0 <= self.specificity <= 1 and self.strength > 0):
            raise UsageError(
                "a judge's sensitivity and specificity must be shares that add up to more than 1"
            )

    @property
    def strength(self) -> float:
        """Se + Sp - 1: the share of a true difference that its rates show."""
        return self.sensitivity + self.specificity - 1

    def raw(self, rate: float) -> float:
        """The rate it reports where the true one is `rate`."""
        return rate * self.sensitivity + (1 - rate) * (1 - self.specificity)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSize:
    """Labelled answers that a calibration set needs: of answers that people pass, and that they fail."""

    good: int
    bad: int


def corrected_half_width(
    rate: float, judge: JudgeAccuracy, n: int, calibration: CalibrationSize, confidence: float = 0.95
) -> float:
    """The expected half width of a Rogan-Gladen interval, as a share.

    √([q(1-q)/n + p² Se(1-Se)/m₁ + (1-p)² Sp(1-Sp)/m₀] / (Se+Sp-1)²) times z. Source: Rogan and Gladen 1978.
    """
    raw = judge.raw(rate)
    good, bad = _error(rate, judge)
    variance = raw * (1 - raw) / n + good / calibration.good + bad / calibration.bad
    return _z(confidence) * math.sqrt(variance) / judge.strength


def corrected_size(
    half_width: float,
    rate: float,
    judge: JudgeAccuracy,
    calibration: CalibrationSize,
    confidence: float = 0.95,
) -> int | None:
    """Items for a margin of the corrected rate; None where the calibration set alone is too small for it."""
    good, bad = _error(rate, judge)
    room = (
        (half_width * judge.strength / _z(confidence)) ** 2 - good / calibration.good - bad / calibration.bad
    )
    raw = judge.raw(rate)
    return None if room <= 0 or raw * (1 - raw) / room > MOST else max(1, math.ceil(raw * (1 - raw) / room))


def calibration_size(
    half_width: float, rate: float, judge: JudgeAccuracy, n: int, confidence: float = 0.95
) -> CalibrationSize | None:
    """The fewest labels for a margin of the corrected rate of n items; None where n items alone are too few.

    With a = p² Se(1-Se) and b = (1-p)² Sp(1-Sp), the least m₁ + m₀ with a/m₁ + b/m₀ = V has m₁ = √a(√a+√b)/V.
    """
    raw = judge.raw(rate)
    room = (half_width * judge.strength / _z(confidence)) ** 2 - raw * (1 - raw) / n
    if room <= 0:
        return None
    good, bad = (math.sqrt(one) for one in _error(rate, judge))
    return CalibrationSize(
        good=max(1, math.ceil(good * (good + bad) / room)), bad=max(1, math.ceil(bad * (good + bad) / room))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStratum:
    """A stratum of the second stage: answers of one dimension that the judge gave one level."""

    size: int
    weight: float
    """Its share of the value: size / N, or that within its dimension divided by the number of dimensions."""
    rate: float
    """The share of its answers that people are supposed to pass."""


def two_stage_half_width(
    strata: Sequence[PlannedStratum], labels: int, *, minimum: int = 2, confidence: float = 0.95
) -> float:
    """The expected half width of the stratified estimate with `labels` labels, shared out by Neyman's rule.

    z √(Σ W² p(1-p)/n_h + Σ W(p-P)²/N): labels within strata, and the strata's own sizes (Cochran 1977, §12.2).
    A stratum supposed to be pure still counts as if half an answer were wrong: suppositions are not certainties.

    Raises:
        UsageError: fewer labels than strata.
    """
    given = _shares(strata, labels, minimum)
    inner = sum(
        one.weight**2 * _spread(one, count) / count
        for one, count in zip(strata, given, strict=True)
        if one.size
    )
    mean = sum(one.weight * one.rate for one in strata)
    total = sum(one.size for one in strata)
    outer = sum(one.weight * (one.rate - mean) ** 2 for one in strata) / total
    return _z(confidence) * math.sqrt(inner + outer)


def labels_needed(
    half_width: float, strata: Sequence[PlannedStratum], *, minimum: int = 2, confidence: float = 0.95
) -> int | None:
    """The fewest labels for a margin; None where not even a label on every answer would do."""
    low, high = len(strata) - 1, sum(one.size for one in strata)
    if two_stage_half_width(strata, high, minimum=minimum, confidence=confidence) > half_width:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        fits = two_stage_half_width(strata, middle, minimum=minimum, confidence=confidence) <= half_width
        low, high = (low, middle) if fits else (middle, high)
    return high


def _shares(strata: Sequence[PlannedStratum], labels: int, minimum: int) -> tuple[int, ...]:
    filled = [one for one in strata if one.size]
    if labels < len(filled):
        raise UsageError(f"{labels} labels cannot cover {len(filled)} strata; give one for each at least")
    sizes = [one.size for one in strata]
    weights = neyman_weights([1] * len(strata), [one.rate for one in strata])
    scaled = [weight * one.weight for weight, one in zip(weights, strata, strict=True)]
    return allocate(sizes, labels, weights=scaled, minimum=max(1, minimum))


def _spread(one: PlannedStratum, labels: int) -> float:
    """p(1-p) with half an answer added on either side; 0 once every answer is read and known to be of one kind."""
    rate = (one.rate * labels + 0.5) / (labels + 1)
    return max(one.rate * (1 - one.rate), rate * (1 - rate))


def _error(rate: float, judge: JudgeAccuracy) -> tuple[float, float]:
    good = rate**2 * judge.sensitivity * (1 - judge.sensitivity)
    return good, (1 - rate) ** 2 * judge.specificity * (1 - judge.specificity)


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
