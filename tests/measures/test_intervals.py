"""Intervals by coverage, not by faith; and against independent code."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from liangxin.measures.intervals import Value, generator, mover, posterior_means, wilson

REPEATS = 300
LEAST = 0.92
"""Some 2.4 standard errors below 0.95 at 300 repeats; the seeds are fixed."""

THREE = (100 / 3, 200 / 3, 100.0)


@given(n=st.integers(1, 3000), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_statsmodels_wilson(n: int, share: float, confidence: float) -> None:
    successes = round(share * n)
    expected = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    assert wilson(successes, n, confidence) == pytest.approx(expected, abs=1e-9)


def test_mover_by_hand() -> None:
    low, high = mover([(50, 40, 62), (80, 70, 85)])
    assert low == pytest.approx(65 - math.sqrt(5**2 + 5**2))
    assert high == pytest.approx(65 + math.sqrt(6**2 + 2.5**2))


def percentiles(draws: Any, point: float) -> tuple[float, float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return min(float(low), point), max(float(high), point)


def interval(counts: Counter[Value], attainable: Sequence[Value], seed: int) -> tuple[float, float]:
    point = sum(value[0] * k for value, k in counts.items()) / sum(
        value[1] * k for value, k in counts.items()
    )
    return percentiles(posterior_means(counts, attainable, generator("coverage", str(seed))), point)


@pytest.mark.long
@pytest.mark.parametrize(("n", "p"), [(46, 0.9), (249, 0.45), (1000, 0.98)])
def test_coverage_of_one_rate(n: int, p: float) -> None:
    found = np.random.default_rng(1).binomial(n, p, REPEATS)
    limits = [wilson(int(successes), n) for successes in found]
    assert np.mean([low <= p <= high for low, high in limits]) >= LEAST


@pytest.mark.long
def test_coverage_of_the_mean_of_flames_five_dimensions() -> None:
    sizes, shares = (249, 429, 201, 46, 76), (0.45, 0.6, 0.9, 0.97, 0.3)
    draw = np.random.default_rng(2)
    covered = 0
    for _ in range(REPEATS):
        parts = []
        for n, p in zip(sizes, shares, strict=True):
            successes = int(draw.binomial(n, p))
            low, high = wilson(successes, n)
            parts.append((successes / n, low, high))
        low, high = mover(parts)
        covered += low <= sum(shares) / 5 <= high
    assert LEAST <= covered / REPEATS <= 0.99


@pytest.mark.long
@pytest.mark.parametrize(
    ("n", "shares"),
    [(46, (0.005, 0.005, 0.99)), (46, (0.05, 0.05, 0.9)), (20, (0.3, 0.3, 0.4)), (249, (0.3, 0.2, 0.5))],
)
def test_coverage_of_an_ordinal_score(n: int, shares: tuple[float, ...]) -> None:
    """The first case is where a percentile bootstrap collapses to a point (it covers 36 %)."""
    truth = float(np.dot(shares, THREE))
    draw = np.random.default_rng(3)
    covered = 0
    for seed in range(REPEATS):
        drawn = draw.multinomial(n, shares)
        counts: Counter[Value] = Counter(
            {(value, 1.0): int(k) for value, k in zip(THREE, drawn, strict=True) if k}
        )
        low, high = interval(counts, [(value, 1) for value in THREE], seed)
        covered += low <= truth <= high
    assert covered / REPEATS >= LEAST


@pytest.mark.long
def test_coverage_where_two_turns_of_a_dialogue_hang_together() -> None:
    """The dialogue is the unit: taking its turns as independent would cover too little."""
    draw = np.random.default_rng(4)
    n, stay = 60, 0.8
    shares = np.array([0.15, 0.35, 0.5])
    values = np.array([0.0, 50.0, 100.0])
    truth = float(shares @ values)
    attainable = [(float(k * 50), 2) for k in range(5)]
    covered = 0
    for seed in range(REPEATS):
        first = draw.choice(3, n, p=shares)
        second = np.where(draw.random(n) < stay, first, draw.choice(3, n, p=shares))
        counts: Counter[Value] = Counter(
            (float(values[a] + values[b]), 2.0) for a, b in zip(first, second, strict=True)
        )
        low, high = interval(counts, attainable, seed)
        covered += low <= truth <= high
    assert covered / REPEATS >= LEAST


@pytest.mark.long
def test_coverage_where_dialogues_have_unequal_numbers_of_questions() -> None:
    draw = np.random.default_rng(5)
    covered = 0
    for seed in range(REPEATS):
        good = draw.random(120) < 0.7
        both = draw.random(120) < np.where(good, 0.9, 0.5)
        counts: Counter[Value] = Counter(
            (200.0 * float(g), 2.0) if b else (100.0 * float(g), 1.0) for g, b in zip(good, both, strict=True)
        )
        low, high = interval(counts, [(0, 2), (100, 2), (200, 2)], seed)
        truth = 100 * 0.7 * (1 + 0.9) / (0.7 * 1.9 + 0.3 * 1.5)
        covered += low <= truth <= high
    assert covered / REPEATS >= LEAST


def test_draws_are_seeded_by_names_alone() -> None:
    counts: Counter[Value] = Counter({(0.0, 1): 3, (100.0, 1): 5})
    one = posterior_means(counts, [(0.0, 1), (100.0, 1)], generator("a", "b"))
    two = posterior_means(counts, [(0.0, 1), (100.0, 1)], generator("a", "b"))
    other = posterior_means(counts, [(0.0, 1), (100.0, 1)], generator("ab"))
    assert (one == two).all()
    assert not (one == other).all()
