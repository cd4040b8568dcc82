"""Rogan and Gladen's correction of a rate for a judge of two levels, with all three sources of error.

Sources: Rogan and Gladen 1978, "Estimating prevalence from the results of a screening test", American Journal
of Epidemiology 107: p = (q + Sp - 1) / (Se + Sp - 1); joint draws with Jeffreys' prior, Beta(count + ½, …), as
in Lang and Reiczigel 2014 and Gelman and Carpenter 2020 for tests of unknown accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liangxin.correction.corrected import LEAST_STRENGTH, TOO_WEAK, Corrected, CorrectedPart, cannot_say
from liangxin.measures.intervals import DRAWS, generator, percentiles

if TYPE_CHECKING:
    import numpy as np

NO_BAD = "the calibration has no answer that people failed"
NO_GOOD = "the calibration has no answer that people passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationCounts:
    """A calibration set: what a judge said of answers that people labelled. Positive is *passes*."""

    tp: int
    """People pass, the judge passes; tp + fn are the answers that people pass."""
    fn: int
    fp: int
    """People fail, the judge passes."""
    tn: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fn, self.fp, self.tn) < 0:
            raise ValueError("counts cannot be negative")

    @property
    def n(self) -> int:
        """Labelled answers in all."""
        return self.tp + self.fn + self.fp + self.tn


def rogan_gladen(
    counts: CalibrationCounts, passed: int, n: int, *, seed: str, confidence: float = 0.95
) -> Corrected:
    """The rate that a run would have, had people judged it, as a share in [0, 1].

    The point is the plug-in estimate kept in [0, 1]: in simulation its mean bias was smaller than that of the
    draws' median, which the prior pulls to the middle. The limits are quantiles of the draws,
    widened to hold the point.

    Args:
        counts: from answers drawn independently of the run that is corrected.
        passed: how many of the run's answers the judge passed.
        n: how many of the run's answers it ruled on.
        seed: what the draws derive from.

    Raises:
        ValueError: `passed` is not within 0 and n.
    """
    found = part(counts, passed, n, generator(seed, "rogan-gladen"), confidence)
    if isinstance(found, str):
        return cannot_say(found, counts.n)
    value, low, high = (min(1.0, max(0.0, one)) for one in (found.value, found.low, found.high))
    return Corrected(value=value, low=low, high=high, method="rogan-gladen", n_calibration=counts.n)


def part(
    counts: CalibrationCounts, passed: int, n: int, draws: np.random.Generator, confidence: float = 0.95
) -> CorrectedPart | str:
    """The same as a part of a mean of several groups, or why it cannot be said.

    A part is not yet kept in [0, 1]: cutting every part off and adding up would pull the mean downwards.
    """
    if not 0 <= passed <= n:
        raise ValueError("passed answers must be between 0 and n")
    if n == 0:
        return "the judge ruled on nothing"
    good, bad = counts.tp + counts.fn, counts.tn + counts.fp
    if not good or not bad:
        return NO_GOOD if not good else NO_BAD
    sensitivity = draws.beta(counts.tp + 0.5, counts.fn + 0.5, DRAWS)
    specificity = draws.beta(counts.tn + 0.5, counts.fp + 0.5, DRAWS)
    raw = draws.beta(passed + 0.5, n - passed + 0.5, DRAWS)
    strength = sensitivity + specificity - 1
    if percentiles(strength, confidence)[0] <= LEAST_STRENGTH:
        return TOO_WEAK
    low, high = percentiles((raw + specificity - 1) / strength, confidence)
    plain = counts.tp / good + counts.tn / bad - 1
    if plain <= LEAST_STRENGTH:
        return TOO_WEAK
    value = point(counts.tp / good, counts.tn / bad, passed / n)
    return CorrectedPart(value=value, low=min(low, value), high=max(high, value), n=counts.n)


def point(sensitivity: float, specificity: float, raw: float) -> float:
    """(q + Sp - 1) / (Se + Sp - 1)."""
    return (raw + specificity - 1) / (sensitivity + specificity - 1)
