"""Chinese text: every helper is total, idempotent where it says so, and folds what looks alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.reasoning import strip_think
from liangxin.zh import (
    REPLACEMENT,
    clean_text,
    fold,
    fold_punctuation,
    head_and_tail,
    normalise,
    strip_fence,
    strip_invisible,
)

ANY = st.text(st.characters(exclude_categories=()), max_size=200)
FULL_WIDTH = str.maketrans({code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000})


@given(ANY)
def test_clean_text_can_always_be_written_and_is_idempotent(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert "\0" not in cleaned
    assert clean_text(cleaned) == cleaned


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
def test_clean_text_leaves_writable_text_alone(text: str) -> None:
    assert clean_text(text) == text


def test_clean_text_joins_a_split_pair_and_replaces_a_lone_half() -> None:
    assert clean_text("\ud83d\ude00") == "😀"
    assert clean_text("好\ud83d好") == f"好{REPLACEMENT}好"
    assert clean_text("\udc00\ud800") == REPLACEMENT * 2
    assert clean_text("a\0b") == f"a{REPLACEMENT}b"


@given(ANY)
def test_fold_never_raises_and_its_result_is_writable(text: str) -> None:
    fold(text).encode("utf-8")
    strip_think(text)
    strip_fence(text)


@given(st.text("回复12选AB好更,.:!?()[]{} abcXYZ019", max_size=60))
def test_full_width_and_half_width_fold_to_the_same(text: str) -> None:
    assert fold(text.translate(FULL_WIDTH)) == fold(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("回复\u200b1", "回复1"),
        ("\ufeff回\u2060复１", "回复1"),
        ("\u202e回复1\u202c", "回复1"),
        ("1\ufe0f", "1"),
        ("回复①", "回复1"),
        ("［回复２］", "[回复2]"),
        ("第一行\r\n第二行\r第三行\u2028第四行", "第一行\n第二行\n第三行\n第四行"),
        ("a\x07b\tc", "ab\tc"),
        ("ﾊﾟ", "パ"),
    ],
)
def test_normalise_gives_one_form_to_what_looks_alike(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_fold_makes_every_quotation_mark_and_bracket_one() -> None:
    assert fold_punctuation("“A”‘B’「C」『D』《E》【F】") == '"A"\'B\'"C""D""E"[F]'
    assert fold("我选Ａ。") == "我选a."


def test_strip_invisible_keeps_line_ends_and_tabs() -> None:
    assert strip_invisible("好\t的\n\u200d吧") == "好\t的\n吧"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("回复1", "回复1"),
        ("<think>先想想</think>回复1", "回复1"),
        ("\n <think>\n一\n二\n</think>\n\n回复1", "回复1"),
        ("模板里已有开头</think>回复2", "回复2"),
        ("<think>没有写完，回复1", ""),
        ("<think></think>", ""),
        ("他写了<think>标签</think>这几个字", "他写了<think>标签</think>这几个字"),
        ("<think>一</think>回复1</think>回复2", "回复1</think>回复2"),
    ],
)
def test_strip_think(text: str, expected: str) -> None:
    assert strip_think(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ("```\n回复1\n```\n", "回复1"),
        ("  ```\n一\n二```", "一\n二"),
        ("说明\n```\n回复1\n```", "说明\n```\n回复1\n```"),
        ("```\n一\n```\n```\n二\n```", "```\n一\n```\n```\n二\n```"),
        ("```一```", "```一```"),
        ("```\n没有结尾", "```\n没有结尾"),
        ("``````", "``````"),
        ("没有", "没有"),
    ],
)
def test_strip_fence_removes_one_fence_around_the_whole(text: str, expected: str) -> None:
    assert strip_fence(text) == expected


@given(st.text("甲乙丙丁", max_size=60), st.integers(2, 40))
def test_head_and_tail_keeps_both_ends_and_says_how_much_is_gone(text: str, limit: int) -> None:
    shown = head_and_tail(text, limit, "<{count}>")
    if len(text) <= limit:
        assert shown == text
        return
    half = limit // 2
    head, _, rest = shown.partition("<")
    count, _, tail = rest.partition(">")
    assert (head, tail) == (text[:half], text[-half:])
    assert len(head) + int(count) + len(tail) == len(text)


def test_a_long_run_of_combining_marks_is_folded_whole() -> None:
    hostile = "a" + "\u0315\u0300" * 200_000
    assert len(fold(hostile)) >= 390_000
