"""Every table of the command line, at 80 and 120 columns, in both languages, in a terminal and in a pipe."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.cli.layout import TextTable, width_of, wrapped
from testbench.command import liangxin
from testbench.every_command import furnish, write_rows
from testbench.speech.terminals import in_terminal, piped

pytest.importorskip("sklearn")

CLI = Path(__file__).parents[2] / "src" / "liangxin" / "cli"
LINES = {
    "_score_table": "scores a",
    "_corrected_table": "scores b",
    "print_runs": "runs",
    "show_run": "runs show a",
    "_print_strata": "sample c --for-labels 4 --judge rule --output drawn.csv",
    "print_plan": "plan --sensitivity 90 --specificity 80 --rate 70 --items 1000 --margin 5",
    "_board": "leaderboard own.toml",
    "_board of a paper": "leaderboard flames",
    "_tests": "compare a b --judge labels:safety-a.jsonl --judge labels:safety-b.jsonl",
    "_say_alike": "compare picked b --judge choice --judge labels:safety-b.jsonl",
    "_confusion": "validate a --judge rule --gold labels:refusals.jsonl",
    "_confusion of a repetition": "validate a --judge rule --probe repeat",
    "statistics_table": "validate many --judge rule --gold labels:many-refusals.jsonl",
    "_by_dimension": "validate many --judge rule --gold labels:many-refusals.jsonl",
    "_print_probe": "validate --benchmark cvalues-safety --judge rule --probe injection",
    "put_ranking": "scorer evaluate",
    "put_figures": "scorer evaluate --labels pairs.jsonl",
}
"""A command line for each function that makes a table; what stands behind the name says what is special."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs a, b (partly labelled), c, `many` with enough labels for numbers, and `picked`, of choices."""
    made = tmp_path_factory.mktemp("tables")
    furnish(made)
    names = ["公平", "Non-environmental friendliness", "个人信息与隐私保护", "Law"]
    rows = [{"id": f"m{at}", "q": f"第{at}问：怎么办？", "c": names[at % 4]} for at in range(60)]
    for row in rows:
        row |= {"e": "refuse" if len(row["id"]) % 2 else "answer", "r": "参考"}
    write_rows(made / "many.jsonl", rows)
    answers = [
        {"id": row["id"], "response": "抱歉，我不能帮您做这件事。" if at % 3 else "可以先当面好好商量。"}
        for at, row in enumerate(rows)
    ]
    write_rows(made / "many-answers.jsonl", answers)
    levels = [
        row | {"level": "refused" if at % 3 and at % 7 else "complied", "annotator": who}
        for at, row in enumerate(answers)
        for who in ("甲", "乙")
    ]
    write_rows(made / "many-refusals.jsonl", levels)
    pairs = [
        {
            "id": f"p{at}",
            "question": f"怎样和第{at}位邻居相处？",
            "options": ["当面商量", "半夜砸门"],
            "answer": "A",
        }
        for at in range(8)
    ]
    write_rows(made / "choices.jsonl", pairs)
    (made / "choices.toml").write_text(CHOICES, encoding="utf-8")
    picked = [{"id": f"p{at}", "response": "A" if at % 3 else "B"} for at in range(8)]
    write_rows(made / "picked.jsonl", picked)
    for line in (
        "run own.toml --data many.jsonl --model replay:many-answers.jsonl --judge rule --name many",
        "run own.toml --model replay:own-c.jsonl --judge rule --name c",
        "run choices.toml --model replay:picked.jsonl --judge choice --name picked",
        "validate a --judge rule --gold labels:refusals.jsonl",
    ):
        done = liangxin(made, *line.split())
        assert done.returncode == 0, done.stderr
    part = [json.loads(line) for line in (made / "refusals.jsonl").read_text(encoding="utf-8").splitlines()]
    write_rows(made / "part.jsonl", part[:4])
    done = liangxin(made, *["judge", "b", "--judge", "labels:part.jsonl", "--judge", "rule"])
    assert done.returncode == 0, done.stderr
    return made


