"""Several levels: the shares of people's levels, and the two-level case as a check."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from liangxin.correction import TOO_WEAK, CalibrationCounts, rogan_gladen, simplex
from liangxin.correction.simplex import mixture, strength

TABLE = ((75, 20, 5), (10, 75, 15), (2, 6, 92))
RATE, SHARE = (0.0, 0.0, 100.0), (100 / 3, 200 / 3, 100.0)


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["liangxin.correction.simplex"], "DRAWS", 400)


@pytest.mark.parametrize("shares", [(0.2, 0.3, 0.5), (0.0, 0.1, 0.9), (1.0, 0.0, 0.0)])
def test_shares_that_went_through_the_judge_come_back(shares: tuple[float, ...]) -> None:
    matrix = np.array(TABLE) / 100
    judged = [round(1_000_000 * one) for one in np.array(shares) @ matrix]
    assert simplex(TABLE, judged, RATE, seed="x").value == pytest.approx(100 * shares[2], abs=0.01)
    expected = sum(share * worth for share, worth in zip(shares, SHARE, strict=True))
    assert simplex(TABLE, judged, SHARE, seed="x").value == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("passed", [30, 400, 910, 990])
def test_with_two_levels_it_is_rogan_and_gladen(passed: int) -> None:
    two = simplex(((60, 40), (2, 98)), (1000 - passed, passed), (0.0, 100.0), seed="x")
    plain = rogan_gladen(CalibrationCounts(tp=98, fn=2, fp=40, tn=60), passed, 1000, seed="x")
    assert plain.value is not None
    assert plain.low is not None
    assert plain.high is not None
    assert two.value == pytest.approx(100 * plain.value, abs=0.05)
    assert two.low == pytest.approx(100 * plain.low, abs=2)
    assert two.high == pytest.approx(100 * plain.high, abs=2)


def test_the_mixture_is_the_most_likely_one() -> None:
    """No other point of a fine grid on the simplex makes the judged shares more likely."""
    matrix, judged = np.array(TABLE) / 100, np.array([0.01, 0.03, 0.96])
    found = mixture(matrix[None], judged[None])[0]
    grid = [(a, b, 100 - a - b) for a in range(101) for b in range(101 - a)]
    likelihoods = (judged * np.log(np.array(grid) / 100 @ matrix)).sum(axis=1)
    assert (judged * np.log(found @ matrix)).sum() >= likelihoods.max() - 1e-6
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()


def test_strength_of_two_levels_is_youdens() -> None:
    matrix = np.array([[[0.6, 0.4], [0.02, 0.98]]])
    assert strength(matrix)[0] == pytest.approx(0.58)


@pytest.mark.parametrize(
    ("table", "judged", "reason"),
    [
        (((50, 50, 0), (50, 50, 0), (0, 10, 90)), (10, 20, 70), TOO_WEAK),
        (
            ((30, 0, 0), (0, 0, 0), (0, 5, 60)),
            (10, 20, 70),
            "the calibration has no answer at one of the levels",
        ),
        (TABLE, (0, 0, 0), "the judge ruled on nothing"),
    ],
)
def test_where_it_cannot_be_said(
    table: tuple[tuple[int, ...], ...], judged: tuple[int, ...], reason: str
) -> None:
    found = simplex(table, judged, RATE, seed="x")
    assert (found.value, found.reason) == (None, reason)


def test_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="shape"):
        simplex(TABLE, (1, 2), RATE, seed="x")
    with pytest.raises(ValueError, match="negative"):
        simplex(TABLE, (1, 2, -1), RATE, seed="x")


def test_the_limits_hold_the_value_and_repeat() -> None:
    found = simplex(TABLE, (0, 0, 50), SHARE, seed="x")
    assert found == simplex(TABLE, (0, 0, 50), SHARE, seed="x")
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 100 / 3 <= found.low <= found.value <= found.high <= 100 + 1e-9
