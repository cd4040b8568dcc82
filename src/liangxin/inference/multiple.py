"""Many tests at once: Holm's adjustment, and what all pairwise tests say of ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def holm(p: Sequence[float] | Array) -> Array:
    """Adjusted p-values in the given order (Holm 1979): the k-th smallest of m times m - k + 1, never falling."""
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def rank_sets(values: Sequence[float] | Array, p: Array, confidence: float = 0.95) -> list[tuple[int, int]]:
    """For each model the ranks that the pairwise tests leave open, 1 the best.

    Lowest rank number: 1 + the models significantly better; highest: m less those significantly worse, by
    Holm-adjusted two-sided tests over all pairs. All sets hold their true rank at once with at least the
    stated confidence (Mohamad, Goeman and van Zwet 2019; the same rule from joint intervals: Klein, Wright
    and Wieczorek 2020).

    Args:
        values: [m] each model's value, higher is better.
        p: [m, m] raw two-sided p-values of the pairs; the upper triangle is read. A pair that was not tested
            (no common items) has nan and is never significant.
    """
    worth = np.asarray(values, np.float64)
    many = len(worth)
    upper = np.triu_indices(many, 1)
    raw = np.asarray(p, np.float64)[upper]
    adjusted = np.ones((many, many))
    adjusted[upper] = holm(np.where(np.isnan(raw), 1.0, raw))
    significant = np.minimum(adjusted, adjusted.T) <= 1 - confidence + 1e-12
    better = significant & (worth[:, None] > worth)
    return [(1 + int(better[:, model].sum()), many - int(better[model].sum())) for model in range(many)]
