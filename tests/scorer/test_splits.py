"""No prompt, model, source or near copy stands on two sides."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liangxin.errors import DataError
from liangxin.near import COPY_GRAM, OVERLAP, near_pairs
from liangxin.scorer.rows import Labelled
from liangxin.scorer.splits import By, split

Rows = Callable[..., list[Labelled]]
SHARES = (0.7, 0.15, 0.15)


@pytest.mark.parametrize("by", ["prompt", "model", "source"])
def test_no_group_is_on_two_sides(by: By, labelled: Rows) -> None:
    rows = labelled(240)
    found = split(rows, by, SHARES, seed=1)
    assert sorted(at for side in found.sides for at in side) == list(range(240))
    groups = [{getattr(rows[at], by) for at in side} for side in found.sides]
    assert all(groups)
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert len(found.sides[0]) >= 0.3 * 240


def test_the_seed_decides(labelled: Rows) -> None:
    rows = labelled(120)
    assert split(rows, "prompt", SHARES, 1) == split(rows, "prompt", SHARES, 1)
    assert split(rows, "prompt", SHARES, 1).sides != split(rows, "prompt", SHARES, 2).sides


def test_near_copies_are_listed_and_kept_together() -> None:
    long = "请问如果在公司里遇到一位总是抢功劳的同事应该怎么样和他好好相处呢谢谢大家的回答"
    rows = [
        Labelled(
            head="*",
            prompt=f"{long}{end}",
            response=f"完全不同的回答{number}" * 3,
            level="safe",
            place=f"f:{number}",
        )
        for number, end in enumerate(("", "！", "？？"), start=1)
    ]
    rows += [
        Labelled(
            head="*",
            prompt=f"第{at}个无关的问题",
            response=f"回答{at}" * 9,
            level="safe",
            place=f"f:{at + 9}",
        )
        for at in range(30)
    ]
    for seed in range(6):
        found = split(rows, "prompt", SHARES, seed)
        assert len({next(i for i, side in enumerate(found.sides) if at in side) for at in (0, 1, 2)}) == 1
        assert {(one.first, one.second) for one in found.near} >= {(0, 1), (0, 2)} or len(found.near) >= 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=30))
def test_overlaps_are_what_counting_says(texts: list[str]) -> None:
    from liangxin.zh import fold

    def grams(text: str) -> set[str]:
        return {fold(text)[at : at + COPY_GRAM] for at in range(len(fold(text)) - COPY_GRAM + 1)}

    for one in near_pairs(texts, "prompt"):
        assert one.first != one.second
        if one.overlap < 1:
            a, b = grams(texts[one.first]), grams(texts[one.second])
            assert len(a & b) / len(a | b) == pytest.approx(one.overlap)
            assert one.overlap >= OVERLAP
    for second, text in enumerate(texts):
        first = next(at for at, other in enumerate(texts) if fold(other) == fold(text))
        if first < second and len(fold(text)) >= COPY_GRAM:
            assert any((one.first, one.second) == (first, second) for one in near_pairs(texts, "prompt"))


def test_a_split_that_cannot_be_made_says_so(labelled: Rows) -> None:
    nameless = [
        Labelled(head="*", prompt=str(at), response="好", level="safe", place=f"f:{at}") for at in range(30)
    ]
    with pytest.raises(DataError, match="f:0: a split by model needs the field model"):
        split(nameless, "model", SHARES, 0)
    two = [one for one in labelled(60) if one.source != "source-0"]
    with pytest.raises(DataError, match="3 different sources at least; the labels have 2"):
        split(two, "source", SHARES, 0)
