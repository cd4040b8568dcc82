"""Rogan and Gladen's correction: the worked example, edges, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liangxin.correction import TOO_WEAK, CalibrationCounts, rogan_gladen

EXAMPLE = CalibrationCounts(tp=980, fn=20, fp=400, tn=600)
"""Catches 60 % of the bad, passes 98 % of the good."""
COUNT = st.integers(0, 400)


def test_the_example_of_a_judge_that_lets_much_through() -> None:
    """True 88 %: 0.88 * 0.98 + 0.12 * 0.40 = 91.04 % reported; (0.9104 + 0.6 - 1) / 0.58 = 88 %."""
    found = rogan_gladen(EXAMPLE, 9104, 10_000, seed="example")
    assert found.value == pytest.approx(0.88)
    assert found.low is not None
    assert found.high is not None
    assert 0.84 < found.low < 0.87
    assert 0.89 < found.high < 0.92
    assert (found.method, found.n_calibration, found.warning, found.reason) == ("rogan-gladen", 2000, "", "")
    assert rogan_gladen(EXAMPLE, 9104, 10_000, seed="example") == found
    assert rogan_gladen(EXAMPLE, 9104, 10_000, seed="other").low != found.low


@pytest.mark.parametrize(("passed", "value"), [(0, 0.0), (10_000, 1.0), (4000, 0.0), (9800, 1.0)])
def test_the_rate_stays_a_rate(passed: int, value: float) -> None:
    found = rogan_gladen(EXAMPLE, passed, 10_000, seed="x")
    assert found.value == pytest.approx(value)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.high <= 1


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (CalibrationCounts(tp=50, fn=50, fp=50, tn=50), TOO_WEAK),
        (CalibrationCounts(tp=20, fn=5, fp=3, tn=4), TOO_WEAK),
        (CalibrationCounts(tp=60, fn=40, fp=40, tn=60), TOO_WEAK),
        (CalibrationCounts(tp=5, fn=95, fp=95, tn=5), TOO_WEAK),
        (CalibrationCounts(tp=200, fn=3, fp=0, tn=0), "the calibration has no answer that people failed"),
        (CalibrationCounts(tp=0, fn=0, fp=3, tn=200), "the calibration has no answer that people passed"),
    ],
)
def test_a_judge_that_cannot_be_corrected(counts: CalibrationCounts, reason: str) -> None:
    found = rogan_gladen(counts, 90, 100, seed="x")
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)
    assert found.n_calibration == counts.n


def test_nothing_ruled() -> None:
    assert rogan_gladen(EXAMPLE, 0, 0, seed="x").reason == "the judge ruled on nothing"


def test_a_judge_without_error_changes_nothing() -> None:
    assert rogan_gladen(
        CalibrationCounts(tp=500, fn=0, fp=0, tn=500), 870, 1000, seed="x"
    ).value == pytest.approx(0.87)


def test_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        rogan_gladen(EXAMPLE, 11, 10, seed="x")
    with pytest.raises(ValueError, match="negative"):
        CalibrationCounts(tp=-1, fn=0, fp=0, tn=0)


@settings(max_examples=40)
@given(tp=COUNT, fn=COUNT, fp=COUNT, tn=COUNT, passed=COUNT, failed=COUNT)
def test_a_value_lies_in_its_interval_or_has_a_reason(
    tp: int, fn: int, fp: int, tn: int, passed: int, failed: int
) -> None:
    found = rogan_gladen(CalibrationCounts(tp=tp, fn=fn, fp=fp, tn=tn), passed, passed + failed, seed="h")
    if found.value is None:
        assert found.reason
        return
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert not found.reason
