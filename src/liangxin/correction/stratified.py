"""The stratified estimator: a judge on every answer of a run, people on some, drawn within strata.

A stratum is a judge level within a dimension. People's levels among the labelled answers of a stratum estimate its
mean without bias, whatever the judge's error and however it differs by dimension or model; the judge only makes
the strata homogeneous. The value is Σ W_h ȳ_h, W_h the stratum's share (within its dimension, and of the dimensions
as the benchmark combines them).

Sources: Cochran 1977, Sampling Techniques, ch. 5 (stratified) and 12 (double sampling: the strata's sizes are a
sample too). A stratum's limits are Jeffreys' (Beta(x + ½, n - x + ½)), for several levels those of Dirichlet(½)
draws; strata are combined by MOVER (Zou and Donner 2008).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

from liangxin.correction.combining import weighted
from liangxin.correction.corrected import Corrected, CorrectedPart, cannot_say
from liangxin.measures.intervals import DRAWS, generator, percentiles

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One stratum of a run: how many answers it has, and what people said of those they read."""

    dimension: str
    level: str
    """The judge's."""
    size: int
    """Answers of the run in it, labelled ones included."""
    counts: tuple[int, ...]
    """How many of the labelled ones people gave each level."""
    worth: tuple[float, ...]
    """What each level is worth, in the score's unit, in the order of `counts`."""

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.worth):
            raise ValueError("a stratum needs a worth for each level")
        if min(self.counts, default=0) < 0 or sum(self.counts) > self.size:
            raise ValueError("a stratum cannot have more labels than answers")

    @property
    def labelled(self) -> int:
        """Answers that people read."""
        return sum(self.counts)


def stratified(
    strata: Sequence[Stratum],
    *,
    combine: Literal["macro", "micro"],
    seed: str,
    confidence: float = 0.95,
) -> Corrected:
    """The mean worth over a run, from the labels in its strata.

    The run's items count as a sample of such items (as in the raw score's interval), so the strata's shares add
    their own variance.

    Args:
        strata: drawn at random within each; a dimension's levels that no answer has may be left out.
        combine: the mean over answers alike, or the unweighted mean over dimensions.
        seed: what the draws of scales with several levels derive from.
    """
    present = [one for one in strata if one.size]
    labelled = sum(one.labelled for one in present)
    if not present:
        return cannot_say("the judge ruled on nothing")
    bare = next((one for one in present if not one.labelled), None)
    if bare is not None:
        reason = f"no label among the {bare.size} answers of {bare.dimension or 'all'} judged {bare.level}"
        return cannot_say(reason, labelled)
    draws = generator(seed, "stratified")
    parts = [_part(one, draws, confidence) for one in present]
    weights, variance = _weights(present, parts, combine)
    spread = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(variance)
    found = weighted(parts, weights, spread)
    bottom, top = min(min(one.worth) for one in present), max(max(one.worth) for one in present)
    return Corrected(
        value=found.value,
        low=min(max(bottom, found.low), found.value),
        high=max(min(top, found.high), found.value),
        method="stratified",
        n_calibration=labelled,
    )


def _part(one: Stratum, draws: np.random.Generator, confidence: float) -> CorrectedPart:
    value = math.fsum(c * w for c, w in zip(one.counts, one.worth, strict=True)) / one.labelled
    kinds = sorted(set(one.worth))
    if len(kinds) == 1:
        low = high = value
    elif len(kinds) == 2:
        top = sum(c for c, w in zip(one.counts, one.worth, strict=True) if w == kinds[1])
        low, high = (kinds[0] + (kinds[1] - kinds[0]) * p for p in jeffreys(top, one.labelled, confidence))
    else:
        import numpy as np

        gammas = draws.standard_gamma(np.array(one.counts) + 0.5, (DRAWS, len(one.counts)))
        means = gammas @ np.array(one.worth) / gammas.sum(axis=1)
        low, high = percentiles(means, confidence)
    return CorrectedPart(value=value, low=min(low, value), high=max(high, value), n=one.labelled)


def jeffreys(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Limits of a share: the equal tails of Beta(x + ½, n - x + ½).

    Source: Brown, Cai and DasGupta 2001, "Interval estimation for a binomial proportion".
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    a, b = successes + 0.5, n - successes + 0.5
    return float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def _weights(
    strata: Sequence[Stratum], parts: Sequence[CorrectedPart], combine: Literal["macro", "micro"]
) -> tuple[list[float], float]:
    """Each stratum's weight, and the variance of the value that comes from the strata's sizes.

    For a dimension of N answers with stratum means m and shares p: (Σ p m² - (Σ p m)²) / N.
    """
    weights = [0.0] * len(strata)
    variance = 0.0
    groups = list(_groups(strata, combine))
    for members in groups:
        size = sum(strata[k].size for k in members)
        shares = [strata[k].size / size for k in members]
        means = [parts[k].value for k in members]
        first = math.fsum(p * m for p, m in zip(shares, means, strict=True))
        second = math.fsum(p * m * m for p, m in zip(shares, means, strict=True))
        variance += max(0.0, second - first**2) / size / len(groups) ** 2
        for k, share in zip(members, shares, strict=True):
            weights[k] = share / len(groups)
    return weights, variance


def _groups(strata: Sequence[Stratum], combine: Literal["macro", "micro"]) -> Iterator[list[int]]:
    if combine == "micro":
        yield list(range(len(strata)))
        return
    for dimension in dict.fromkeys(one.dimension for one in strata):
        yield [k for k, one in enumerate(strata) if one.dimension == dimension]
