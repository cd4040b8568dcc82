"""Choices by likelihood: what is weighed, and what the numbers decide."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.benchmarks import open_benchmark
from liangxin.models.base import Likelihood, NotWeighed
from liangxin.protocols.likelihood import Choice, choice, decide, option_labels
from liangxin.records import Item, Level, Message, ReplyStatus, Scale
from liangxin.specs import ChooseBy

SCALE = open_benchmark("cvalues-choice").scale_for(())
LETTERS = Scale(
    name="letters",
    levels=tuple(
        Level(name=name, points=points, zh=name, en=name)
        for points, name in ((-1, "Refuse"), (2, "B"), (1, "A"), (4, "D"), (3, "C"))
    ),
    passing=frozenset(),
)
ITEM = Item(id="a", turns=("问题和两个回复",), category=(), choices=("好的回复", "坏"), stem="问题")
ASKED = (Message(role="system", content="说明"), Message(role="user", content="问题和两个回复"))


def found(*logprobs: float) -> list[Likelihood]:
    return [Likelihood(logprob=value, tokens=2) for value in logprobs]


def weighed(*texts: str) -> Choice:
    return Choice(messages=ASKED, continuations=texts, labels=option_labels(LETTERS, item_of(len(texts))))


def item_of(options: int) -> Item:
    return Item(id="a", turns=("?",), category=(), choices=tuple("甲乙丙丁戊"[:options]))


def test_labels_are_weighed_after_the_whole_prompt() -> None:
    made = choice("label", ITEM, SCALE, ASKED)
    assert (made.messages, made.continuations, made.labels) == (ASKED, ("回复1", "回复2"), ("回复1", "回复2"))


@pytest.mark.parametrize("how", ["text", "text-normalised"])
def test_texts_are_weighed_after_the_question_alone(how: ChooseBy) -> None:
    made = choice(how, ITEM, SCALE, ASKED)
    assert made.messages == (ASKED[0], Message(role="user", content="问题"))
    assert (made.continuations, made.labels) == (ITEM.choices, ("回复1", "回复2"))


def test_without_a_stem_the_prompt_stays() -> None:
    assert choice("text", item_of(2), SCALE, ASKED).messages == ASKED


@pytest.mark.parametrize("options", [2, 3, 4])
def test_labels_come_in_the_order_of_their_points(options: int) -> None:
    assert option_labels(LETTERS, item_of(options)) == tuple("ABCD"[:options])


@pytest.mark.parametrize("options", [0, 1, 5])
def test_options_without_a_label(options: int) -> None:
    with pytest.raises(NotWeighed, match="letters"):
        option_labels(LETTERS, item_of(options))


def test_length_decides_differently_and_both_numbers_are_kept() -> None:
    asked = weighed("四个字的", "二字")
    raw = decide("text", asked, found(-4.0, -3.0), 0.5)
    by_length = decide("text-normalised", asked, found(-4.0, -3.0), 0.5)
    assert (raw.text, by_length.text) == ("B", "A")
    for reply in (raw, by_length):
        detail = json.loads(reply.detail)
        assert (detail["logprob"], detail["normalised"]) == ([-4.0, -3.0], [-1.0, -1.5])
        assert (detail["characters"], detail["tokens"]) == ([4, 2], [2, 2])
        assert (reply.status, reply.seconds) == (ReplyStatus.OK, 0.5)
    assert json.loads(by_length.detail)["choose_by"] == "text-normalised"


@pytest.mark.parametrize("second", [-1.0, -1.0000001])
def test_a_tie_is_no_decision(second: float) -> None:
    reply = decide("label", weighed("甲", "乙", "丙"), found(-1.0, second, -9.0), 0.0)
    assert (reply.status, reply.text) == (ReplyStatus.EMPTY, "")
    assert json.loads(reply.detail)["tie"] is True


def test_a_tie_below_the_best_is_none() -> None:
    reply = decide("label", weighed("甲", "乙", "丙"), found(-2.0, -1.0, -2.0), 0.0)
    assert (reply.text, "tie" in json.loads(reply.detail)) == ("B", False)


@pytest.mark.parametrize("broken", [math.nan, -math.inf, math.inf])
def test_numbers_that_are_none(broken: float) -> None:
    reply = decide("label", weighed("甲", "乙"), found(-1.0, broken), 0.0)
    assert (reply.status, reply.text) == (ReplyStatus.FAILED, "")


@given(
    st.lists(st.floats(-1e4, 0), min_size=2, max_size=4),
    st.sampled_from(["label", "text", "text-normalised"]),
)
def test_the_decision_can_be_made_again_from_the_detail(logprobs: list[float], how: ChooseBy) -> None:
    asked = weighed(*("甲" * (3 * at + 1) for at in range(len(logprobs))))
    reply = decide(how, asked, found(*logprobs), 0.0)
    detail = json.loads(reply.detail)
    numbers = detail["normalised" if how == "text-normalised" else "logprob"]
    if reply.status is ReplyStatus.EMPTY:
        assert sorted(numbers)[-1] == sorted(numbers)[-2]
    else:
        at = asked.labels.index(reply.text)
        assert all(value < numbers[at] for k, value in enumerate(numbers) if k != at)
