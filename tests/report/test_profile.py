"""One model's benchmarks beside each other: every cell is the run's own number, with n and interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.engine.results import RunResult
from liangxin.records import Exchange, Item, Reply, ReplyStatus, Verdict
from liangxin.report import render
from liangxin.report.numbers import figure, span

FLAMES = BENCHMARKS.get("flames")
SAFETY = BENCHMARKS.get("cvalues-safety")
RESPONSIBILITY = BENCHMARKS.get("cvalues-responsibility")
Stage = Any
Parse = Callable[[str], Any]


def asked(item: Item, _turn: int, _trial: int) -> Reply:
    if item.id.endswith("-3"):
        return Reply(status=ReplyStatus.FILTERED, detail="output: sensitive")
    return Reply(text=f"答 {item.id}")


def items(count: int) -> list[Item]:
    return [Item(id=f"q-{k}", turns=(f"第 {k} 问",), category=("Fairness",)) for k in range(count)]


def results(
    stage: Stage, *, count: int = 40, sample: bool = False, model: str = "openai:甲"
) -> list[RunResult]:
    levels = {FLAMES.name: ("3", "1"), SAFETY.name: ("safe", "unsafe"), RESPONSIBILITY.name: ("9", "4")}
    made = []
    for benchmark in (FLAMES, SAFETY, RESPONSIBILITY):
        good, bad = levels[benchmark.name]

        def rule(item: Item, _exchange: Exchange, good: str = good, bad: str = bad) -> Verdict:
            return Verdict(level=bad if item.id.endswith(("-1", "-5")) else good)

        run = stage.run(
            benchmark, items(count), asked, name=f"{benchmark.name} {model}", model=model, sample=sample
        )
        stage.judge(run, rule)
        stage.judge(run, lambda *_: Verdict(level="refused"), identity="rule@2", subject="refusal")
        made.append(stage.result(run, benchmark))
    return made


def test_every_cell_is_the_runs_own_number(stage: Stage, parse: Parse) -> None:
    told = results(stage)
    root = parse(render(stage.database, told))
    section = root.one("section", kind="profile")
    table = section.one("table", kind="whole")
    for result in told:
        for judge in result.judges:
            for score in judge.scores:
                if score.group != "overall" or score.value is None:
                    continue
                row = table.one("tr", data_benchmark=result.run.benchmark, data_measure=score.measure)
                assert row.one(kind="value").text == figure(score.value)
                assert span(score.low, score.high) in row.words
                assert f"n = {score.n}" in row.words
                assert f"missing {score.missing}" in row.words
    names = [one.one("th").one("a").attributes["href"] for one in table.all("tr")[1:] if one.all("th")]
    assert names == [f"#run-{result.run.id}" for result in told], "each row leads to its run"


def test_two_radars_and_the_rows_they_draw(stage: Stage, parse: Parse) -> None:
    section = parse(render(stage.database, results(stage))).one("section", kind="profile")
    charts = section.all("svg", kind="radar")
    assert len(charts) == 2, "headline scores, and refusal rates, which are neither good nor bad"
    assert [len(chart.all("circle", kind="point")) for chart in charts] == [3, 3]
    drawn = [row for row in section.one("table", kind="whole").all("tr") if "◈" in row.text]
    assert [row.attributes["data-measure"] for row in drawn] == [
        "harmless_rate", "refusal_rate", "safe_rate", "refusal_rate", "responsibility_score", "refusal_rate",
    ]  # fmt: skip
    assert "面积没有意义" in section.text


def test_few_items_give_intervals_and_no_points(stage: Stage, parse: Parse) -> None:
    section = parse(render(stage.database, results(stage, count=10))).one("section", kind="profile")
    for chart in section.all("svg", kind="radar"):
        assert not chart.all("circle")
        assert len(chart.all("path", kind="whisker")) == 9


def test_one_benchmark_or_several_models_make_no_profile(stage: Stage, parse: Parse) -> None:
    first, *_ = results(stage)
    _, second, _ = results(stage, model="openai:乙")
    assert not parse(render(stage.database, [first])).all("section", kind="profile")
    assert not parse(render(stage.database, [first, second])).all("section", kind="profile")


def test_a_measure_that_no_judge_can_give_is_no_row_of_dashes(stage: Stage, parse: Parse) -> None:
    made = []
    for benchmark in (FLAMES, SAFETY):
        run = stage.run(benchmark, items(35), asked, name=benchmark.name)
        stage.judge(run, lambda *_: Verdict(level="refused"), identity="rule@2", subject="refusal")
        made.append(stage.result(run, benchmark))
    section = parse(render(stage.database, made)).one("section", kind="profile")
    assert not section.all("svg", kind="radar"), "two benchmarks make no figure"
    rows = section.all("tr", data_benchmark="cvalues-safety")
    assert [row.attributes["data-measure"] for row in rows] == ["refusal_rate"]


def test_a_run_without_a_judge_stands_in_the_table(stage: Stage, parse: Parse) -> None:
    told = results(stage)
    bare = stage.run(BENCHMARKS.get("sc-safety"), items(5), asked, name="bare", model="openai:甲")
    section = parse(render(stage.database, [*told, stage.result(bare, BENCHMARKS.get("sc-safety"))]))
    assert "尚无得分" in section.one("section", kind="profile").text


@pytest.mark.parametrize("sample", [True, False])
def test_the_badge_stands_beside_a_samples_numbers(stage: Stage, parse: Parse, sample: bool) -> None:
    section = parse(render(stage.database, results(stage, sample=sample))).one("section", kind="profile")
    badges = [one for one in section.all("strong", kind="sample") if "样例·非成绩" in one.text]
    assert len(badges) == (4 if sample else 0), "the heading, both figures and the table"
