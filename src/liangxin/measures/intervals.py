"""Intervals: Wilson, MOVER, and the Bayesian bootstrap over distinct unit values.

Sources: Wilson 1927 (score interval); Zou and Donner 2008 (MOVER, the method of variance estimates
recovery); Rubin 1981 (Bayesian bootstrap). Coverage is tested, not assumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from liangxin.digests import text_digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 10_000

Value = tuple[float, float]
"""What one unit adds: (sum of its values, number of its values); a plain unit is (value, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A confidence interval."""

    low: float
    high: float
    method: str


def wilson(successes: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, as shares in [0, 1].

    Centre (p + z²/2n) / (1 + z²/n), half width z √(p(1-p)/n + z²/4n²) / (1 + z²/n).
    """
    if n <= 0:
        raise ValueError("an interval needs at least one unit")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / n
    shrink = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    # At 0 and n the formula is exact only up to rounding.
    return (
        0.0 if successes == 0 else max(0.0, centre - half),
        1.0 if successes == n else min(1.0, centre + half),
    )


def clopper_pearson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a proportion (1934), as shares in [0, 1].

    Args:
        successes: may lie between whole numbers, where it is the sum of several units' means.
    """
    from scipy.special import betaincinv

    if n <= 0:
        raise ValueError("an interval needs at least one unit")
    tail = (1 - confidence) / 2
    low = 0.0 if successes <= 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes >= n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return low, high


def mover(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Limits of the unweighted mean of independent estimates, from each one's (estimate, low, high).

    With weights w = 1/k: L = Σwθ - √Σw²(θ-l)², U = Σwθ + √Σw²(u-θ)².
    """
    weight = 1 / len(parts)
    mean = sum(estimate for estimate, _, _ in parts) * weight
    below = math.sqrt(sum((weight * (estimate - low)) ** 2 for estimate, low, _ in parts))
    above = math.sqrt(sum((weight * (high - estimate)) ** 2 for estimate, _, high in parts))
    return mean - below, mean + above


def generator(*names: str) -> np.random.Generator:
    """A generator whose seed derives from names alone, the same on every machine."""
    import numpy as np

    return np.random.default_rng(int(text_digest("\0".join(names), length=16), 16))


def posterior_means(
    counts: Mapping[Value, int], attainable: Sequence[Value], draws: np.random.Generator
) -> NDArray[np.float64]:
    """Draws of a group's mean under the Bayesian bootstrap with one pseudo-unit.

    Each distinct unit value k gets Dirichlet weight count + (1/L if it is one of the L attainable values);
    a draw is Σ w s / Σ w m. The pseudo-unit keeps the interval honest where all units agree.
    """
    import numpy as np

    alpha: dict[Value, float] = {}
    for (summed, size), count in (*counts.items(), *((value, 1 / len(attainable)) for value in attainable)):
        value = (round(summed, 9), size)  # what differs by a rounding error is one value
        alpha[value] = alpha.get(value, 0.0) + count
    values = sorted(alpha)
    weights = draws.standard_gamma([alpha[value] for value in values], size=(DRAWS, len(values)))
    sums = np.array([value[0] for value in values])
    sizes = np.array([value[1] for value in values])
    total: NDArray[np.float64] = (weights @ sums) / (weights @ sizes)
    return total


def percentiles(draws: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """The limits that leave out equal shares of the draws at both ends."""
    import numpy as np

    tail = 50 * (1 - confidence)
    low, high = np.percentile(draws, [tail, 100 - tail])
    return float(low), float(high)
