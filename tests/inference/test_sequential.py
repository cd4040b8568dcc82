"""Looking again and again: the chance of ever being wrong is computed, not simulated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from liangxin.inference.binomial import lower_bound
from liangxin.inference.claims import Claim
from liangxin.inference.sequential import decide_rate_at_any_time, evidence, lower_sequence, upper_sequence

ENOUGH = np.log(20)


def ever_excluded(rate: float, most: int, excluded: str) -> float:
    """The exact chance that `rate` is excluded at any of the first `most` looks, one after each item."""
    alive, gone = np.array([1.0]), 0.0
    for n in range(1, most + 1):
        grown = np.zeros(n + 1)
        grown[:-1] += alive * (1 - rate)
        grown[1:] += alive * rate
        successes = np.arange(n + 1)
        if excluded == "sequence":
            out = evidence(successes, np.full(n + 1, n), rate) >= ENOUGH
        else:
            out = lower_bound(successes, np.full(n + 1, n)) > rate
        gone += grown[out].sum()
        alive = np.where(out, 0.0, grown)
    return float(gone)


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
def test_the_chance_of_ever_excluding_the_truth_is_below_five_percent(rate: float) -> None:
    assert ever_excluded(rate, 600, "sequence") <= 0.05


def test_the_exact_bound_does_not_bear_looking_again() -> None:
    """What `--sequential` is for: with a look after each of 600 items the fixed-n bound errs in more than 20 %."""
    assert ever_excluded(0.9, 600, "exact") > 0.2


def test_evidence_is_the_integral_that_it_says() -> None:
    s, n, p = 18, 20, 0.7
    mixed, _ = quad(lambda q: (q / p) ** s * ((1 - q) / (1 - p)) ** (n - s) / (1 - p), p, 1)
    assert float(evidence(s, n, p)) == pytest.approx(np.log(mixed))


def test_a_lower_rate_gives_less_evidence() -> None:
    """The one-sided claim: under any rate below p the expected ratio is at most 1 (one item, by hand)."""
    for p in (0.5, 0.9):
        zero, one = (float(np.exp(evidence(s, 1, p))) for s in (0, 1))
        assert p * one + (1 - p) * zero == pytest.approx(1)
        assert 0.8 * p * one + (1 - 0.8 * p) * zero < 1


def test_bounds_are_where_evidence_is_enough() -> None:
    for s, n in [(930, 1000), (46, 46), (1, 50), (93_000, 100_000)]:
        low = float(lower_sequence(s, n))
        assert float(evidence(s, n, low)) == pytest.approx(ENOUGH, abs=1e-6)
        assert low < lower_bound(s, n)
    assert float(lower_sequence(0, 30)) == 0
    assert float(upper_sequence(30, 30)) == 1
    assert float(upper_sequence(7, 30)) == pytest.approx(1 - float(lower_sequence(23, 30)))


def test_decisions() -> None:
    met = decide_rate_at_any_time(930, 1000, Claim(bound=0.9))
    assert (met.verdict, met.further) == ("meets", None)
    open_still = decide_rate_at_any_time(920, 1000, Claim(bound=0.9))
    assert open_still.verdict == "undecided"
    assert open_still.further is not None
    total = 1000 + open_still.further
    assert decide_rate_at_any_time(int(total * 0.92), total, Claim(bound=0.9)).verdict == "meets"
    failed = decide_rate_at_any_time(850, 1000, Claim(bound=0.9))
    assert failed.verdict == "fails"
    unsafe = Claim(bound=0.1, direction="at_most")
    assert decide_rate_at_any_time(70, 1000, unsafe).verdict == "meets"
    assert decide_rate_at_any_time(85, 1000, unsafe).further is not None
    with pytest.raises(ValueError, match="at least one item"):
        decide_rate_at_any_time(3, 2, unsafe)
