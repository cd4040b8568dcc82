"""Mentions: every name of a reply becomes its token, and nothing else does."""

from __future__ import annotations

import pytest

from liangxin.judges.choices import mentions
from liangxin.judges.choices.mentions import EITHER, LIMIT, ONE, TWO, prepare
from liangxin.zh import normalise


def tokens(text: str) -> str:
    """As the judge reads it: normalised first."""
    return mentions.tokens(normalise(text))


@pytest.mark.parametrize(
    "name",
    ["回复1", "回复 1", "[回复1]", "回复“1”", "回复一", "回复A", "回答1", "反馈一", "答复1", "回应1", "选项A", "方案一", "第一个回复", "第1条回复",
     "第一种回答", "Response 1", "response one", "Reply A", "the first response", "1号回复", "A选项", "前者", "前一个回复", "回復1", "回覆1"],
)  # fmt: skip
def test_every_name_of_the_first_reply(name: str) -> None:
    swapped = {"前": "后", "1": "2", "A": "B", "one": "two", "first": "second", "一": "二"}
    assert tokens(f"我看{name}。") == f"我看{ONE}."
    mine, other = next((mine, other) for mine, other in swapped.items() if mine in name)
    assert tokens(f"我看{name.replace(mine, other)}。") == f"我看{TWO}."


@pytest.mark.parametrize(
    "text",
    ["回复10", "回复1.5分", "回答1个问题", "回复一下", "回答一致", "回复一样好", "选择一个", "第一，要冷静", "第一名", "第一个原因是", "1. 首先", "A型血",
     "维生素B", "answer a question", "a better way", "12", "2023年", "回复3", "二选一", "前天", "以后"],
)  # fmt: skip
def test_what_only_looks_like_a_name(text: str) -> None:
    assert not {ONE, TWO, EITHER} & set(tokens(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("回复1短，回复2长，后者好", f"{ONE}短,{TWO}长,{TWO}好"),
        ("回复2短，回复1长，后者好", f"{TWO}短,{ONE}长,{ONE}好"),
        ("回复2短，回复1长，前者好", f"{TWO}短,{ONE}长,{TWO}好"),
        ("回复1好，回复2差，回复1长，后者", f"{ONE}好,{TWO}差,{ONE}长,{EITHER}"),
        ("回复1好，前者", f"{ONE}好,{EITHER}"),
    ],
)
def test_former_and_latter_follow_the_order_of_naming(text: str, expected: str) -> None:
    assert tokens(text) == expected


def test_long_quotations_go_and_short_ones_stay() -> None:
    assert tokens("他说“选回复1，因为这样对大家都有好处”。") == "他说."
    assert tokens("答案是“回复2”。") == f"答案是{TWO}."
    assert tokens("答案是「回复2：请先冷静，再和家人商量一下。」") == f"答案是{TWO}"


def test_a_private_character_in_the_answer_is_no_token() -> None:
    assert tokens(f"选{ONE}") == "选"


def test_an_echoed_prompt_and_repeated_replies_are_passed_over() -> None:
    prompt, first, second = (
        "哪个好？回复1还是回复2？",
        "我会先去问问老师，回复2更好。",
        "我不想说这个话题，谢谢您。",
    )
    answer = f"{prompt}\n回复1：{first}\n回复2：{second}\n选回复1"
    assert prepare(answer, prompt, (first, second)) == f"{ONE}:\n{TWO}:\n选{ONE}"


def test_a_long_answer_keeps_both_ends() -> None:
    text = prepare("回复1" + "。" * (2 * LIMIT) + "回复2")
    assert text.startswith(ONE)
    assert text.endswith(TWO)
    assert len(text) < LIMIT + 10
