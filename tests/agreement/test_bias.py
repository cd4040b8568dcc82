"""Length and position bias: a planted bias is found, a true link of length and quality is not one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chi2
from statsmodels.stats.proportion import confint_proportions_2indep

from liangxin.agreement.bias import bias
from liangxin.agreement.estimate import CannotSay
from liangxin.records import Scale

Make = Callable[..., Scale]


def test_better_answers_are_longer_and_that_is_no_bias(make_scale: Make) -> None:
    draw = np.random.default_rng(1)
    gold = draw.integers(0, 3, 600)
    length = np.exp(4 + gold + draw.normal(size=600))
    judged = np.clip(gold + draw.integers(-1, 2, 600), 0, 2)
    assert np.corrcoef(judged, np.log(length))[0, 1] > 0.4
    found = bias(gold, judged, length, make_scale(3))
    assert found.correlation.low is not None
    assert found.correlation.high is not None
    assert found.correlation.low < 0 < found.correlation.high
    assert found.p is not None
    assert found.p > 0.05


def test_a_judge_that_likes_length_is_found(make_scale: Make) -> None:
    draw = np.random.default_rng(2)
    gold = draw.integers(0, 2, 400)
    length = draw.lognormal(5, 1, 400)
    judged = np.where((length > np.median(length)) & (draw.random(400) < 0.3), 1, gold)
    found = bias(gold, judged, length, make_scale(2))
    assert found.correlation.low is not None
    assert found.correlation.low > 0.05
    assert found.p is not None
    assert found.p < 1e-3
    assert found.difference.value == pytest.approx(0.3 * np.mean(gold == 0), abs=0.05)
    assert found.difference.low is not None
    assert found.difference.low > 0


def test_the_numbers_are_those_of_naive_arithmetic(make_scale: Make) -> None:
    """Ranks within the gold level, centred there; Mantel's statistic with its permutation moments."""
    draw = np.random.default_rng(3)
    gold, judged = draw.integers(0, 3, 90), draw.integers(0, 3, 90)
    turn = draw.integers(1, 6, 90).astype(float)
    found = bias(gold, judged, turn, make_scale(3))
    errors, ranks, score, variance = [], [], 0.0, 0.0
    for level in range(3):
        at = gold == level
        rank = np.array([(turn[at] < one).sum() + ((turn[at] == one).sum() + 1) / 2 for one in turn[at]])
        e, x = (judged - gold)[at].astype(float), rank / at.sum()
        e, x = e - e.mean(), x - x.mean()
        errors.append(e)
        ranks.append(x)
        score += e @ x
        variance += (e @ e) * (x @ x) / (at.sum() - 1)
    e, x = np.concatenate(errors), np.concatenate(ranks)
    assert found.correlation.value == pytest.approx(e @ x / np.sqrt((e @ e) * (x @ x)))
    assert found.p == pytest.approx(chi2.sf(score**2 / variance, 1))


def test_difference_of_one_level_is_newcombes_or_nearly(make_scale: Make) -> None:
    gold = np.zeros(200, int)
    judged = np.array([1] * 60 + [0] * 40 + [1] * 30 + [0] * 70)
    longer = np.array([2.0] * 100 + [1.0] * 100)
    found = bias(gold, judged, longer, make_scale(2)).difference
    low, high = confint_proportions_2indep(60, 100, 30, 100, method="newcomb")
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.015)


@pytest.mark.parametrize(
    ("judged", "covariate"), [([1] * 20, list(range(20))), ([0, 1] * 10, [7] * 20)], ids=["errors", "lengths"]
)
def test_without_variation_nothing_can_be_said(
    judged: list[int], covariate: list[int], make_scale: Make
) -> None:
    found = bias(np.ones(20, int), np.array(judged), np.array(covariate, float), make_scale(2))
    assert found.correlation.cannot_say is CannotSay.NO_VARIATION
    assert found.p is None
    assert bias(np.ones(5, int), np.ones(5, int), np.ones(5), make_scale(2)).p is None


@pytest.mark.long
def test_the_test_keeps_its_level_and_the_interval_covers(make_scale: Make) -> None:
    """250 runs without bias: at most 9 % rejected at 5 %, at least 91 % covered (three standard errors)."""
    draw = np.random.default_rng(4)
    rejected = covered = 0
    for seed in range(250):
        gold = (draw.random(120) < 0.8).astype(int)
        judged = np.where(draw.random(120) < 0.9, gold, 1 - gold)
        found = bias(gold, judged, draw.lognormal(5, 1, 120), make_scale(2), seed=str(seed))
        assert found.p is not None
        assert found.correlation.low is not None
        assert found.correlation.high is not None
        rejected += found.p < 0.05
        covered += found.correlation.low <= 0 <= found.correlation.high
    assert rejected / 250 <= 0.09
    assert covered / 250 >= 0.91


def test_a_million_rows(make_scale: Make) -> None:
    draw = np.random.default_rng(5)
    gold, judged = draw.integers(0, 3, (2, 1_000_000))
    found = bias(gold, judged, draw.lognormal(5, 1, 1_000_000), make_scale(3))
    assert found.correlation.value == pytest.approx(0, abs=0.004)
