"""Bounds of means: valid where simulation or computation looks, and why MOVER was not taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import binom

from liangxin.inference.binomial import lower_bound
from liangxin.inference.claims import Claim
from liangxin.inference.means import GroupMean, decide_groups, decide_mean, group_bounds, mean_bounds

ORDINAL = np.array([0.0, 0.5, 1.0])


@lru_cache
def lows(n: tuple[int, int], bound: str) -> NDArray[np.float64]:
    """[n + 1, n + 1] lower bounds of the mean of two rates, by both counts of successes."""
    one, two = np.arange(n[0] + 1), np.arange(n[1] + 1)
    mean = (one[:, None] / n[0] + two / n[1]) / 2
    if bound == "mover":
        below = [
            count / size - lower_bound(count, np.full_like(count, size))
            for count, size in zip((one, two), n, strict=True)
        ]
        return np.asarray(mean - np.sqrt(below[0][:, None] ** 2 + below[1] ** 2) / 2)
    distinct, places = np.unique(mean.round(9), return_inverse=True)
    found = [
        group_bounds([GroupMean(mean=min(value, 1), n=size, weight=0.5) for size in n])[0]
        for value in distinct
    ]
    return np.array(found)[places].reshape(mean.shape)


def two_errors(n: tuple[int, int], rates: tuple[float, float], bound: str) -> float:
    """The exact chance that a lower bound of the mean of two rates lies above it."""
    chances = [binom.pmf(np.arange(size + 1), size, rate) for size, rate in zip(n, rates, strict=True)]
    return float(np.outer(*chances)[lows(n, bound) > sum(rates) / 2 + 1e-12].sum())


def test_mover_of_exact_limits_would_err_too_often() -> None:
    assert two_errors((20, 20), (0.04, 0.04), "mover") == pytest.approx(0.069, abs=0.001)


@pytest.mark.parametrize("n", [(4, 8), (20, 20)])
def test_the_bound_of_groups_never_exceeds_its_level(n: tuple[int, int]) -> None:
    """Computed for two groups over a grid of both rates (the bound depends on their mean alone)."""
    worst = max(
        two_errors(n, (one, two), "chernoff")
        for one in (0.04, 0.3, 0.72, 0.95, 1.0)
        for two in (0.02, 0.5, 0.9, 0.99)
    )
    assert worst <= 0.05


def test_the_worst_group_means_are_found() -> None:
    """Against a general optimiser: sup of Σ n ln(1 + μ c) with Σ w μ <= m, at the best λ."""
    n, w, value = np.array([30.0, 200.0, 80.0]), np.array([0.5, 0.2, 0.3]), 0.93
    groups = [
        GroupMean(mean=value, n=int(size), weight=float(weight)) for size, weight in zip(n, w, strict=True)
    ]
    m = group_bounds(groups)[0]

    def tail(scale: float) -> float:
        c = np.expm1(scale * w / n)
        constraint = {"type": "ineq", "fun": lambda mu: m - w @ mu}
        found = minimize(
            lambda mu: -float((n * np.log1p(mu * c)).sum()),
            np.full(3, m),
            bounds=[(0, 1)] * 3,
            constraints=[constraint],
        )
        return scale * value + float(found.fun)

    best = max(tail(scale) for scale in np.geomspace(5, 500, 60))
    assert best == pytest.approx(math.log(20), abs=0.02)


@pytest.mark.long
@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize(
    ("n", "shares"),
    [(46, (0.02, 0.05, 0.93)), (300, (0.1, 0.3, 0.6)), (20, (0.0, 0.6, 0.4)), (1000, (0.004, 0.002, 0.994))],
)
def test_the_bound_of_one_mean_errs_rarely(n: int, shares: Sequence[float], planned: bool) -> None:
    """120 samples: at most 5 % on either side, the simulation's own error included."""
    draw = np.random.default_rng(n)
    truth = float(ORDINAL @ shares)
    low, high = np.array(
        [mean_bounds(ORDINAL, draw.multinomial(n, shares), planned=planned) for _ in range(120)]
    ).T
    assert np.mean(low > truth) <= 0.05
    assert np.mean(high < truth) <= 0.05


