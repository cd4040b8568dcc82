"""PPI++ against ppi-python's own answers, and its stated refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liangxin.correction import prediction_powered

FIXTURES = json.loads(Path(__file__).with_name("fixtures").joinpath("ppi.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", FIXTURES["cases"], ids=range(len(FIXTURES["cases"])))
def test_as_ppi_python(case: dict[str, Any]) -> None:
    ones = case["unlabelled_ones"]
    rest = [1.0] * ones + [0.0] * (case["unlabelled"] - ones)
    found = prediction_powered(case["people"], case["judged"], rest, simple_random=True)
    assert found.method == "ppi++"
    assert found.value == pytest.approx(case["value"], abs=1e-9)
    assert found.low == pytest.approx(case["low"], abs=1e-9)
    assert found.high == pytest.approx(case["high"], abs=1e-9)
    assert found.n_calibration == len(case["people"])


def test_the_unit_of_the_values_is_the_unit_of_the_answer() -> None:
    people, judged, rest = [0, 1] * 50, [0, 0, 1, 1] * 25, [0, 1, 1] * 100
    share = prediction_powered(people, judged, rest, simple_random=True)
    hundred = [[100.0 * one for one in values] for values in (people, judged, rest)]
    percent = prediction_powered(*hundred, simple_random=True)
    assert share.value is not None
    assert percent.value == pytest.approx(100 * share.value)


def test_a_judge_that_says_one_thing_only_adds_nothing() -> None:
    people = [1.0] * 60 + [0.0] * 40
    found = prediction_powered(people, [1.0] * 100, [1.0] * 300, simple_random=True)
    assert found.value == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("apart", "more", "random", "words"),
    [
        (29, 100, True, "there are 29"),
        (30, 100, False, "simple random sample"),
        (30, 0, True, "only the judge has read"),
    ],
)
def test_where_it_cannot_be_said(apart: int, more: int, random: bool, words: str) -> None:
    people = [1.0] * 100
    judged = [0.0] * apart + [1.0] * (100 - apart)
    found = prediction_powered(people, judged, [1.0] * more, simple_random=random)
    assert (found.value, found.low, found.high, found.method) == (None, None, None, "")
    assert words in found.reason


def test_values_of_other_answers_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="same answers"):
        prediction_powered([1.0], [1.0, 0.0], [1.0], simple_random=True)
