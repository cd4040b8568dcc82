"""Limits of a weighted mean of independent estimates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from liangxin.correction.corrected import CorrectedPart


def weighted(parts: Sequence[CorrectedPart], weights: Sequence[float], spread: float = 0.0) -> CorrectedPart:
    """Σ wθ with MOVER limits: L = Σwθ - √(Σw²(θ-l)² + s²), U = Σwθ + √(Σw²(u-θ)² + s²).

    Adding up draws instead would add up what every part's prior pulls towards the middle.

    Args:
        weights: one a part.
        spread: a further, symmetric half width s, as from the weights themselves being estimated.

    Source: Zou and Donner 2008, "Construction of confidence limits about effect measures".
    """
    pairs = list(zip(parts, weights, strict=True))
    value = math.fsum(weight * part.value for part, weight in pairs)
    below = math.fsum((weight * (part.value - part.low)) ** 2 for part, weight in pairs)
    above = math.fsum((weight * (part.high - part.value)) ** 2 for part, weight in pairs)
    return CorrectedPart(
        value=value,
        low=value - math.sqrt(below + spread**2),
        high=value + math.sqrt(above + spread**2),
        n=sum(part.n for part in parts),
    )
