"""Frames, report, export, further judges; the short repr and the one of notebooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars
import pytest

import liangxin
from liangxin.api.frames import ROW_COLUMNS, SCORE_COLUMNS

Write = Callable[[str, Sequence[dict[str, object]]], str]
HOSTILE = "<script>window.hacked=1</script><img src=x onerror=hack()>\u202e\x1b[31m</table></details>"


@pytest.fixture
def result(files: dict[str, Any]) -> liangxin.Result:
    result: liangxin.Result = liangxin.run("flames", **files, name="first")
    return result


def test_scores_are_the_summarys(result: liangxin.Result) -> None:
    told = result.summary["scores"]
    assert isinstance(told, list)
    frame = result.scores
    assert frame.columns[:17] == list(told[0])
    for row, one in zip(frame.iter_rows(named=True), told, strict=True):
        reasons = {entry["reason"]: entry["count"] for entry in row["missing_by_reason"]}
        assert {key: row[key] for key in one} | {"missing_by_reason": reasons} == one
        assert (row["run"], row["name"], row["benchmark"], row["sample"]) == (
            result.run,
            "first",
            "flames",
            False,
        )
    (overall,) = frame.filter(measure="harmless_rate", group="overall")["value"]
    assert overall == 50.0


def test_frames_have_their_columns_where_there_is_nothing(files: dict[str, Any]) -> None:
    result = liangxin.run("flames", **{**files, "judge": "none"})
    assert dict(result.scores.schema) == dict(SCORE_COLUMNS)
    assert dict(result.rows.schema) == dict(ROW_COLUMNS)
    assert (result.scores.height, result.verdicts.height, result.turns.height) == (0, 0, 4)
    assert result.verdicts.columns[-3:] == ["verdict_status", "confidence", "reason"]


def test_rows_are_the_exports(result: liangxin.Result, folder: Path) -> None:
    assert result.export(folder / "rows.jsonl") == 4
    lines = (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert result.rows.to_dicts() == [json.loads(line) for line in lines]
    result.export("rows.parquet")
    assert result.rows.equals(polars.read_parquet("rows.parquet").select(result.rows.columns))


def test_a_whole_run_is_taken_along(result: liangxin.Result) -> None:
    assert result.export("run.db") > 0
    assert liangxin.load("first", store="run.db").summary == result.summary


def test_only_this_results_judges_are_shown(result: liangxin.Result) -> None:
    ruled = result.judge("rule")
    assert [one.partition("@")[0] for one in ruled.judges] == ["rule"]
    assert set(ruled.verdicts["judge"]) == set(ruled.judges)
    assert set(result.verdicts["judge"]) == set(result.judges)
    both = liangxin.load("first")
    assert both.judges == result.judges + ruled.judges
    assert (both.rows.height, both.turns.height, both.verdicts.height) == (8, 4, 8)
    assert liangxin.load("first", judge="rule").scores.equals(ruled.scores)


def test_a_turn_without_a_verdict_of_this_judge_has_one_row(result: liangxin.Result, write: Write) -> None:
    write("some.jsonl", [{"prompt": "题一", "response": "答题一", "level": "3"}])
    some = result.judge("labels:some.jsonl")
    assert sorted(some.rows["judge"].to_list()) == ["", "", "", some.judges[0]]
    assert (some.turns.height, some.verdicts.height) == (4, 1)


def test_judging_wants_a_judge(result: liangxin.Result) -> None:
    with pytest.raises(liangxin.UsageError, match="no judge is named"):
        result.judge()
    with pytest.raises(liangxin.UnknownName, match="rule"):
        result.judge("ruel")


def test_a_report_of_several(result: liangxin.Result, folder: Path) -> None:
    other = liangxin.run("cvalues-safety", model=liangxin.FunctionModel("m", lambda _: "抱歉，我不能。"))
    assert liangxin.write_report([result, other], folder / "both.html") == folder / "both.html"
    page = (folder / "both.html").read_text(encoding="utf-8")
    assert "function:m" in page
    assert "样例·非成绩" in page
    assert result.report("one.html").exists()
    elsewhere = liangxin.run("flames", model="replay:answers.jsonl", data="data.jsonl", store="other.db")
    with pytest.raises(liangxin.UsageError, match="one store"):
        liangxin.write_report([result, elsewhere], "x.html")
    with pytest.raises(liangxin.LiangxinError, match="cannot be written"):
        result.report("absent/x.html")


def test_repr_is_one_short_line(result: liangxin.Result) -> None:
    assert repr(result) == "<Result 'first': flames, replay:answers.jsonl; judges=1>"
    sample = liangxin.run("flames", model=liangxin.FunctionModel("m", lambda _: "好"), limit=1)
    assert "样例·非成绩" in repr(sample)


class Tags(HTMLParser):
    """Counts open tags, and keeps the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.open.append(tag)
        assert {name for name, _ in attrs} <= {"style"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_shows_each_value_with_what_belongs_to_it(result: liangxin.Result) -> None:
    tags = Tags(result._repr_html_())
    assert not tags.open
    assert {"table", "details"} <= tags.seen
    for text in (
        "无害率 Harmless rate",
        "50.00",
        "95% 区间",
        "缺失",
        "最坏–最好",
        "first",
        "labels:labels.jsonl@",
    ):
        assert text in tags.text
    assert "样例" not in tags.text
    for row in result.scores.filter(group="overall").iter_rows(named=True):
        assert f"{row['value']:.2f}" in tags.text
        assert f"[{row['low']:.1f}, {row['high']:.1f}]" in tags.text


def test_html_begins_with_the_headline_and_names_what_is_not_given() -> None:
    model = liangxin.FunctionModel("m", lambda _: "可以先和家人商量，再去医院看看。")
    page = Tags(liangxin.run("cvalues-responsibility", model=model, limit=6, name="mine")._repr_html_())
    assert not page.open
    assert (
        page.text.index("安全率 Safe rate")
        < page.text.index("拒答率 Refusal rate")
        < page.text.index("评审 judge rule")
    )
    assert (
        "未给出 not given: responsibility_score: `liangxin judge mine --judge llm:MODELSPEC`, 6 次调用"
        in page.text
    )
    assert page.text.count("responsibility_score") == 1


def test_html_of_a_sample_says_so_and_hostile_text_does_nothing(write: Write) -> None:
    def answer(_messages: list[dict[str, str]]) -> str:
        raise RuntimeError(HOSTILE)

    model = liangxin.FunctionModel("<script>1</script>", answer)
    result = liangxin.run("flames", model=model, name="<b>x</b>\u202e")
    tags = Tags(result._repr_html_())
    assert not tags.open
    assert tags.seen <= {
        "div",
        "strong",
        "code",
        "span",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
    }
    assert "样例·非成绩" in tags.text
    assert "64 (调用失败" in tags.text or "失败" in tags.text
    assert "\u202e" not in tags.text
    assert "\x1b" not in tags.text
