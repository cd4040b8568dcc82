"""Bayesian bootstrap over units by their kinds: a million units cost as much as a thousand.

A unit (an item with all its turns and trials) adds a table of pairs; units with equal tables are one kind.
The sum of k independent standard exponential weights is Gamma(k), so one Gamma draw a kind resamples all of
its units at once (Rubin 1981). Pseudo-units keep the interval honest where all units agree, as in
`docs/decisions/0005` and `liangxin.measures.intervals`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liangxin.agreement.estimate import Estimate
from liangxin.measures.intervals import generator, mover, percentiles

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

DRAWS = 4_000
_CELLS = 4_000_000
"""Weights drawn at once."""
METHOD = "bayesian-bootstrap"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kinds:
    """Units by what they add: `adds` [kinds, features], and how many units are of each kind."""

    adds: Array
    counts: Codes

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.counts.sum())

    @property
    def total(self) -> Array:
        """[features] summed over all units."""
        summed: Array = self.counts @ self.adds
        return summed


def kinds_of(rows: Codes) -> Kinds:
    """Kinds of units from whole numbers [units, features], none negative."""
    radix = int(rows.max(initial=0)) + 1
    if radix ** rows.shape[1] < 1 << 62:
        code = rows @ (radix ** np.arange(rows.shape[1], dtype=np.int64))
        _, first, counts = np.unique(code, return_index=True, return_counts=True)
        return Kinds(adds=rows[first].astype(np.float64), counts=counts.astype(np.int64))
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    return Kinds(adds=distinct.astype(np.float64), counts=counts.astype(np.int64))


def resampled(kinds: Kinds, draws: np.random.Generator, times: int = DRAWS) -> Array:
    """[times, features]: sums under random unit weights (each of mean 1)."""
    parts = [
        draws.standard_gamma(kinds.counts.astype(np.float64), size=(size, len(kinds.counts))) @ kinds.adds
        for size in _chunks(times, len(kinds.counts))
    ]
    made: Array = np.concatenate(parts)
    return made


def pseudo(shapes: Array, scale: float, draws: np.random.Generator, times: int = DRAWS) -> Array:
    """[times, *shapes.shape]: Gamma weights of pseudo-units, each `scale` rows large."""
    made: Array = scale * draws.standard_gamma(shapes, size=(times, *shapes.shape))
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """How intervals are drawn."""

    seed: str = ""
    """What every generator's seed derives from."""
    confidence: float = 0.95
    draws: int = DRAWS

    def generator(self, *names: str) -> np.random.Generator:
        """A generator for one purpose, the same on every machine."""
        return generator(self.seed, "agreement", *names)


def estimate(
    name: str, values: Sequence[float], drawn: Sequence[Array], n: int, confidence: float = 0.95
) -> Estimate:
    """A coefficient with the percentile interval of its draws, always widened to hold the value.

    Args:
        values, drawn: the coefficient and its draws; or several rates' and theirs, for their unweighted
            mean, whose limits are combined by MOVER.
    """
    parts = []
    for value, draws in zip(values, drawn, strict=True):
        low, high = percentiles(draws, confidence)
        parts.append((value, min(low, value), min(max(high, value), 1.0)))
    low, high = parts[0][1:] if len(parts) == 1 else mover(parts)
    return Estimate(
        name=name,
        value=sum(values) / len(values),
        low=low,
        high=high,
        n=n,
        method=METHOD if len(parts) == 1 else f"mover-{METHOD}",
    )


def _chunks(times: int, width: int) -> Iterator[int]:
    step = max(1, _CELLS // max(width, 1))
    while times > 0:
        yield min(step, times)
        times -= step
