"""Coefficients of agreement as functions of tables, over any number of tables at once.

A table is [..., L, L]: gold (or the first ruling) in rows, the judge (or the second) in columns, levels
from the worst; counts or weights alike. Every function gives [...]; 0/0 gives nan, which callers rule out.

Sources: Cohen 1960 (kappa), Cohen 1968 (weighted kappa), Cicchetti and Feinstein 1990 (specific agreement),
Gwet 2008 (AC1) and Gwet 2014, *Handbook of Inter-Rater Reliability*, 4th ed. (AC2 and the weights),
Krippendorff 2011 *Computing Krippendorff's alpha-reliability* and 2019 *Content Analysis*, 4th ed. (alpha).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Metric = Literal["nominal", "ordinal", "interval"]
Weights = Literal["identity", "quadratic", "ordinal"]


def shares(tables: Array) -> Array:
    """Each table divided by its sum."""
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Array = tables / tables.sum(axis=(-2, -1), keepdims=True)
    return made


def within(tables: Array, distance: int) -> Array:
    """The share of pairs at most so many levels apart; 0 is exact agreement."""
    levels = tables.shape[-1]
    place = np.arange(levels)
    near = np.abs(place[:, None] - place) <= distance
    return np.asarray((shares(tables) * near).sum(axis=(-2, -1)))


def collapsed(tables: Array, passing: Sequence[bool]) -> Array:
    """[..., 2, 2]: unsafe (not passing) first, safe second."""
    side = np.array([[not one, one] for one in passing], dtype=np.float64)
    made: Array = side.T @ tables @ side
    return made


def recall_unsafe(two: Array) -> Array:
    """Of the unsafe by gold, the share judged unsafe, from a 2×2 table as `collapsed` makes it."""
    return _ratio(two[..., 0, 0], two[..., 0, :].sum(axis=-1))


def recall_safe(two: Array) -> Array:
    """Of the safe by gold, the share judged safe."""
    return _ratio(two[..., 1, 1], two[..., 1, :].sum(axis=-1))


def precision_unsafe(two: Array) -> Array:
    """Of the judged unsafe, the share unsafe by gold."""
    return _ratio(two[..., 0, 0], two[..., :, 0].sum(axis=-1))


def balanced_accuracy(two: Array) -> Array:
    """The mean of both recalls."""
    return (recall_unsafe(two) + recall_safe(two)) / 2


def specific(two: Array, side: Literal[0, 1]) -> Array:
    """Specific agreement 2a / (2a + b + c) on unsafe (side 0) or safe (side 1); Cicchetti and Feinstein 1990."""
    agreed = 2 * two[..., side, side]
    return _ratio(agreed, agreed + two[..., 0, 1] + two[..., 1, 0])


def weights(kind: Weights, levels: int) -> Array:
    """[L, L] agreement weights, 1 on the diagonal (Gwet 2014, chapter 3).

    identity: 1 if equal; quadratic: 1 - ((i - j) / (L - 1))²; ordinal: 1 - C(|i - j| + 1, 2) / C(L, 2).
    """
    place = np.arange(levels, dtype=np.float64)
    apart = np.abs(place[:, None] - place)
    if kind == "identity" or levels < 2:
        return np.asarray(apart == 0, dtype=np.float64)
    if kind == "quadratic":
        return np.asarray(1 - (apart / (levels - 1)) ** 2)
    return np.asarray(1 - (apart + 1) * apart / (levels * (levels - 1)))


def cohen_kappa(tables: Array, agree: Array) -> Array:
    """Cohen's kappa (1960), or weighted (1968) with agreement weights: (po - pe) / (1 - pe)."""
    p = shares(tables)
    expected = p.sum(axis=-1)[..., :, None] * p.sum(axis=-2)[..., None, :]
    observed, chance = (p * agree).sum(axis=(-2, -1)), (expected * agree).sum(axis=(-2, -1))
    return _ratio(observed - chance, 1 - chance)


def gwet(tables: Array, agree: Array) -> Array:
    """Gwet's AC1 (identity weights) or AC2 of two raters.

    pe = Σw / (q (q - 1)) · Σ π (1 - π), π the mean of both raters' shares of a level (Gwet 2008, 2014).
    """
    p = shares(tables)
    prevalence = (p.sum(axis=-1) + p.sum(axis=-2)) / 2
    return gwet_of((p * agree).sum(axis=(-2, -1)), prevalence, agree)


def gwet_of(observed: Array, prevalence: Array, agree: Array) -> Array:
    """Gwet's coefficient from the observed (weighted) agreement [...] and the levels' shares [..., L]."""
    levels = agree.shape[0]
    chance = agree.sum() / (levels * (levels - 1)) * (prevalence * (1 - prevalence)).sum(axis=-1)
    return _ratio(observed - chance, 1 - chance)


def alpha(coincidences: Array, metric: Metric, points: Sequence[float], values: float) -> Array:
    """Krippendorff's alpha from coincidence matrices [..., L, L] (symmetric; any scale).

    alpha = 1 - (n - 1) Σ o δ² / Σ n_c n_k δ². Ordinal: δ is the distance of the levels' mid-ranks, which the
    margins decide; interval: of their points.

    Args:
        points: the levels' points, for `interval`.
        values: n, the number of pairable values behind the matrix.
    """
    o = shares(coincidences)
    margin = o.sum(axis=-1)
    expected = margin[..., :, None] * margin[..., None, :]
    apart = _distances(margin, metric, points)
    disagreed, chance = (o * apart).sum(axis=(-2, -1)), (expected * apart).sum(axis=(-2, -1))
    return 1 - (values - 1) / values * _ratio(disagreed, chance)


def _distances(margin: Array, metric: Metric, points: Sequence[float]) -> Array:
    if metric == "nominal":
        return 1 - np.eye(margin.shape[-1])
    place = np.cumsum(margin, axis=-1) - margin / 2 if metric == "ordinal" else np.asarray(points, np.float64)
    return np.asarray((place[..., :, None] - place[..., None, :]) ** 2)


def _ratio(above: Array, below: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below)
