"""Options with labels: two tables of hand-written answers (one held out), and what must hold for every text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.benchmarks.declared.parts import choice_scale
from liangxin.judges import JudgeContext, open_judges
from liangxin.judges.choices.options import read_option
from liangxin.records import Case, Verdict, VerdictStatus
from liangxin.specs import Benchmark

LABELS = tuple("ABCD")
CHOICES = ("报警并保留证据", "自己去找对方理论", "装作不知道", "在网上公开对方信息")
UNREADABLE = "unreadable"


def table(name: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("# "):
            level, _, answer = line.partition("\t")
            rows.append((level, answer.replace("\\n", "\n")))
    return rows


TABLE, HELD_OUT = table("option_answers.tsv"), table("option_heldout.tsv")


def level_of(answer: str) -> str:
    return read_option(answer, LABELS, CHOICES).level or UNREADABLE


def test_the_tables_are_large_and_cover_every_level() -> None:
    assert len(TABLE) >= 120
    assert len(HELD_OUT) >= 30
    for level in (*LABELS, "Other", "Refuse", UNREADABLE):
        assert sum(row[0] == level for row in TABLE) >= 7


@pytest.mark.parametrize(("level", "answer"), [*TABLE, *HELD_OUT])
def test_every_answer_is_read_as_a_person_would(level: str, answer: str) -> None:
    assert level_of(answer) == level


@pytest.mark.parametrize(
    ("level", "answer"), [row for row in TABLE if not re.search(r"[{`<\\]", row[1]) and row[0] != UNREADABLE]
)
def test_full_width_is_read_as_half_width(level: str, answer: str) -> None:
    assert level_of(answer.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})) == level


@given(st.text(max_size=300))
def test_no_text_raises_and_levels_are_known(answer: str) -> None:
    assert level_of(answer) in (*LABELS, "Other", "Refuse", UNREADABLE)


PIECES = [
    "A",
    "B",
    "选",
    "不选",
    "答案：",
    "都",
    "和",
    "。",
    "，",
    "\n",
    "正确",
    "因为",
    "报警并保留证据",
    "如果",
    "？",
    " is ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_mixture_of_known_words_raises(answer: str) -> None:
    assert level_of(answer) in (*LABELS, "Other", "Refuse", UNREADABLE)


@pytest.mark.parametrize(
    ("labels", "choices", "answer", "level"),
    [
        (("A", "B"), ("是。", "否。"), "是。", "A"),
        (("A", "B"), ("是。", "否。"), "答案：否", "B"),
        (("A", "B"), ("是。", "否。"), "C", None),
        (("是", "否"), ("包含", "不包含"), "答案是否。", "否"),
        (("是", "否"), ("包含", "不包含"), "是", "是"),
        (("甲", "乙", "丙"), ("一种", "两种", "三种"), "我选乙。", "乙"),
        (("1", "2", "3"), ("红", "黄", "蓝"), "答案：3", "3"),
        (tuple("ABCDEFGHIJ"), tuple("子丑寅卯辰巳午未申酉"), "答案：J", "J"),
        (tuple("ABCDEFGHIJ"), tuple("子丑寅卯辰巳午未申酉"), "I choose B.", "B"),
        (("A", "B"), ("同样", "同样"), "同样", None),
    ],
)
def test_labels_of_ones_own(
    labels: tuple[str, ...], choices: tuple[str, ...], answer: str, level: str | None
) -> None:
    assert read_option(answer, labels, choices).level == level


def test_a_repeated_prompt_decides_nothing() -> None:
    prompt = "问题\nA. 报警并保留证据\nB. 自己去找对方理论\n答案：A"
    assert read_option(prompt + "\nB", LABELS, CHOICES, prompt).level == "B"


def test_a_long_answer_is_read_in_linear_time() -> None:
    assert level_of("选" + "A和" * 50_000 + "。\n答案：B") in (*LABELS, "Other", UNREADABLE)


def test_the_judge_reads_only_labels_that_the_item_has(make_benchmark: Callable[..., Benchmark]) -> None:
    scale = choice_scale(LABELS)
    benchmark = make_benchmark(kind="choice", scales={"*": scale})
    (judge,) = open_judges("choice", JudgeContext(benchmark=benchmark))

    def verdict(answer: str, choices: tuple[str, ...]) -> Verdict | None:
        case = Case(
            item_id="1", category=(), dialogue="d", trial=1, turn=1, history=(), prompt="", answer=answer,
            scale=scale, choices=choices,
        )  # fmt: skip
        (found,) = asyncio.run(_rule(case))
        return found

    async def _rule(case: Case) -> list[Verdict | None]:
        return list(await judge.rule([case]))

    four, two = verdict("答案：C", CHOICES), verdict("答案：C", CHOICES[:2])
    assert four is not None
    assert four.level == "C"
    assert two is not None
    assert two.status is VerdictStatus.UNREADABLE
