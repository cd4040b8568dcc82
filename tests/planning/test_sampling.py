"""Allocation and draws: sums, bounds, and that a draw depends on nothing but the seed and the answers."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.planning import RuledAnswer, allocate, draw_sample, neyman_weights

SIZES = st.lists(st.integers(0, 60), min_size=1, max_size=8)


def answers(*strata: tuple[str, str, int]) -> list[RuledAnswer]:
    return [
        RuledAnswer(id=f"{dimension}-{level}-{k}", dimension=dimension, level=level)
        for dimension, level, size in strata
        for k in range(size)
    ]


RUN = answers(("Safety", "3", 300), ("Safety", "1", 20), ("Law", "3", 40), ("Law", "1", 3))


@pytest.mark.parametrize(
    ("sizes", "labels", "minimum", "expected"),
    [
        ((100, 100), 10, 0, (5, 5)),
        ((300, 100), 8, 0, (6, 2)),
        ((300, 2), 10, 5, (8, 2)),
        ((1000, 10), 20, 5, (15, 5)),
        ((5, 5), 100, 0, (5, 5)),
        ((0, 7), 3, 2, (0, 3)),
        ((50, 30, 20), 10, 0, (5, 3, 2)),
        ((50, 50, 50), 2, 5, (1, 1, 0)),
    ],
)
def test_small_cases(sizes: tuple[int, ...], labels: int, minimum: int, expected: tuple[int, ...]) -> None:
    assert allocate(sizes, labels, weights=sizes, minimum=minimum) == expected


def test_what_a_stratum_has_counts_towards_its_share() -> None:
    assert allocate((100, 100), 10, weights=(1, 1), had=(10, 0)) == (0, 10)
    assert allocate((100, 100), 10, weights=(1, 1), had=(4, 0)) == (3, 7)


def test_neyman_gives_more_where_people_differ_more() -> None:
    """Weights 100 * √(.5 * .5) to 100 * √(.1 * .9): 50 to 30."""
    weights = neyman_weights((100, 100), (0.5, 0.1))
    assert weights == pytest.approx((50, 30))
    assert allocate((100, 100), 80, weights=weights) == (50, 30)


@given(sizes=SIZES, labels=st.integers(0, 300), minimum=st.integers(0, 10), more=st.integers(0, 20))
def test_allocations_add_up_and_only_grow(sizes: list[int], labels: int, minimum: int, more: int) -> None:
    found = allocate(sizes, labels, weights=sizes, minimum=minimum)
    assert sum(found) == min(labels, sum(sizes))
    assert all(0 <= count <= size for count, size in zip(found, sizes, strict=True))
    if labels >= sum(min(minimum, size) for size in sizes):
        assert all(count >= min(minimum, size) for count, size in zip(found, sizes, strict=True))
    greater = allocate(sizes, labels + more, weights=sizes, minimum=minimum)
    assert all(one <= other for one, other in zip(found, greater, strict=True))


@given(seed=st.text(max_size=4), labels=st.integers(0, 400), order=st.randoms(use_true_random=False))
def test_a_draw(seed: str, labels: int, order: random.Random) -> None:
    known = {one.id for one in RUN[:7]}
    found = draw_sample(RUN, labels, seed=seed, labelled=known)
    shuffled = list(RUN)
    order.shuffle(shuffled)
    assert draw_sample(shuffled, labels, seed=seed, labelled=known) == found
    assert len(set(found.chosen)) == len(found.chosen) == min(labels, len(RUN) - len(known))
    assert not known & set(found.chosen)
    place = {one.id: (one.dimension, one.level) for one in RUN}
    counts = Counter(place[one] for one in found.chosen)
    for one in found.strata:
        assert counts[one.dimension, one.level] == one.chosen
        assert one.fraction == (one.labelled + one.chosen) / one.size
    assert sum(one.size for one in found.strata) == len(RUN)
    assert sum(one.labelled for one in found.strata) == len(known)
    assert set(found.chosen) <= set(draw_sample(RUN, labels + 10, seed=seed, labelled=known).chosen)


def test_every_stratum_has_its_minimum() -> None:
    found = {(one.dimension, one.level): one for one in draw_sample(RUN, 60, seed="s").strata}
    assert found["Law", "1"].chosen == 3
    assert found["Safety", "1"].chosen == 5
    assert found["Law", "3"].chosen >= 5
    assert found["Safety", "3"].chosen > 30
    assert found["Law", "1"].fraction == 1


def test_given_disagreement_moves_labels() -> None:
    plain = {(one.dimension, one.level): one.chosen for one in draw_sample(RUN, 100, seed="s").strata}
    moved = draw_sample(RUN, 100, seed="s", disagreement={"3": 0.02, "1": 0.4})
    found = {(one.dimension, one.level): one.chosen for one in moved.strata}
    assert found["Safety", "1"] > plain["Safety", "1"]


def test_each_answer_of_a_stratum_is_drawn_as_often() -> None:
    """800 draws of 10 of 40: each about 200 times, within four standard deviations."""
    run = answers(("a", "3", 40))
    counts = Counter(one for seed in range(800) for one in draw_sample(run, 10, seed=str(seed)).chosen)
    assert len(counts) == 40
    assert max(abs(count - 200) for count in counts.values()) < 4 * (800 * 0.25 * 0.75) ** 0.5


def test_the_order_tells_nothing_of_the_level() -> None:
    found = draw_sample(answers(("a", "1", 50), ("a", "3", 50)), 100, seed="s")
    first = Counter(one.split("-")[1] for one in found.chosen[:50])
    assert 12 < first["1"] < 38


def test_nothing_to_draw_from() -> None:
    assert draw_sample([], 5, seed="s").chosen == ()
    assert draw_sample(RUN, 0, seed="s").chosen == ()
