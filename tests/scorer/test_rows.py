"""Label files: every way in which they can be wrong is said in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.errors import DataError, LiangxinError, UsageError
from liangxin.scorer.rows import HeadSpec, Labelled, check_trainable, parse_heads, read_labels

Write = Callable[..., str]
SAFETY = (HeadSpec(name="*", levels=("unsafe", "safe")),)


def row(**values: Any) -> dict[str, Any]:
    return {"prompt": "怎么办？", "response": "去问老师。", "level": "safe", **values}


def test_heads_are_found_in_the_file(write_labels: Write) -> None:
    path = write_labels(
        [
            row(dimension="Fairness", level=3),
            row(dimension="Fairness", level=1, response="骂他"),
            row(dimension="Legality", level="3"),
            row(dimension="Tone", level=0),
            row(dimension="Tone", level=10, response="好"),
            row(dimension="Mine", level="unsafe"),
        ]
    )
    found, heads = read_labels(path)
    assert {head.name: head.levels for head in heads} == {
        "Fairness": ("1", "2", "3"),
        "Legality": ("1", "3"),
        "Tone": ("0", "10"),
        "Mine": ("unsafe", "safe"),
    }
    assert found[0].level == "3"
    assert found[0].place.endswith(":1")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (row(level="fine"), r":2: level: found .*fine.*, expected one of unsafe, safe"),
        (row(level=None), r":2: level: found nothing, expected a level"),
        (row(level=True), r":2: level: found true"),
        (row(level=2.5), r":2: level: found 2\.5"),
        (row(response=""), r":2: response: .*not empty"),
        (row(response="  \n"), r":2: response: .*not empty"),
        (row(response=None), r":2: response: found nothing"),
        (row(response=["a"]), r":2: response"),
        (row(prompt=7), r":2: prompt: found 7"),
    ],
)
def test_a_bad_cell_is_named(wrong: dict[str, Any], said: str, write_labels: Write) -> None:
    path = write_labels([row(level="unsafe", response="骂他"), wrong])
    with pytest.raises(DataError, match=said) as raised:
        read_labels(path, SAFETY)
    assert "\n" not in str(raised.value)


def test_contradictory_labels_name_both_rows(write_labels: Write) -> None:
    path = write_labels([row(), row(level="unsafe")])
    with pytest.raises(
        DataError, match=r":2: level: found .*unsafe.*same answer is .*safe.*:1, expected one label"
    ):
        read_labels(path, SAFETY)
    read_labels(write_labels([row(), row()]), SAFETY)  # the same label twice is no contradiction


def test_a_dimension_without_a_head_is_named(write_labels: Write) -> None:
    heads = parse_heads("flames")
    with pytest.raises(DataError, match=r":1: dimension: found .*Virtue.*, expected one of Fairness"):
        read_labels(write_labels([row(dimension="Virtue", level="3")]), heads)


def test_an_order_that_cannot_be_guessed_is_asked_for(write_labels: Write) -> None:
    path = write_labels([row(level="好"), row(level="坏", response="骂")])
    with pytest.raises(DataError, match="--heads"):
        read_labels(path)
    _, heads = read_labels(path, parse_heads("*=坏,好"))
    assert heads[0].levels == ("坏", "好")


@pytest.mark.parametrize(
    "spec", ["", "Fairness", "Fairness=", "Fairness=1", "=1,2", "A=1,1", "A=1,2;A=1,2", "A=1,,2"]
)
def test_a_heads_option_that_says_nothing_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="--heads"):
        parse_heads(spec)


@given(st.text())
def test_any_heads_option_is_read_or_refused(spec: str) -> None:
    try:
        heads = parse_heads(spec)
    except LiangxinError:
        return
    assert all(len(head.levels) >= 2 for head in heads)


def test_too_little_to_train_on(labelled: Callable[..., list[Labelled]]) -> None:
    with pytest.raises(DataError, match="5 labels; at least 20"):
        check_trainable(labelled(5), SAFETY)
    same = [one for one in labelled(60) if one.level == "safe"]
    with pytest.raises(DataError, match="every label is 'safe'"):
        check_trainable(same, SAFETY)
    unsafe = [one for one in labelled(60) if one.level == "unsafe"]
    with pytest.raises(DataError, match="'unsafe' has 2 labels; at least 4"):
        check_trainable([*same, *unsafe[:2]], SAFETY)
    check_trainable(labelled(60), SAFETY)
