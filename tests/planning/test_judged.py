"""Plans with a judge: the variances by hand, and against the estimators that they plan for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.correction import CalibrationCounts, Stratum, rogan_gladen, stratified
from liangxin.errors import UsageError
from liangxin.planning import (
    CalibrationSize,
    JudgeAccuracy,
    PlannedStratum,
    calibration_size,
    corrected_half_width,
    corrected_size,
    labels_needed,
    two_stage_half_width,
)

JUDGE = JudgeAccuracy(sensitivity=0.98, specificity=0.6)
SET = CalibrationSize(good=440, bad=60)
SHARES = st.floats(0.05, 0.95)


def test_what_the_judge_reports() -> None:
    assert JUDGE.raw(0.88) == pytest.approx(0.9104)
    assert JUDGE.strength == pytest.approx(0.58)


def test_the_half_width_by_hand() -> None:
    variance = 0.9104 * 0.0896 / 1000 + 0.88**2 * 0.98 * 0.02 / 440 + 0.12**2 * 0.6 * 0.4 / 60
    expected = 1.959964 * math.sqrt(variance) / 0.58
    assert corrected_half_width(0.88, JUDGE, 1000, SET) == pytest.approx(expected, rel=1e-6)


def test_the_half_width_is_that_of_the_interval() -> None:
    found = rogan_gladen(CalibrationCounts(tp=431, fn=9, fp=24, tn=36), 910, 1000, seed="x")
    half = ((found.high or 0) - (found.low or 0)) / 2
    assert corrected_half_width(0.88, JUDGE, 1000, SET) == pytest.approx(half, rel=0.1)


@given(rate=SHARES, sensitivity=st.floats(0.7, 0.99), specificity=st.floats(0.5, 0.99))
def test_a_planned_size_gives_the_margin(rate: float, sensitivity: float, specificity: float) -> None:
    judge = JudgeAccuracy(sensitivity=sensitivity, specificity=specificity)
    n = corrected_size(0.05, rate, judge, CalibrationSize(good=500, bad=500))
    if n is None:
        return
    assert corrected_half_width(rate, judge, n, CalibrationSize(good=500, bad=500)) <= 0.05 + 1e-12
    if n > 1:
        fewer = corrected_half_width(rate, judge, n - 1, CalibrationSize(good=500, bad=500))
        assert fewer > 0.05 - 1e-12


@given(rate=SHARES, n=st.integers(200, 5000))
def test_a_planned_calibration_set_gives_the_margin_with_the_fewest_labels(rate: float, n: int) -> None:
    found = calibration_size(0.05, rate, JUDGE, n)
    if found is None:
        raw = JUDGE.raw(rate)
        assert 1.96 * math.sqrt(raw * (1 - raw) / n) / JUDGE.strength > 0.05 - 1e-4
        return
    assert corrected_half_width(rate, JUDGE, n, found) <= 0.05 + 1e-12
    total = found.good + found.bad
    for good in range(max(1, found.good - 40), found.good + 40, 8):
        bad = total - 3 - good
        if bad > 0:
            other = CalibrationSize(good=good, bad=bad)
            assert corrected_half_width(rate, JUDGE, n, other) > 0.05 - 1e-12


def test_too_small_a_calibration_set_is_said() -> None:
    assert corrected_size(0.01, 0.88, JUDGE, SET) is None
    assert calibration_size(0.01, 0.88, JUDGE, 100) is None


STRATA = (
    PlannedStratum(size=910, weight=0.91, rate=0.94),
    PlannedStratum(size=90, weight=0.09, rate=0.2),
)


def test_two_stages_promise_what_the_estimator_gives() -> None:
    half = two_stage_half_width(STRATA, 200)
    counts = ((10, 160), (24, 6))  # Neyman: .91 √(.94*.06) to .09 √(.2*.8)
    strata = [
        Stratum(dimension="a", level=level, size=one.size, counts=count, worth=(0.0, 1.0))
        for level, one, count in zip("31", STRATA, counts, strict=True)
    ]
    found = stratified(strata, combine="micro", seed="x")
    assert half == pytest.approx(((found.high or 0) - (found.low or 0)) / 2, rel=0.1)


def test_labels_needed_is_the_least() -> None:
    found = labels_needed(0.03, STRATA)
    assert found is not None
    assert two_stage_half_width(STRATA, found) <= 0.03 < two_stage_half_width(STRATA, found - 1)
    assert labels_needed(0.001, STRATA) is None


def test_a_better_judge_needs_fewer_labels() -> None:
    """The same overall rate of 87.3 %, in strata that are purer."""
    blunt = [
        PlannedStratum(size=500, weight=0.5, rate=0.95),
        PlannedStratum(size=500, weight=0.5, rate=0.796),
    ]
    sharp = [
        PlannedStratum(size=880, weight=0.88, rate=0.98),
        PlannedStratum(size=120, weight=0.12, rate=0.09),
    ]
    needed = [labels_needed(0.04, strata) for strata in (blunt, sharp)]
    assert needed[0] is not None
    assert needed[1] is not None
    assert needed[1] < 0.7 * needed[0]


def test_what_cannot_be_planned_is_said() -> None:
    with pytest.raises(UsageError, match="add up to more than 1"):
        JudgeAccuracy(sensitivity=0.5, specificity=0.5)
    with pytest.raises(UsageError, match="cannot cover 2 strata"):
        two_stage_half_width(STRATA, 1)
