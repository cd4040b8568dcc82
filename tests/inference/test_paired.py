"""Paired comparisons: oracles, brute force, and size, power and coverage computed."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, multinomial, permutation_test
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from liangxin.inference.paired import (
    compare_binary,
    compare_values,
    detectable_binary,
    detectable_mean,
    mcnemar,
    newcombe,
    odds_ratio,
    sign_flip,
)


@given(b=st.integers(0, 200), c=st.integers(0, 200))
def test_mcnemar_is_statsmodels(b: int, c: int) -> None:
    if b + c:
        expected = statsmodels_mcnemar([[5, b], [c, 5]], exact=True).pvalue
        assert mcnemar(b, c) == pytest.approx(min(1.0, expected))
    assert mcnemar(b, c) == mcnemar(c, b)
    assert mcnemar(b, c, mid=True) <= mcnemar(b, c)


def test_mid_p_by_hand() -> None:
    """1 against 9: twice (10 + 1) / 1024, and twice (10 / 2 + 1) / 1024."""
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(1, 9, mid=True) == pytest.approx(12 / 1024)
    assert mcnemar(0, 0) == mcnemar(4, 4) == mcnemar(4, 4, mid=True) == 1


@pytest.mark.parametrize(("mid", "most"), [(False, 0.05), (True, 0.06)])
def test_the_size_of_mcnemar(mid: bool, most: float) -> None:
    """Computed for 46 and 249 items and every share of differing items: exact never above 5 %, mid-p at most 5.8 %."""
    reject = {
        n: sum(binom.pmf(b, n, 0.5) for b in range(n + 1) if mcnemar(b, n - b, mid=mid) <= 0.05)
        for n in range(250)
    }
    for items, psi in product((46, 249), (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)):
        size = sum(binom.pmf(n, items, psi) * reject[n] for n in range(items + 1))
        assert size <= most


@pytest.mark.parametrize(("n", "delta", "psi"), [(200, 0.1, 0.2), (1000, 0.03, 0.08), (400, 0.05, 0.05)])
def test_the_detectable_difference_has_the_power_it_says(n: int, delta: float, psi: float) -> None:
    """The exact power of the mid-p test at the difference named: 80 % within 4 points."""
    found = detectable_binary(n, psi)
    assert found is not None
    psi = max(psi, found)
    first = (psi + found) / 2 / psi
    power = 0.0
    for differing in range(n + 1):
        chance = binom.pmf(differing, n, psi)
        if chance > 1e-9:
            power += chance * sum(
                binom.pmf(b, differing, first)
                for b in range(differing + 1)
                if mcnemar(b, differing - b, mid=True) <= 0.05
            )
    assert power == pytest.approx(0.8, abs=0.04)
    assert found == pytest.approx(delta, rel=0.6)


def test_detectable_differences_at_the_edges() -> None:
    assert detectable_binary(2, 0.5) is None
    assert detectable_binary(1_000_000, 0.1) == pytest.approx(2.8 * math.sqrt(0.1 / 1e6), rel=0.01)
    assert detectable_mean(100, 2.0) == pytest.approx(2.8016 * 0.2, rel=1e-4)
    assert detectable_mean(100, 0.0) is None


@given(b=st.integers(0, 60), c=st.integers(0, 60))
def test_the_odds_ratio_has_clopper_pearsons_limits(b: int, c: int) -> None:
    found = odds_ratio(b, c)
    assert found.value == (b / c if c else None)
    if b + c:
        low, high = proportion_confint(b, b + c, method="beta")
        assert found.low == pytest.approx(low / (1 - low) if b else 0.0, abs=1e-9)
        if c:
            assert found.high == pytest.approx(high / (1 - high))
        else:
            assert found.high is None


def test_newcombes_interval_by_hand() -> None:
    """36, 12, 2, 0: p = .96 and .76, φ = -0.115; limits from Wilson's .8654-.9890 and .6259-.8570."""
    low, high = newcombe(36, 12, 2, 0)
    l1, u1 = proportion_confint(48, 50, method="wilson")
    l2, u2 = proportion_confint(38, 50, method="wilson")
    phi = -24 / math.sqrt(48 * 2 * 38 * 12)
    d1, d2, e1, e2 = 0.96 - l1, u2 - 0.76, u1 - 0.96, 0.76 - l2
    assert low == pytest.approx(0.2 - math.sqrt(d1**2 - 2 * phi * d1 * d2 + d2**2))
    assert high == pytest.approx(0.2 + math.sqrt(e1**2 - 2 * phi * e1 * e2 + e2**2))
    assert newcombe(12, 0, 0, 20) == pytest.approx((-newcombe(12, 0, 0, 20)[1], newcombe(12, 0, 0, 20)[1]))
    assert newcombe(0, 0, 0, 9)[1] > 0.2


