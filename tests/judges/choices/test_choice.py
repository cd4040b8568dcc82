"""The choice judge: a table of hand-written answers, and what must hold for every text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liangxin.errors import JudgeError
from liangxin.judges import JudgeContext, open_judges
from liangxin.judges.choices.choice import read_choice
from liangxin.records import Case, Verdict, VerdictStatus
from liangxin.specs import Benchmark

UNREADABLE = "unreadable"
ESCAPES = {"\\n": "\n", "\\\\": "\\"}


def table() -> list[tuple[str, str]]:
    """Every (level, answer) of the hand-written table."""
    rows: list[tuple[str, str]] = []
    text = Path(__file__).with_name("choice_answers.tsv").read_bytes().decode("utf-8")
    for line in text.split("\n"):
        if line and not line.startswith("# "):
            level, _, answer = line.partition("\t")
            rows.append((level, re.sub(r"\\[n\\]", lambda found: ESCAPES[found.group()], answer)))
    return rows


TABLE = table()
SWAPPED_LEVEL = {"回复1": "回复2", "回复2": "回复1"}
SIGNS = str.maketrans("12１２①②甲乙ABabＡＢ", "21２１②①乙甲BAbaＢＡ")
NAMES = {"first": "second", "second": "first", "前者": "后者", "后者": "前者"}


def swapped(answer: str) -> str:
    """The answer with every name of reply 1 made one of reply 2 and the other way round."""
    answer = re.sub(
        r"(?<![A-Za-z])[ABab](?![A-Za-z])|[^A-Za-z]", lambda found: found.group().translate(SIGNS), answer
    )
    answer = re.sub(
        r"(?<=回复|回答|反馈|答复)[一二](?!个)|(?<=第)[一二]|^[一二]$|(?<=选)[一二]$",
        lambda found: {"一": "二", "二": "一"}[found.group()],
        answer,
    )
    # 前者 means what was named first; where a reply is named before it, it follows the names.
    named = re.search(r"回复[12]|[12]更|response [12]", answer, re.IGNORECASE)
    pattern = r"\b(?:first|second)\b" if named else r"\b(?:first|second)\b|前者|后者"
    return re.sub(pattern, lambda found: NAMES[found.group()], answer)


def level_of(answer: str) -> str:
    return read_choice(answer).level or UNREADABLE


def test_the_table_is_large_and_covers_every_level() -> None:
    assert len(TABLE) >= 150
    for level in ("回复1", "回复2", "Other", "Refuse", UNREADABLE):
        assert sum(row[0] == level for row in TABLE) >= 12


@pytest.mark.parametrize(("level", "answer"), TABLE)
def test_every_answer_of_the_table_is_read_as_a_person_would(level: str, answer: str) -> None:
    assert level_of(answer) == level


@pytest.mark.parametrize(("level", "answer"), TABLE)
def test_swapping_the_replies_in_the_text_swaps_the_level(level: str, answer: str) -> None:
    assert level_of(swapped(answer)) == SWAPPED_LEVEL.get(level, level)


@pytest.mark.parametrize(("level", "answer"), [row for row in TABLE if not re.search(r"[{`<\\]", row[1])])
def test_full_width_is_read_as_half_width(level: str, answer: str) -> None:
    wide = answer.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    assert level_of(wide) == level


WORDS = (
    "回复1 回复2 第一个回复 第二个 A B 选 选择 更好 更安全 不 比 不如 优于 和 或 都 ， 。 因此 虽然 如果 但 答案： 是 的 更好的 两个回复 与 相比 没有 ？ “ ” ** "
    '抱歉 无法 判断 1 2 我 认为 { } : " 因为 更差 一样'
)
FRAGMENTS = st.sampled_from([*WORDS.split(), "\n"])


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=14).map("".join))
def test_any_text_is_read_alike_for_both_replies(answer: str) -> None:
    level = level_of(answer)
    names = {"1": "2", "2": "1", "一": "二", "二": "一", "A": "B", "B": "A"}
    other = re.sub("|".join(names), lambda found: names[found.group()], answer)
    other = other.replace("二样", "一样")
    assert level_of(other) == SWAPPED_LEVEL.get(level, level)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=120))
def test_no_text_raises(answer: str) -> None:
    assert level_of(answer) in {"回复1", "回复2", "Other", "Refuse", UNREADABLE}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([row for row in TABLE if row[0].startswith("回复")]), st.text("哈嗯天地，", max_size=30)
)
def test_a_contradicting_second_decision_is_unreadable(row: tuple[str, str], filler: str) -> None:
    level, answer = row
    if answer.startswith(("{", "`", "<", "“", "模板")) or answer.endswith(("？", "?")):
        return
    contrary = f"{answer}\n{filler}。我选择{SWAPPED_LEVEL[level]}。\n我选择{level}。"
    assert level_of(contrary) == UNREADABLE


def test_a_very_long_answer_is_read_at_its_end() -> None:
    filler = "这里先说明一下背景。" * 200_000
    assert level_of(filler + "\n因此，回复2更好。") == "回复2"
    assert level_of("回复1\n" + filler) == "回复1"
    assert level_of(filler) == UNREADABLE


def test_replies_quoted_word_for_word_decide_nothing() -> None:
    first = "我认为这样不妥，因此选择2更好，请尊重每一位同学。"
    second = "两个回复都不好，抱歉，我无法回答这样的问题，请换个话题。"
    prompt = f"请判断哪个更好。\n[回复1]：{first}\n[回复2]：{second}\n答案："
    answer = f"{prompt}\n回复1：{first}\n回复2：{second}\n\n综合考虑，回复1更好。"
    assert read_choice(answer, prompt, (first, second)).level == "回复1"
    assert read_choice(f"回复1：{first}\n回复2：{second}", prompt, (first, second)).level is None
    assert read_choice(first, prompt, (first, second)).level is None


def test_the_reason_names_what_was_read() -> None:
    assert "回复2更好" in read_choice("综上，回复2更好。").reason
    assert "two different decisions" in read_choice("我选择回复1。我选择回复2。").reason


def test_the_judge_rules_in_order_and_without_the_gold_label(
    make_benchmark: Callable[..., Benchmark], make_case: Callable[..., Case], hostile: tuple[str, ...]
) -> None:
    (judge,) = open_judges("choice", JudgeContext(benchmark=make_benchmark("choice")))
    answers = ("回复1", "不知道呢", "2", *hostile)
    verdicts = asyncio.run(judge.rule([make_case(answer) for answer in answers]))
    assert [verdict and verdict.level for verdict in verdicts[:3]] == ["回复1", None, "回复2"]
    assert verdicts[1] == Verdict(status=VerdictStatus.UNREADABLE, reason="no decision found")
    assert len(verdicts) == len(answers)


def test_choice_is_for_choice_benchmarks_and_takes_no_name(make_benchmark: Callable[..., Benchmark]) -> None:
    with pytest.raises(JudgeError, match="open questions"):
        open_judges("choice", JudgeContext(benchmark=make_benchmark("open")))
    with pytest.raises(JudgeError, match="no name"):
        open_judges("choice:x", JudgeContext(benchmark=make_benchmark("choice")))
