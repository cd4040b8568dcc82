"""Sample sizes: printed cases, brute force on small ones, and statsmodels where it has the formula."""

from __future__ import annotations

from fractions import Fraction
from math import asin, comb, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from liangxin.errors import UsageError
from liangxin.measures import wilson
from liangxin.planning import (
    claim_power,
    claim_size,
    difference_size,
    least_passes,
    margin_size,
    paired_size,
)


def tail(k: int, n: int, p: Fraction) -> Fraction:
    return sum((comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1)), Fraction(0))


def test_916_of_1000_is_the_least_that_meets_90_percent() -> None:
    assert least_passes(1000, 0.9) == 916


def test_fewer_items_than_could_ever_show_it() -> None:
    """0.9^28 > 5 %: all of 28 right is not enough, all of 29 is."""
    assert least_passes(28, 0.9) is None
    assert least_passes(29, 0.9) == 29
    assert claim_power(28, 0.9, 1.0) == 0.0


@settings(max_examples=60)
@given(n=st.integers(1, 80), percent=st.integers(5, 95))
def test_least_passes_by_whole_numbers(n: int, percent: int) -> None:
    p, level = Fraction(percent, 100), Fraction(5, 100)
    expected = next((k for k in range(n + 1) if tail(k, n, p) <= level), None)
    assert least_passes(n, percent / 100) == expected


@settings(max_examples=15)
@given(percent=st.integers(50, 85), more=st.integers(8, 14))
def test_a_claim_gets_the_fewest_items(percent: int, more: int) -> None:
    claim, true = percent / 100, (percent + more) / 100
    found = claim_size(claim, true)
    assert found.power == pytest.approx(claim_power(found.n, claim, true))
    assert found.power >= 0.8
    assert found.passes == least_passes(found.n, claim)
    assert max(claim_power(n, claim, true) for n in range(1, found.n)) < 0.8


def test_a_certain_model_needs_as_many_as_can_show_it() -> None:
    found = claim_size(0.9, 1.0, power=0.99)
    assert (found.n, found.passes, found.power) == (29, 29, 1.0)


def test_a_margin_is_wilsons() -> None:
    for half, rate in ((0.03, 0.5), (0.03, 0.9), (0.1, 0.0), (0.01, 0.99)):
        n = margin_size(half, rate)
        widths = [(high - low) / 2 for low, high in (wilson(rate * m, m) for m in (n - 1, n))]
        assert widths[1] <= half < widths[0]


def test_a_difference_between_independent_models() -> None:
    """(1.95996 √(2 * .85 * .15) + .84162 √(.16 + .09))² / .01 = 198.97."""
    assert difference_size(0.8, 0.9) == 199
    assert difference_size(0.8, 0.9) == difference_size(0.9, 0.8)
    effect = 2 * (asin(sqrt(0.9)) - asin(sqrt(0.8)))
    other = NormalIndPower().solve_power(effect, power=0.8, alpha=0.05)
    assert difference_size(0.8, 0.9) == pytest.approx(other, rel=0.05)


def test_a_paired_difference() -> None:
    """Connor 1987: d = .05, ψ = .15, power .80: (1.95996 √.15 + .84162 √.1475)² / .0025 = 469."""
    assert paired_size(0.05, 0.15) == 469
    assert paired_size(-0.05, 0.15) == 469
    assert paired_size(0.05, 0.10) < paired_size(0.05, 0.30)


@pytest.mark.parametrize(
    "call",
    [
        lambda: claim_size(0.9, 0.9),
        lambda: claim_size(0.9, 0.8),
        lambda: claim_size(1.0, 1.0),
        lambda: claim_size(0.9, 0.95, power=1.0),
        lambda: margin_size(0.0),
        lambda: margin_size(0.03, 1.2),
        lambda: margin_size(1e-5),
        lambda: difference_size(0.5, 0.5),
        lambda: difference_size(0.5, 1.5),
        lambda: paired_size(0.0, 0.1),
        lambda: paired_size(0.2, 0.1),
        lambda: paired_size(0.1, 0.2, power=0),
    ],
)
def test_what_cannot_be_planned_is_said(call: object) -> None:
    assert callable(call)
    with pytest.raises(UsageError):
        call()
