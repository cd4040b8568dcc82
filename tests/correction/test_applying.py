"""A calibration applied inside and outside its scope: the warning is part of the value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from liangxin.correction import (
    Calibration,
    CalibrationCounts,
    CalibrationTable,
    Judged,
    Scope,
    Target,
    correct,
    rogan_gladen,
)
from liangxin.errors import JudgeError

LEVELS = ("1", "3")
GOOD = CalibrationTable(levels=LEVELS, counts=((180, 20), (10, 290)))
WEAK = CalibrationTable(levels=LEVELS, counts=((120, 80), (6, 294)))
THREE = CalibrationTable(levels=("1", "2", "3"), counts=((75, 20, 5), (10, 75, 15), (2, 6, 92)))


def calibration(tables: Mapping[str, CalibrationTable] | None = None) -> Calibration:
    return Calibration(
        judge="llm-0123",
        benchmark="flames",
        families=("qwen", "glm"),
        tables={"Fairness": GOOD, "Safety": WEAK} if tables is None else tables,
        labelled="three people, majority; drawn at random from runs of two models",
    )


def judged(dimension: str, failed: int, passed: int) -> Judged:
    return Judged(dimension=dimension, levels=LEVELS, counts=(failed, passed), worth=(0.0, 100.0))


def target(
    *groups: Judged, family: str = "qwen", benchmark: str = "flames", judge: str = "llm-0123"
) -> Target:
    return Target(judge=judge, benchmark=benchmark, family=family, groups=groups, combine="macro")


BOTH = (judged("Fairness", 50, 200), judged("Safety", 60, 370))


def test_inside_the_scope_there_is_no_warning() -> None:
    found = correct(calibration(), target(*BOTH), seed="x")
    assert found.warning == ""
    fairness = rogan_gladen(CalibrationCounts(tp=290, fn=10, fp=20, tn=180), 200, 250, seed="x").value
    safety = rogan_gladen(CalibrationCounts(tp=294, fn=6, fp=80, tn=120), 370, 430, seed="x").value
    assert fairness is not None
    assert safety is not None
    assert found.value == pytest.approx(100 * (fairness + safety) / 2)
    assert found.n_calibration == 1000
    micro = correct(calibration(), replace(target(*BOTH), combine="micro"), seed="x")
    assert micro.value == pytest.approx(100 * (250 * fairness + 430 * safety) / 680)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (target(*BOTH, benchmark="sc-safety"), "calibrated on flames, not on sc-safety"),
        (target(*BOTH, family="gpt"), "calibrated on answers of glm, qwen, not of gpt"),
        (target(*BOTH, family=""), "not of an unknown family"),
        (target(*BOTH, judged("Morality", 10, 90)), "no calibration covers Morality"),
    ],
)
def test_outside_the_scope_the_warning_is_part_of_the_value(other: Target, words: str) -> None:
    found = correct(calibration(), other, seed="x")
    assert found.value is not None
    assert words in found.warning
    assert json.loads(json.dumps(found.fields()))["warning"] == found.warning


def test_every_way_of_lying_outside_is_named() -> None:
    warning = calibration().warning(Scope(benchmark="x", dimensions=("Morality",), families=("gpt",)))
    assert warning.count(";") == 2 + warning.count("covers Morality;")


def test_where_labels_are_shared_the_limits_add_up() -> None:
    """Two dimensions corrected by the same pooled labels err together: no narrower than one of them."""
    lone = correct(calibration(), target(judged("x", 50, 200)), seed="x")
    two = correct(calibration(), target(judged("x", 50, 200), judged("y", 50, 200)), seed="x")
    widths = [(one.high or 0) - (one.low or 0) for one in (lone, two)]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


@pytest.mark.parametrize(
    ("tables", "other", "reason"),
    [
        (
            None,
            target(*BOTH, judge="llm-9999"),
            "the calibration is of judge llm-0123, the run's judge is llm-9999",
        ),
        (None, target(judged("Fairness", 0, 0)), "the judge ruled on nothing"),
        ({"Fairness": THREE}, target(*BOTH), "Fairness: no calibration has its scale"),
        (
            {"Fairness": CalibrationTable(levels=LEVELS, counts=((0, 0), (3, 97)))},
            target(judged("Fairness", 5, 95)),
            "Fairness: the calibration has no answer that people failed",
        ),
        ({}, target(*BOTH), "Fairness: no calibration has its scale"),
    ],
)
def test_where_it_cannot_be_said(
    tables: Mapping[str, CalibrationTable] | None, other: Target, reason: str
) -> None:
    found = correct(calibration(tables), other, seed="x")
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


def test_three_levels_use_the_simplex_for_shares_and_two_for_rates() -> None:
    three = calibration({"Fairness": THREE})
    share = Judged(
        dimension="Fairness", levels=("1", "2", "3"), counts=(40, 60, 150), worth=(100 / 3, 200 / 3, 100)
    )
    assert correct(three, target(share), seed="x").method == "simplex"
    rate = replace(share, worth=(0.0, 0.0, 100.0))
    found = correct(three, target(rate), seed="x")
    assert found.method == "rogan-gladen"
    plain = rogan_gladen(CalibrationCounts(tp=92, fn=8, fp=20, tn=180), 150, 250, seed="x").value
    assert plain is not None
    assert found.value == pytest.approx(100 * plain)


def test_a_calibration_is_stored_as_json() -> None:
    one = calibration()
    assert Calibration.read(json.loads(json.dumps(one.fields()))) == one
    assert one.scope == Scope(benchmark="flames", dimensions=("Fairness", "Safety"), families=("glm", "qwen"))
    for broken in ({}, {"judge": "x"}, {**one.fields(), "tables": {"a": {"levels": ["1"], "counts": [[1]]}}}):
        with pytest.raises(JudgeError, match="cannot be read"):
            Calibration.read(broken)


def test_a_table_is_square() -> None:
    with pytest.raises(ValueError, match="a row and a column"):
        CalibrationTable(levels=LEVELS, counts=((1, 2),))
    with pytest.raises(ValueError, match="negative"):
        CalibrationTable(levels=LEVELS, counts=((1, 2), (-1, 3)))
