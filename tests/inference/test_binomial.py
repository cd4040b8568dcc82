"""One-sided decisions on a rate: exact, and never wrong more often than they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from liangxin.inference.binomial import decide_rate, further_items, least_successes, lower_bound, upper_bound
from liangxin.inference.claims import Claim

GRID = np.r_[np.arange(0.5, 0.99, 0.01), np.arange(0.99, 0.9995, 0.001)]


def test_916_of_1000_is_the_least_that_meets_ninety_percent() -> None:
    """By the binomial law itself: at a true 90 %, 916 or more come in under 5 %, 915 or more do not."""
    assert least_successes(1000, 0.9) == 916
    assert binom.sf(915, 1000, 0.9) <= 0.05 < binom.sf(914, 1000, 0.9)
    assert decide_rate(916, 1000, Claim(bound=0.9)).verdict == "meets"
    assert decide_rate(915, 1000, Claim(bound=0.9)).verdict == "undecided"
    assert least_successes(28, 0.9) is None
    assert least_successes(29, 0.9) == 29


@given(n=st.integers(1, 500), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_bounds_are_scipys(n: int, share: float, confidence: float) -> None:
    successes = round(share * n)
    low = binomtest(successes, n, alternative="greater").proportion_ci(confidence, method="exact").low
    high = binomtest(successes, n, alternative="less").proportion_ci(confidence, method="exact").high
    assert float(lower_bound(successes, n, confidence)) == pytest.approx(low, abs=1e-9)
    assert float(upper_bound(successes, n, confidence)) == pytest.approx(high, abs=1e-9)


@pytest.mark.parametrize("n", [1, 10, 29, 46, 100, 249, 1001])
def test_decisions_never_exceed_their_level(n: int) -> None:
    """Computed: at every true rate, claims on its wrong side are "met" (or "failed") with chance at most 5 %."""
    successes = np.arange(n + 1)
    low, high = lower_bound(successes, np.full(n + 1, n)), upper_bound(successes, np.full(n + 1, n))
    for rate in GRID:
        chances = binom.pmf(successes, n, rate)
        assert chances[low > rate].sum() <= 0.05 + 1e-12
        assert chances[high < rate].sum() <= 0.05 + 1e-12


@pytest.mark.parametrize(
    ("successes", "claim", "verdict"),
    [
        (80, Claim(bound=0.9), "fails"),
        (90, Claim(bound=0.9), "undecided"),
        (98, Claim(bound=0.9), "meets"),
        (3, Claim(bound=0.1, direction="at_most"), "meets"),
        (30, Claim(bound=0.1, direction="at_most"), "fails"),
        (9, Claim(bound=0.1, direction="at_most"), "undecided"),
        (0, Claim(bound=0.0), "meets"),
        (100, Claim(bound=1.0, direction="at_most"), "meets"),
    ],
)
def test_both_directions(successes: int, claim: Claim, verdict: str) -> None:
    found = decide_rate(successes, 100, claim)
    assert found.verdict == verdict
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(
    ("successes", "n", "claim"),
    [
        (915, 1000, Claim(bound=0.9)),
        (46, 50, Claim(bound=0.9)),
        (10, 10, Claim(bound=0.99)),
        (1, 2, Claim(bound=0.9)),
        (880, 1000, Claim(bound=0.9)),
        (2, 30, Claim(bound=0.1, direction="at_most")),
        (5, 30, Claim(bound=0.1, direction="at_most")),
    ],
)
def test_further_items_are_the_first_that_decide(successes: int, n: int, claim: Claim) -> None:
    """Beside a plain count upwards, with the successes rounded to the less decisive side."""
    assert decide_rate(successes, n, claim).verdict == "undecided" or (successes, n) == (880, 1000)
    for total in range(n, 40_000):
        exact = total * successes / n
        expected = int(np.floor(exact + 1e-9)) if successes / n > claim.bound else int(np.ceil(exact - 1e-9))
        low, high = (float(f(expected, total, claim.confidence)) for f in (lower_bound, upper_bound))
        if claim.verdict(low, high) != "undecided":
            break
    assert further_items(successes, n, claim) == total - n


def test_a_rate_on_the_bound_is_never_decided() -> None:
    found = decide_rate(900, 1000, Claim(bound=0.9))
    assert (found.verdict, found.further) == ("undecided", None)
    assert decide_rate(9001, 10_000, Claim(bound=0.9)).further is None


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        decide_rate(0, 0, Claim(bound=0.9))
    with pytest.raises(ValueError, match="share from 0 to 1"):
        Claim(bound=90)
