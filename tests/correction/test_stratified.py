"""The stratified estimator: by hand, the whole run labelled, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from liangxin.correction import Stratum, stratified
from liangxin.correction.stratified import jeffreys

BINARY = (0.0, 100.0)
PASSED = Stratum(dimension="a", level="3", size=900, counts=(10, 90), worth=BINARY)
FAILED = Stratum(dimension="a", level="1", size=100, counts=(30, 20), worth=BINARY)
OTHER = Stratum(dimension="b", level="3", size=50, counts=(0, 20), worth=BINARY)


def test_by_hand() -> None:
    """0.9 * 90 + 0.1 * 40 = 85; each stratum's Jeffreys limits, joined by MOVER, and the strata's own sizes."""
    found = stratified([PASSED, FAILED], combine="micro", seed="x")
    assert found.value == pytest.approx(85)
    parts = [(0.9, 90.0, jeffreys(90, 100)), (0.1, 40.0, jeffreys(20, 50))]
    spread = 1.959964**2 * (0.9 * 90**2 + 0.1 * 40**2 - 85**2) / 1000
    below = sum((weight * (mean - 100 * limits[0])) ** 2 for weight, mean, limits in parts) + spread
    above = sum((weight * (100 * limits[1] - mean)) ** 2 for weight, mean, limits in parts) + spread
    assert found.low == pytest.approx(85 - math.sqrt(below), abs=1e-4)
    assert found.high == pytest.approx(85 + math.sqrt(above), abs=1e-4)
    assert (found.method, found.n_calibration) == ("stratified", 150)


@pytest.mark.parametrize(("combine", "value"), [("micro", (850 + 50) / 10.5), ("macro", (85 + 100) / 2)])
def test_dimensions_are_combined_as_the_benchmark_combines_them(
    combine: Literal["macro", "micro"], value: float
) -> None:
    assert stratified([PASSED, FAILED, OTHER], combine=combine, seed="x").value == pytest.approx(value)


def test_jeffreys_limits_are_those_of_the_beta() -> None:
    """As statsmodels has them."""
    for successes, n in ((1, 10), (0, 7), (49, 50)):
        expected = proportion_confint(successes, n, method="jeffreys")
        assert jeffreys(successes, n) == pytest.approx(expected, abs=1e-9)


def test_several_levels() -> None:
    one = Stratum(dimension="a", level="2", size=300, counts=(5, 10, 15), worth=(0.0, 50.0, 100.0))
    found = stratified([one], combine="macro", seed="x")
    assert found.value == pytest.approx(100 * 20 / 30)
    assert found == stratified([one], combine="macro", seed="x")
    assert found.low is not None
    assert found.high is not None
    assert 50 < found.low < 60
    assert 74 < found.high < 85


def test_a_stratum_without_labels_cannot_be_said() -> None:
    found = stratified([PASSED, replace(FAILED, counts=(0, 0))], combine="micro", seed="x")
    assert found.value is None
    assert found.reason == "no label among the 100 answers of a judged 1"
    assert found.n_calibration == 100


def test_empty_strata_and_nothing_at_all() -> None:
    nothing = Stratum(dimension="a", level="2", size=0, counts=(0, 0), worth=BINARY)
    assert stratified([PASSED, nothing], combine="macro", seed="x").value == pytest.approx(90)
    assert stratified([nothing], combine="macro", seed="x").reason == "the judge ruled on nothing"


def test_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="more labels than answers"):
        replace(PASSED, size=50)
    with pytest.raises(ValueError, match="a worth for each level"):
        replace(PASSED, worth=(0.0,))


STRATA = st.lists(
    st.builds(
        lambda dimension, level, counts, more: Stratum(
            dimension=dimension, level=level, size=sum(counts) + more, counts=counts, worth=(0.0, 50.0, 100.0)
        ),
        st.sampled_from("ab"),
        st.sampled_from("123"),
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
        st.integers(0, 50),
    ),
    max_size=6,
    unique_by=lambda one: (one.dimension, one.level),
)


@settings(max_examples=60)
@given(strata=STRATA, combine=st.sampled_from(["macro", "micro"]))
def test_a_value_lies_in_its_interval_or_has_a_reason(
    strata: list[Stratum], combine: Literal["macro", "micro"]
) -> None:
    found = stratified(strata, combine=combine, seed="h")
    if found.value is None:
        assert found.reason
        assert not all(one.labelled for one in strata if one.size) or not any(one.size for one in strata)
        return
    assert found.low is not None
    assert found.high is not None
    assert -1e-9 <= found.low <= found.value <= found.high <= 100 + 1e-9
    if all(one.labelled == one.size for one in strata) and combine == "micro":
        whole = sum(one.counts[1] * 50 + one.counts[2] * 100 for one in strata)
        assert found.value == pytest.approx(whole / sum(one.size for one in strata))
