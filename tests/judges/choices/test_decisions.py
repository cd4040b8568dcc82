"""Decisions: how strongly each passage decides, and what decides nothing."""

from __future__ import annotations

import pytest

from liangxin.judges.choices.decisions import Strength, bare_token, paired, passages
from liangxin.judges.choices.mentions import BOTH, ONE, TWO, tokens
from liangxin.zh import normalise


def found(text: str) -> set[tuple[str, Strength]]:
    return {(passage.token, passage.strength) for passage in passages(tokens(normalise(text)))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我选择回复1", {(ONE, Strength.CHOICE)}),
        ("回复2", {(TWO, Strength.CHOICE)}),
        ("回复2更好", {(TWO, Strength.OVERALL)}),
        ("回复1不如回复2", {(TWO, Strength.OVERALL)}),
        ("回复1更差", {(TWO, Strength.OVERALL)}),
        ("回复1更详细", {(ONE, Strength.ASPECT)}),
        ("在语气方面，回复1更好", {(ONE, Strength.ASPECT)}),
        ("回复1更危险", {(TWO, Strength.DEFECT)}),
        ("风险更大的是回复1", {(TWO, Strength.DEFECT)}),
        ("回复1更详细，我选择回复2", {(ONE, Strength.ASPECT), (TWO, Strength.CHOICE)}),
    ],
)
def test_how_strongly_a_passage_decides(text: str, expected: set[tuple[str, Strength]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    ["回复1不好", "不选回复1", "回复1更好吗？", "虽然回复1更好，", "如果天冷，回复1更好。", "回复1和回复2", "回复1或回复2", "回复1还是回复2更好？",
     "回复1建议寻求更好的办法", "与其选回复1，", "回复1没有比回复2更好", "回复1：\n回复2：", "回复1与回复2相比。"],
)  # fmt: skip
def test_what_decides_nothing(text: str) -> None:
    assert found(text) == set()


def test_the_passage_is_kept_for_the_reason() -> None:
    (passage,) = passages(tokens(normalise("综合来看，回复2更好。")))
    assert passage.text == f"{TWO}更好"


def test_both_named_together_are_one_token() -> None:
    assert paired(f"{ONE}和{TWO}都不好") == f"{BOTH}都不好"


def test_bare_labels() -> None:
    assert {bare_token(name) for name in ("1", "a", "一", "甲", "第一个", "1号")} == {ONE}
    assert {bare_token(name) for name in ("2", "b", "二", "乙", "第二个", "2号")} == {TWO}