def test_bounds_tighten_at_the_usual_rate_and_use_the_spread() -> None:
    """A mean of values that spread little is known better than a rate of the same size."""
    counts = np.array([0, 200, 800])
    wide = mean_bounds(np.array([0.0, 1.0]), np.array([100, 900]))
    narrow = mean_bounds(ORDINAL, counts)
    assert narrow[0] > wide[0]
    hundredfold = mean_bounds(ORDINAL, 100 * counts)
    assert (0.9 - hundredfold[0]) * 10 == pytest.approx(0.9 - narrow[0], rel=0.05)
    plan, always = (mean_bounds(ORDINAL, counts, planned=planned) for planned in (True, False))
    assert always[0] < plan[0] < 0.9 < plan[1] < always[1]


def test_decisions_and_what_further_items_would_decide() -> None:
    values = np.repeat(ORDINAL, [30, 100, 870])
    found = decide_mean(values, Claim(bound=0.9))
    assert (found.verdict, found.value, found.n) == ("undecided", 0.92, 1000)
    assert found.further is not None
    more = (1000 + found.further) / 1000
    counts = np.array([30, 100, 870]) * more
    assert mean_bounds(ORDINAL, counts)[0] == pytest.approx(0.9, abs=1e-4)  # type: ignore[arg-type]
    assert mean_bounds(ORDINAL, counts)[0] >= 0.9 - 1e-9  # type: ignore[arg-type]
    assert decide_mean(values, Claim(bound=0.8)).verdict == "meets"
    assert decide_mean(values, Claim(bound=0.97)).verdict == "fails"
    assert decide_mean(1 - values, Claim(bound=0.1, direction="at_most")).verdict == "undecided"
    assert decide_mean(values, Claim(bound=0.92)).further is None


def test_decisions_on_a_mean_of_dimensions() -> None:
    sizes = (249, 429, 201, 46, 76)
    groups = [GroupMean(mean=0.93, n=n, weight=0.2) for n in sizes]
    found = decide_groups(groups, Claim(bound=0.9))
    assert found.verdict == "undecided"
    assert found.further is not None
    grown = [GroupMean(mean=0.93, n=math.ceil(n * (1 + found.further / 1001)), weight=0.2) for n in sizes]
    assert decide_groups(grown, Claim(bound=0.9)).verdict == "meets"
    assert decide_groups(groups, Claim(bound=0.8)).verdict == "meets"
    assert decide_groups(groups, Claim(bound=0.99)).verdict == "fails"
    low, high = group_bounds(groups)
    flipped = [GroupMean(mean=1 - group.mean, n=group.n, weight=0.2) for group in groups]
    assert group_bounds(flipped) == pytest.approx((1 - high, 1 - low))


def test_all_groups_perfect_is_no_certainty() -> None:
    """One group of 46 passes: the bound is Clopper and Pearson's, 0.05^(1/46)."""
    assert group_bounds([GroupMean(mean=1, n=46, weight=1)])[0] == pytest.approx(0.05 ** (1 / 46), abs=1e-6)
    assert group_bounds([GroupMean(mean=0, n=46, weight=1)])[0] == 0


@pytest.mark.parametrize(
    "groups",
    [
        [GroupMean(mean=0.5, n=0, weight=1)],
        [GroupMean(mean=50, n=9, weight=1)],
        [GroupMean(mean=0.5, n=9, weight=0.5)],
    ],
)
def test_bad_groups(groups: list[GroupMean]) -> None:
    with pytest.raises(ValueError, match="groups need"):
        group_bounds(groups)


def test_bad_values() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_bounds(np.array([0.0, 3.0]), np.array([1, 1]))


def test_a_million_items() -> None:
    draw = np.random.default_rng(1)
    found = decide_mean(draw.choice(ORDINAL, 1_000_000, p=(0.05, 0.1, 0.85)), Claim(bound=0.899))
    assert found.n == 1_000_000
    assert found.verdict == "meets"
