"""Holm's adjustment against statsmodels; rank sets by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from liangxin.inference.multiple import holm, rank_sets


@settings(max_examples=20)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_statsmodels(p: list[float]) -> None:
    assert holm(p).tolist() == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_holm_of_nothing() -> None:
    assert holm([]).tolist() == []


def test_ranks_by_hand() -> None:
    """The first beats all; the others are not told apart; the last pair was never tested."""
    p = np.array([[1, 0.001, 0.002, 0.003], [1, 1, 0.5, 0.4], [1, 1, 1, np.nan], [1, 1, 1, 1]])
    assert rank_sets([90, 80, 75, 70], p) == [(1, 1), (2, 4), (2, 4), (2, 4)]
    assert rank_sets([90, 80, 75, 70], np.ones((4, 4))) == [(1, 4)] * 4
    assert rank_sets([50.0], np.ones((1, 1))) == [(1, 1)]


def test_overlapping_limits_do_not_make_a_tie() -> None:
    """What decides is the pair's own test, not whether two intervals overlap."""
    assert rank_sets([81, 80], np.array([[1, 0.01], [1, 1]])) == [(1, 1), (2, 2)]


@pytest.mark.long
def test_all_rank_sets_hold_their_rank_at_once() -> None:
    """Six models, two pairs of equals; 2,000 tables of pairwise z-tests: all sets right in at least 95 %."""
    truth = np.array([0, 0, 1, 1, 1.5, 4])
    draw = np.random.default_rng(1)
    wrong = 0
    for _ in range(2000):
        seen = truth + draw.normal(0, 0.5, 6)
        p = 2 * norm.sf(np.abs(seen[:, None] - seen) / (0.5 * np.sqrt(2)))
        sets = rank_sets(seen, p)
        for model, (low, high) in enumerate(sets):
            best, worst = 1 + (truth > truth[model]).sum(), (truth >= truth[model]).sum()
            if low > best or high < worst:
                wrong += 1
                break
    assert wrong / 2000 <= 0.05
