"""PPI++: a judge on all answers of a run, people on a simple random sample of them.

Source: Angelopoulos, Duchi and Zrnic 2023, "PPI++: Efficient prediction-powered inference" (arXiv:2311.01453):
θ(λ) = λ·mean(f over the unlabelled) + mean(y - λf over the labelled), with the λ of least variance kept in [0, 1];
normal limits from λ²·var(f)/N + var(y - λf)/n. The arithmetic is that of ppi-python's `ppi_mean_ci`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from liangxin.correction.corrected import Corrected, cannot_say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_DISAGREEMENTS = 30
"""With fewer, the normal limits promise too much: the disagreements are what carries the variance."""


def prediction_powered(
    people: Sequence[float],
    judged: Sequence[float],
    unlabelled: Sequence[float],
    *,
    simple_random: bool,
    confidence: float = 0.95,
) -> Corrected:
    """The mean worth over a run, in the unit of its arguments.

    Args:
        people: [n] what the labelled answers are worth by people.
        judged: [n] what the same answers are worth by the judge.
        unlabelled: [N] what the other answers are worth by the judge.
        simple_random: whether the labelled answers are a simple random sample of the run.

    Raises:
        ValueError: `people` and `judged` differ in length.
    """
    import numpy as np

    y, f, rest = np.array(people, float), np.array(judged, float), np.array(unlabelled, float)
    if y.shape != f.shape:
        raise ValueError("people's and the judge's values must be of the same answers")
    if not simple_random:
        return cannot_say("PPI++ needs a simple random sample; use the stratified estimator", len(y))
    apart = int((y != f).sum())
    if apart < LEAST_DISAGREEMENTS:
        reason = f"PPI++ needs {LEAST_DISAGREEMENTS} answers where people and judge differ; there are {apart}"
        return cannot_say(reason, len(y))
    if not len(rest):
        return cannot_say("PPI++ needs answers that only the judge has read", len(y))
    weight = power(y, f, rest)
    value = float(weight * rest.mean() + (y - weight * f).mean())
    variance = float((weight * rest).var() / len(rest) + (y - weight * f).var() / len(y))
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(variance)
    bottom, top = min(y.min(), f.min(), rest.min()), max(y.max(), f.max(), rest.max())
    return Corrected(
        value=value,
        low=min(max(float(bottom), value - half), value),
        high=max(min(float(top), value + half), value),
        method="ppi++",
        n_calibration=len(y),
    )


def power(y: NDArray[np.float64], f: NDArray[np.float64], rest: NDArray[np.float64]) -> float:
    """λ = cov(y, f) / ((1 + n/N) var(f)), kept in [0, 1]; var(f) over all answers."""
    import numpy as np

    together = float(((y - y.mean()) * (f - f.mean())).mean())
    spread = float(np.concatenate([f, rest]).var(ddof=1))
    if spread == 0:
        return 0.0
    return min(1.0, max(0.0, together / ((1 + len(y) / len(rest)) * spread)))
