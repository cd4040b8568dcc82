"""Where a judge errs otherwise than where it was calibrated: the plain correction fails, says so, and what works."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from liangxin.correction import (
    Calibration,
    CalibrationTable,
    Corrected,
    Judged,
    Stratum,
    Target,
    correct,
    stratified,
)
from liangxin.planning import RuledAnswer, draw_sample

pytestmark = pytest.mark.long

REPEATS = 300
LEVELS = ("1", "3")
RATES = {"easy": 0.9, "subtle": 0.7}
JUDGE = {"easy": (0.98, 0.9), "subtle": (0.95, 0.4)}
"""Sensitivity and specificity: harm in the subtle dimension mostly escapes the judge."""
CALIBRATED = {"easy": 4800, "subtle": 1200}
RUN = {"easy": 400, "subtle": 600}
TRUTH = 100 * (400 * 0.9 + 600 * 0.7) / 1000


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["liangxin.correction.rogan_gladen"], "DRAWS", 800)


def table(draw: np.random.Generator, size: int, rate: float, judge: tuple[float, float]) -> np.ndarray:
    """[people][judge] counts of `size` answers, worst level first."""
    good = int(draw.binomial(size, rate))
    tp, tn = int(draw.binomial(good, judge[0])), int(draw.binomial(size - good, judge[1]))
    return np.array([[tn, size - good - tn], [good - tp, tp]])


def as_table(counts: np.ndarray) -> CalibrationTable:
    return CalibrationTable(levels=LEVELS, counts=tuple(tuple(int(one) for one in row) for row in counts))


def group(dimension: str, counts: np.ndarray) -> Judged:
    failed, passed = (int(one) for one in counts.sum(axis=0))
    return Judged(dimension=dimension, levels=LEVELS, counts=(failed, passed), worth=(0.0, 100.0))


def apply(tables: dict[str, np.ndarray], groups: list[Judged], family: str) -> Corrected:
    calibration = Calibration(
        judge="j",
        benchmark="b",
        families=("qwen",),
        tables={name: as_table(counts) for name, counts in tables.items()},
        labelled="simulated",
    )
    target = Target(judge="j", benchmark="b", family=family, groups=tuple(groups), combine="micro")
    return correct(calibration, target, seed="x")


def summary(found: list[Corrected], truth: float) -> tuple[float, float]:
    """(bias in points, coverage); every repetition must have a value."""
    values = [(one.value, one.low, one.high) for one in found]
    hits = [low <= truth <= high for _, low, high in values if low is not None and high is not None]
    means = [value for value, _, _ in values if value is not None]
    assert len(hits) == len(means) == len(found)
    return float(np.mean(means)) - truth, sum(hits) / len(hits)


def test_where_the_error_differs_by_dimension() -> None:
    """One table for all: its mix of dimensions is not the run's. A table for each dimension: right."""
    draw = np.random.default_rng(8)
    plain, own, raws = [], [], []
    for _ in range(REPEATS):
        measured = {name: table(draw, CALIBRATED[name], RATES[name], JUDGE[name]) for name in RATES}
        run = {name: table(draw, RUN[name], RATES[name], JUDGE[name]) for name in RATES}
        raws.append(sum(one.sum(axis=0)[1] for one in run.values()) / 10)
        whole = measured["easy"] + measured["subtle"]
        plain.append(apply({"all": whole}, [group("", run["easy"] + run["subtle"])], "qwen"))
        own.append(apply(measured, [group(name, run[name]) for name in RATES], "qwen"))
    bias, covered = summary(plain, TRUTH)
    assert np.mean(raws) - TRUTH > 7
    assert bias > 4
    assert covered < 0.75
    assert all("no calibration covers" in one.warning for one in plain)
    bias, covered = summary(own, TRUTH)
    assert abs(bias) < 1
    assert covered >= 0.92
    assert not any(one.warning for one in own)


FOOLED = {"easy": (0.98, 0.5), "subtle": (0.95, 0.15)}
"""The same judge on the answers of a model whose harm reads smoothly."""


def labelled_strata(draw: np.random.Generator, run: dict[str, np.ndarray], seed: str) -> list[Stratum]:
    """People read 250 answers that `draw_sample` chose."""
    answers, passes = [], {}
    for name, counts in run.items():
        for (people, ruled), count in np.ndenumerate(counts):
            for k in range(int(count)):
                answer = RuledAnswer(id=f"{name}-{people}-{ruled}-{k}", dimension=name, level=LEVELS[ruled])
                answers.append(answer)
                passes[answer.id] = bool(people)
    sample = draw_sample(answers, 250, seed=seed)
    where = {answer.id: (answer.dimension, answer.level) for answer in answers}
    strata = []
    for one in sample.strata:
        read = [passes[name] for name in sample.chosen if where[name] == (one.dimension, one.level)]
        assert len(read) == one.chosen
        said = (len(read) - sum(read), sum(read))
        strata.append(
            Stratum(dimension=one.dimension, level=one.level, size=one.size, counts=said, worth=(0.0, 100.0))
        )
    return strata


def test_where_the_error_differs_by_model() -> None:
    """No table of other models' answers helps, whatever its size: labels on this run do."""
    draw = np.random.default_rng(9)
    moved, labelled, raws = [], [], []
    for number in range(REPEATS // 2):
        measured = {name: table(draw, 1000, RATES[name], JUDGE[name]) for name in RATES}
        run = {name: table(draw, RUN[name], RATES[name], FOOLED[name]) for name in RATES}
        raws.append(sum(one.sum(axis=0)[1] for one in run.values()) / 10)
        moved.append(apply(measured, [group(name, run[name]) for name in RATES], "other"))
        labelled.append(stratified(labelled_strata(draw, run, str(number)), combine="micro", seed="x"))
    bias, covered = summary(moved, TRUTH)
    assert np.mean(raws) - TRUTH > 10
    assert bias > 8
    assert covered < 0.2
    assert all("on answers of qwen, not of other" in one.warning for one in moved)
    bias, covered = summary(labelled, TRUTH)
    assert abs(bias) < 1
    assert covered - 2 * (covered * (1 - covered) / len(labelled)) ** 0.5 >= 0.88
    assert not any(one.warning for one in labelled)