@pytest.mark.parametrize("n", [20, 46])
def test_the_coverage_of_newcombes_interval(n: int) -> None:
    """Computed over all tables of n items: at least 88 % in each cell, at least 93 % on average."""
    tables = np.array(
        [
            (a, b, c, n - a - b - c)
            for a in range(n + 1)
            for b in range(n + 1 - a)
            for c in range(n + 1 - a - b)
        ]
    )
    limits = np.array([newcombe(*(int(one) for one in table)) for table in tables])
    found = []
    for shares in [
        (0.6, 0.1, 0.1, 0.2),
        (0.8, 0.1, 0.05, 0.05),
        (0.9, 0.02, 0.06, 0.02),
        (0.3, 0.3, 0.2, 0.2),
        (0.95, 0.04, 0.005, 0.005),
    ]:
        truth = shares[1] - shares[2]
        inside = (limits[:, 0] <= truth + 1e-12) & (truth <= limits[:, 1] + 1e-12)
        found.append(float(multinomial.pmf(tables, n, shares)[inside].sum()))
    assert min(found) >= 0.88
    assert np.mean(found) >= 0.93


@settings(max_examples=50)
@given(d=st.lists(st.integers(-2, 2), min_size=1, max_size=11))
def test_sign_flips_counted_one_by_one(d: list[int]) -> None:
    sums = [
        abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in product((-1, 1), repeat=len(d))
    ]
    p, how = sign_flip(np.array(d, float))
    assert how == "sign-flip exact"
    assert p == pytest.approx(np.mean([one >= abs(sum(d)) - 1e-9 for one in sums]))


def test_sign_flips_are_scipys_paired_permutations() -> None:
    draw = np.random.default_rng(1)
    one, two = draw.normal(size=12), draw.normal(0.5, 1, size=12)
    expected = permutation_test(
        (one, two),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=10_000,
    ).pvalue
    assert sign_flip(one - two)[0] == pytest.approx(expected, abs=1e-12)


def test_binary_sign_flips_are_mcnemar_exact_at_any_size() -> None:
    d = np.repeat([1.0, -1.0, 0.0], [600, 520, 10_000])
    p, how = sign_flip(d)
    assert how == "sign-flip exact"
    assert p == pytest.approx(mcnemar(600, 520))


def test_many_distinct_values_are_drawn_and_never_zero() -> None:
    draw = np.random.default_rng(2)
    d = draw.normal(0.0, 1, 300)
    p, how = sign_flip(d, "a")
    assert how == "sign-flip of 20000 draws"
    z = abs(d.sum()) / math.sqrt((d**2).sum())
    assert p == pytest.approx(math.erfc(z / math.sqrt(2)), abs=0.015)
    assert sign_flip(d, "a")[0] == p
    assert sign_flip(np.abs(d))[0] == 1 / 20_001


def test_comparing_binary_values() -> None:
    found = compare_binary(700, 60, 30, 210)
    assert found.difference == pytest.approx(0.03)
    assert found.low < 0.03 < found.high
    assert found.low > 0
    assert found.p == pytest.approx(mcnemar(60, 30))
    assert found.effect == pytest.approx(60 / 90 - 0.5)
    assert found.detectable == pytest.approx(0.0265, abs=0.001)
    same = compare_binary(5, 0, 0, 5)
    assert (same.p, same.effect) == (1.0, None)
    assert same.low < 0 < same.high


def test_comparing_ordinal_values() -> None:
    draw = np.random.default_rng(3)
    one, two = (
        draw.choice([0, 50, 100], 400, p=(0.1, 0.2, 0.7)),
        draw.choice([0, 50, 100], 400, p=(0.2, 0.3, 0.5)),
    )
    d = (one - two).astype(float)
    found = compare_values(d, (0, 50, 100), seed="s")
    assert found.difference == pytest.approx(d.mean())
    half = 1.96 * d.std(ddof=1) / 20
    assert (found.low, found.high) == pytest.approx((d.mean() - half, d.mean() + half), abs=0.6)
    assert found.effect == pytest.approx(d.mean() / d.std(ddof=1))
    assert found.p < 0.001
    still = compare_values(np.zeros(46), (0, 50, 100))
    assert (still.p, still.effect, still.detectable) == (1.0, None, None)
    assert still.low < 0 < still.high


@pytest.mark.long
def test_the_interval_of_paired_ordinal_values_covers() -> None:
    shares = np.array([[0.05, 0.02, 0.03], [0.02, 0.08, 0.05], [0.05, 0.05, 0.65]])
    values = np.array([0.0, 50.0, 100.0])
    apart = (values[:, None] - values).ravel()
    truth = float(shares.ravel() @ apart)
    draw = np.random.default_rng(4)
    for n in (46, 249):
        inside = 0
        for seed in range(300):
            d = np.repeat(apart, draw.multinomial(n, shares.ravel()))
            found = compare_values(d, (0, 50, 100), seed=str(seed))
            inside += found.low <= truth <= found.high
        assert inside / 300 >= 0.92


def test_a_million_items() -> None:
    draw = np.random.default_rng(5)
    d = draw.choice([-100, -50, 0, 50, 100], 1_000_000).astype(float)
    found = compare_values(d, (0, 50, 100))
    assert found.n == 1_000_000
    assert found.p > 1e-4
