"""The seeded order: a fair prefix, whole units, stable under a larger limit."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from liangxin.data import stratified_order

INDEX = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=60).map(
    lambda categories: [(k, f"u{k // 2}", categories[k - k % 2]) for k in range(len(categories))]
)


@given(index=INDEX, seed=st.integers(0, 5))
def test_every_position_once_and_units_together(index: list[tuple[int, str, str]], seed: int) -> None:
    order = list(stratified_order(index, seed))
    assert sorted(position for _, position in order) == [position for position, _, _ in index]
    ranks = [unit_rank for unit_rank, _ in order]
    assert ranks == sorted(ranks)
    units = {position: unit for position, unit, _ in index}
    for rank in set(ranks):
        assert len({units[position] for unit_rank, position in order if unit_rank == rank}) == 1


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5), share=st.floats(0.0, 1.0))
def test_a_prefix_holds_every_category_by_its_share(sizes: list[int], share: float) -> None:
    index = [
        (position, f"u{position}", category)
        for position, category in enumerate(c for c, size in enumerate(sizes) for _ in range(size))
    ]
    named = [(position, unit, str(category)) for position, unit, category in index]
    first = round(share * len(named))
    taken = Counter(named[position][2] for _, position in list(stratified_order(named, 1))[:first])
    for category, size in enumerate(sizes):
        assert abs(taken[str(category)] - size * first / len(named)) <= 1 + len(sizes) / 2


def test_another_seed_gives_another_order() -> None:
    index = [(position, f"u{position}", "one") for position in range(50)]
    assert list(stratified_order(index, 1)) != list(stratified_order(index, 2))
    assert list(stratified_order(index, 1)) == list(stratified_order(index, 1))


RELEASED = [
    (0, 4), (0, 5), (0, 9), (0, 10), (1, 6), (1, 11), (2, 2), (2, 3), (2, 7), (2, 8), (3, 0), (3, 1),
]  # fmt: skip


def test_the_order_stays_what_it_was() -> None:
    """A stored run's order is made anew by no later release: of these units, as released."""
    index = [(k, f"u{k % 7 // 2 + k // 7}", "甲" if k % 3 else "乙") for k in range(12)]
    assert list(stratified_order(index, 3)) == RELEASED
