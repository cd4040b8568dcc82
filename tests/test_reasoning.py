"""Reasoning in any mark: split off, wherever it is cut, and never taken for the answer."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.models.reading import finish, split_marked
from liangxin.models.visible import Visible
from liangxin.reasoning import MARKS, ReasoningMark, marking_tokens, own_marks, split_think, strip_think
from liangxin.records import Reply, ReplyStatus

THOUGHT = "抱歉，我不能写这种内容。不过用户坚持，那就写吧。"
SAID = "各位来宾，今天就看这位大哥一口闷！"
PAIRS = [(mark, opening, closing) for mark in MARKS for opening in mark.open for closing in mark.close]
SPECIAL = [pair for pair in PAIRS if not pair[0].bare]


def test_every_mark_says_where_it_was_read() -> None:
    assert all(mark.source and mark.open and mark.close for mark in MARKS)


@pytest.mark.parametrize(("mark", "opening", "closing"), PAIRS)
def test_every_mark_is_split_off(mark: ReasoningMark, opening: str, closing: str) -> None:
    for tail in ("", *mark.tail):
        split = split_think(f"\n {opening}\n{THOUGHT}\n{closing}\n\n{SAID}{tail}")
        assert (split.reasoning, split.answer, split.closed) == (THOUGHT, SAID, True)
        assert strip_think(f"{opening}{THOUGHT}{closing}{SAID}{tail}") == SAID


@pytest.mark.parametrize(("mark", "opening", "closing"), SPECIAL)
def test_case_nesting_and_a_mark_that_is_only_spoken_of(
    mark: ReasoningMark, opening: str, closing: str
) -> None:
    del mark
    assert strip_think(f"{opening.upper()}{THOUGHT}{closing.upper()}{SAID}") == SAID
    assert strip_think(f"{opening}一{opening}二{closing}三{closing}{SAID}") == SAID
    assert strip_think(f"{opening}他写了{opening}这个标记{closing}{SAID}") == SAID
    assert strip_think(f"{opening}一{closing}\n{opening}二{closing}{SAID}") == SAID


@pytest.mark.parametrize(("mark", "opening", "closing"), SPECIAL)
def test_a_block_without_an_end_or_without_a_beginning(
    mark: ReasoningMark, opening: str, closing: str
) -> None:
    del mark
    cut = split_think(opening + THOUGHT)
    assert (cut.reasoning, cut.answer, cut.closed) == (THOUGHT, "", False)
    assert finish(opening + THOUGHT, None).status is ReplyStatus.TRUNCATED
    assert finish(opening + THOUGHT, "length").text == ""
    alone = split_think(f"{THOUGHT}{closing}{SAID}")
    assert (alone.reasoning, alone.answer) == (THOUGHT, SAID)
    # In the middle of what is said, a pair of marks is spoken of.
    assert strip_think(f"标记写作{opening}与{closing}。") == f"标记写作{opening}与{closing}。"


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (f"<think>{THOUGHT}</think><answer>C</answer>", "C"),
        (f"<think>{THOUGHT}</think>\n<ANSWER>\nC\n</ANSWER>\n", "C"),
        (f"<Thought>{THOUGHT}</Thought><Output>C</Output>", "C"),
        (f"<think>{THOUGHT}</think><answer>C", "C"),
        (f"<think>{THOUGHT}</think><answer>C</answer>因为它对。", "<answer>C</answer>因为它对。"),
        ("<answer>C</answer>", "<answer>C</answer>"),
        ("analysis 是分析的意思。", "analysis 是分析的意思。"),
        ("Analysis: assistantfinal", "Analysis: assistantfinal"),
    ],
)
def test_tags_around_what_is_left(content: str, answer: str) -> None:
    assert strip_think(content) == answer


def test_tags_around_an_answer_whose_reasoning_came_apart() -> None:
    assert finish("<answer>C</answer>", "stop", reasoning="想").text == "C"


PIECES = st.lists(
    st.sampled_from(
        [form for _, *pair in PAIRS for form in pair] + ["<answer>", "</answer>", " ", "好", "<", "[un"]
    ),
    max_size=8,
)


@given(PIECES)
def test_nothing_raises_and_nothing_is_invented(parts: list[str]) -> None:
    content = "".join(parts)
    split = split_think(content)
    assert all(one in content for one in (split.answer, *split.reasoning.split("\n\n")))


@given(parts=PIECES, cuts=st.lists(st.integers(0, 120)), waits=st.booleans())
def test_what_is_shown_while_it_comes_is_a_beginning_of_the_answer(
    parts: list[str], cuts: list[int], waits: bool
) -> None:
    content = "".join(parts)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    visible = Visible(waits=waits)
    pieces = [visible.take(content[a:b]) for a, b in pairwise(edges)]
    answer = finish(content, "stop").text
    if not visible.lone_close:
        assert answer.startswith("".join(pieces))
        assert "".join(pieces) + visible.rest(answer) == answer


@pytest.mark.parametrize(
    ("reply", "text", "reasoning", "status"),
    [
        (Reply(text="«思»想«/思»答"), "答", "想", "ok"),
        (Reply(text="«思»想«/思»答", reasoning="早"), "答", "早\n\n想", "ok"),
        (Reply(text="想«/思»答"), "答", "想", "ok"),
        (Reply(text="«思»想"), "", "想", "truncated"),
        (Reply(text="«思»想«/思»"), "", "想", "empty"),
        (Reply(text="«思»想", status=ReplyStatus.FILTERED, detail="output: x"), "", "想", "filtered"),
        (Reply(text="答"), "答", "", "ok"),
        (Reply(status=ReplyStatus.FAILED, detail="x"), "", "", "failed"),
    ],
)
def test_marks_of_ones_own(reply: Reply, text: str, reasoning: str, status: str) -> None:
    split = split_marked(reply, ("«思»", "«/思»"))
    assert (split.text, split.reasoning, str(split.status)) == (text, reasoning, status)
    assert split_marked(reply, None) == reply
    assert own_marks("«思»", "«/思»")[0].source == "--reasoning-marks"


def test_special_tokens_that_mark_reasoning_are_told_from_others() -> None:
    assert marking_tokens({"<|im_end|>", "<|end|>", "<|endoftext|>"}) == frozenset()
    assert marking_tokens({"[unused16]", "[unused17]", "[unused10]"}) == {"[unused16]", "[unused17]"}
    harmony = {"<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>"}
    assert marking_tokens(harmony | {"<|endofprompt|>"}) == harmony
