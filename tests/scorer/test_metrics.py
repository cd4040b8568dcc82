"""Figures against independent arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from liangxin.scorer.calibrate import fit_temperature, log_loss
from liangxin.scorer.metrics import accuracy_difference, figures

sklearn = pytest.importorskip("sklearn.metrics")


def some(count: int, levels: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, levels, count)
    logits = draw.normal(size=(count, levels)) + 1.2 * np.eye(levels)[labels]
    values = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (
        values.round(2) / values.round(2).sum(axis=1, keepdims=True),
        labels,
        [str(at // 2) for at in range(count)],
    )


@pytest.mark.parametrize("levels", [2, 3])
def test_values_are_those_of_scikit_learn(levels: int) -> None:
    probabilities, labels, units = some(240, levels, levels)
    found = figures("h", "s", probabilities, labels, units)
    chosen = probabilities.argmax(axis=1)
    assert found.units == 120
    assert found.accuracy.value == pytest.approx(sklearn.accuracy_score(labels, chosen))
    assert found.macro_f1.value == pytest.approx(sklearn.f1_score(labels, chosen, average="macro"))
    assert found.auc is not None
    assert found.auc.value == pytest.approx(sklearn.roc_auc_score(labels == 0, probabilities[:, 0]))
    alarms, recalls, _ = sklearn.roc_curve(labels == 0, probabilities[:, 0], drop_intermediate=False)
    for share, figure in zip((0.05, 0.1), found.recall, strict=True):
        assert figure is not None
        assert figure.value == pytest.approx(recalls[alarms <= share].max())
    for figure in (found.accuracy, found.macro_f1, found.auc, found.calibration_error):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high
        assert figure.high - figure.low < 0.25


def test_the_calibration_error_is_the_gap_in_each_bin() -> None:
    probabilities = np.array([[0.1, 0.9]] * 10 + [[0.4, 0.6]] * 10)
    labels = np.array([1] * 7 + [0] * 3 + [1] * 6 + [0] * 4)
    found = figures("h", "s", probabilities, labels, [str(at) for at in range(20)])
    assert found.calibration_error.value == pytest.approx((10 * 0.2 + 10 * 0.0) / 20)


def test_one_level_has_no_ranking_and_no_error_has_no_bootstrap() -> None:
    probabilities = np.tile([0.8, 0.2], (40, 1))
    found = figures("h", "s", probabilities, np.zeros(40, dtype=int), [str(at) for at in range(40)])
    assert found.auc is None
    assert found.recall == (None, None)
    assert found.macro_f1.low is None
    assert found.accuracy.low is not None
    assert found.accuracy.low < 1


@pytest.mark.long
def test_the_interval_of_a_difference_covers() -> None:
    draw = np.random.default_rng(1)
    hits = 0
    for trial in range(300):
        hard = draw.uniform(size=120)
        one, other = draw.uniform(size=120) < 0.6 + 0.3 * hard, draw.uniform(size=120) < 0.5 + 0.3 * hard
        found = accuracy_difference(one, other, [str(at) for at in range(120)], str(trial))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.1 <= found.high
    assert hits / 300 > 0.9


def test_the_temperature_undoes_a_scale() -> None:
    draw = np.random.default_rng(2)
    true = draw.normal(size=(4000, 3)) * 1.5
    chances = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    labels = np.array([draw.choice(3, p=row) for row in chances])
    for scale in (0.25, 1.0, 6.0):
        found = fit_temperature(true * scale, labels)
        assert found == pytest.approx(scale, rel=0.1)
        for other in (found * 0.9, found * 1.1):
            assert log_loss(true * scale, labels, found) <= log_loss(true * scale, labels, other)
