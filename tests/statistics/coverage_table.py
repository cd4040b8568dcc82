"""Writes docs/statistics/coverage.md: how often Wilson's and the exact one-sided bounds hold, computed.

    .venv/bin/python tests/statistics/coverage_table.py

A binomial count takes n + 1 values: at a true rate p the coverage is the sum of their chances over the counts
whose interval holds p. Nothing is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from liangxin.inference.binomial import lower_bound, upper_bound
from liangxin.inference.sequential import lower_sequence
from liangxin.measures.intervals import wilson

Array = NDArray[np.float64]

RATES = np.arange(500, 1000) / 1000
"""0.500, 0.501, …, 0.999."""
FINE = np.arange(5000, 9991) / 10_000
"""0.5000, 0.5001, …, 0.9990: coverage falls in narrow gaps that a coarser grid steps over."""
SIZES = (46, 76, 100, 201, 249, 429, 1000, 2000)
"""Flames' five dimensions (46, 76, 201, 249, 429) among them."""
PAGE = Path(__file__).parents[2] / "docs" / "statistics" / "coverage.md"

HEAD = """\
# Coverage, computed

Made by `.venv/bin/python tests/statistics/coverage_table.py`; do not edit. `tests/statistics/test_coverage.py`
computes it again.

## Wilson's 95 % interval of one binary rate

At each n the chance that the interval holds the true rate, over the 500 true rates 0.500, 0.501, …, 0.999; and
its least over 4,991 rates, ten times as fine, since it falls in narrow gaps.

| n | mean | least | at the rate | least of the finer rates | at the rate |
|---|---|---|---|---|---|
"""
DECISIONS = """
## One-sided decisions at 95 %

The largest chance, over the same rates, that the exact lower bound lies above the true rate ("meets" where the
claim is false), or the upper bound below it ("fails" where it is true). At most 5 % is allowed.

| n | wrong "meets" | wrong "fails" | at a single look at n, the any-time bound |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Coverage over all rates at one n."""

    n: int
    mean: float
    least: float
    at: float
    """The rate of the least coverage."""


def chances(n: int, rates: Array) -> Array:
    """[rates, n + 1]"""
    return np.asarray(binom.pmf(np.arange(n + 1), n, rates[:, None]))


def wilson_coverage(n: int, rates: Array = RATES) -> Coverage:
    """Wilson's coverage at every rate."""
    low, high = np.array([wilson(successes, n) for successes in range(n + 1)]).T
    held = (chances(n, rates) * ((low <= rates[:, None]) & (rates[:, None] <= high))).sum(axis=1)
    return Coverage(n=n, mean=float(held.mean()), least=float(held.min()), at=float(rates[held.argmin()]))


def wrong(n: int, bound: Callable[[NDArray[np.int64], NDArray[np.int64]], Array], *, above: bool) -> float:
    """The largest chance, over the rates, of a one-sided bound on the wrong side."""
    limits = bound(np.arange(n + 1), np.full(n + 1, n))
    out = limits > RATES[:, None] if above else limits < RATES[:, None]
    return float((chances(n, RATES) * out).sum(axis=1).max())


def page() -> str:
    """The whole page."""
    rows = []
    for n in SIZES:
        coarse, fine = wilson_coverage(n), wilson_coverage(n, FINE)
        rows.append(
            f"| {n} | {100 * coarse.mean:.2f} % | {100 * coarse.least:.2f} % | {coarse.at:.3f} "
            f"| {100 * fine.least:.2f} % | {fine.at:.4f} |\n"
        )
    decisions = [
        f"| {n} | {100 * wrong(n, lower_bound, above=True):.2f} % | {100 * wrong(n, upper_bound, above=False):.2f} % "
        f"| {100 * wrong(n, lower_sequence, above=True):.2f} % |\n"
        for n in SIZES
    ]
    return HEAD + "".join(rows) + DECISIONS + "".join(decisions)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