CHOICES = """\
name = "own-choices"
kind = "choice"
title = "自编选择题"
data.file = "choices.jsonl"
fields = { id = "id", question = "question", options = "options", answer = "answer" }
choice.labels = ["A", "B"]
measures = [{ name = "acc" }]
card = { overview = "无", task = "无", data = "无", scoring = "无", limits = "无", citation = "无" }
"""


def makers() -> Iterator[str]:
    """The functions that make a table."""
    for path in CLI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name != "plain_table":
                calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
                if any(getattr(one.func, "id", "") == "plain_table" for one in calls):
                    yield node.name


def test_every_table_is_rendered_here() -> None:
    assert {name.partition(" of ")[0] for name in LINES} == set(makers())


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z][A-Za-z_]{2,}", text))


@pytest.mark.long
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", LINES)
def test_a_table_fits_and_breaks_no_word(folder: Path, name: str, language: str) -> None:
    whole = piped(folder, LINES[name], language=language, columns=1000)
    assert "liangxin: " not in whole, whole
    assert "─" in whole or "│" in whole, whole
    for columns in (80, 120):
        shown = in_terminal(folder, LINES[name], language=language, columns=columns)
        into_pipe = piped(folder, LINES[name], language=language, columns=columns)
        for text in (shown, into_pipe):
            known = words(whole)
            broken = {one for one in words(text) if one not in known}
            assert not broken, (columns, broken, text)
        tables = [line for line in shown.splitlines() if not line.startswith(("\x1b", "\r"))]
        told = whole.splitlines()
        wide = [line for line in tables if width_of(line) > columns and line not in told]
        assert not wide, (columns, wide)


@pytest.mark.long
@pytest.mark.parametrize("name", LINES)
def test_a_table_is_in_one_language(folder: Path, name: str) -> None:
    """In English nothing of ours is Chinese; what the data say stands as they say it, and so does 样例·非成绩."""
    shown = piped(folder, LINES[name], language="en", columns=120)
    theirs = {
        "自编选择题",
        "自编",
        "样例·非成绩",
        "公平",
        "个人信息与隐私保护",
        "家",
        "邻",
        "拒答",
        "安全引导",
    }
    shown = re.sub("[" + "".join(theirs) + "]", "", shown)
    assert not re.search("[\u4e00-\u9fff]", shown), shown
    chinese = piped(folder, LINES[name], language="zh", columns=120)
    ours = (
        "judge band",
        "sampling only",
        "interval",
        "verdict:",
        "missing",
        "headline",
        "cannot say",
        "value",
    )
    assert not [one for one in ours if one in chinese], chinese


@given(
    st.lists(
        st.lists(st.text(alphabet="ab Çé，。（中文字长词[1.5]", max_size=30), min_size=3, max_size=3),
        max_size=4,
    ),
    st.integers(20, 140),
)
def test_a_table_keeps_what_is_in_it(rows: list[list[str]], width: int) -> None:
    table = TextTable("名称 name", "value", "说明", right=(1,))
    for row in rows:
        table.add_row(*row)
    lines = list(table.lines(width))
    assert all(width_of(line) <= width for line in lines)
    shown = "".join("".join(lines).split())
    for row in rows:
        for cell in row:
            for piece in cell.split():
                assert set(piece) <= set(shown)


@given(st.text(max_size=200), st.integers(2, 100))
def test_wrapping_loses_nothing_and_is_never_too_wide(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width_of(line) <= max(width, 2) for line in lines)


def test_no_word_is_broken_that_fits() -> None:
    text = "误差带没有或太宽时，人工标注可以衡量评审：liangxin sample RUN --for-labels 240（约 [12.3, 45.6]）"
    for width in range(16, 120):
        for line in wrapped(text, width):
            assert width_of(line) <= width
            assert not re.search(r"[a-z]$", line) or line.endswith(("liangxin", "sample", "labels")), line
            assert not line.startswith(("，", "：", "）", "。"))
            assert not line.endswith("（")
            assert line.count("[") == line.count("]")
