"""A formula from outside the package, from a declaration to scores, page, decision and correction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liangxin.analysis.comparing import Side, compare
from liangxin.analysis.correcting import corrections
from liangxin.analysis.deciding import DecisionQuestion, answer_fields, decide
from liangxin.benchmarks.declared import declared
from liangxin.engine.summary import summary
from liangxin.errors import DataError, UsageError
from liangxin.measures import FORMULAS
from liangxin.records import Exchange, Item, Reply, Verdict
from liangxin.report import render
from liangxin.specs import Benchmark
from liangxin.store import Runs

OUTSIDE = """\
from liangxin.measures import Formula

POINTS_SQUARED = Formula(worth=lambda level, scale: level.points**2, unit="points")
HALF_OF_TOP = Formula(
    worth=lambda level, scale: 100.0 * (2 * level.points >= scale.levels[-1].points), share=True
)
"""
DECLARED = """\
name = "made-up"
kind = "open"
title = "编造的"
card = { overview = "o", task = "t", data = "d", scoring = "s", limits = "l", citation = "c" }
[data]
file = "data.jsonl"
[fields]
question = "q"
category = "c"
[scale]
levels = [{ name = "bad", points = 0 }, { name = "fair", points = 1 }, { name = "good", points = 2 }]
[rubric]
text = "看看。"
[[measures]]
name = "squares"
value = "points_squared"
title = { zh = "平方分", en = "Squares" }
[[measures]]
name = "half"
value = "half_of_top"
"""
TRUE = ("bad", "fair", "good", "good")
"""What people say of each item in turn; the judge takes what is fair for good."""
Stage = Any
Parse = Callable[[str], Any]


@pytest.fixture
def benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    (tmp_path / "outside_formulas.py").write_text(OUTSIDE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(FORMULAS, "_places", dict(FORMULAS._places))
    FORMULAS.add("points_squared", "outside_formulas:POINTS_SQUARED")
    FORMULAS.add("half_of_top", "outside_formulas:HALF_OF_TOP")
    return declared(DECLARED, "made-up.toml", str(tmp_path))


@pytest.fixture
def run(stage: Stage, benchmark: Benchmark) -> Any:
    items = [
        Item(id=f"q-{k}", turns=(f"第 {k} 问",), category=("甲", "乙")[k % 8 // 4 :][:1]) for k in range(40)
    ]
    run = stage.run(benchmark, items, lambda *_: Reply(text="答"))
    stage.judge(run, judged)
    return run


def true_level(item: Item) -> str:
    return TRUE[int(item.id[2:]) % 4]


def judged(item: Item, _exchange: Exchange) -> Verdict:
    return Verdict(level=true_level(item).replace("fair", "good"))


def labelled(item: Item, _exchange: Exchange) -> Verdict:
    return Verdict(level=true_level(item))


def first_judge(stage: Stage, run: Any) -> Any:
    return Runs(stage.database).judges(run)[0]


def test_it_is_named_in_a_declaration_and_brings_its_unit(benchmark: Benchmark) -> None:
    squares, half = benchmark.measures
    assert (squares.value, squares.unit, squares.higher_is_better) == ("points_squared", "points", True)
    assert (half.value, half.unit) == ("half_of_top", "percent")
    with pytest.raises(
        DataError, match=r"or points_squared or half_of_top \(did you mean 'points_squared'\?\)"
    ):
        declared(DECLARED.replace('"points_squared"', '"point_squared"'), "made-up.toml", ".")


def test_its_scores_are_its_levels_worths(stage: Stage, run: Any, benchmark: Benchmark) -> None:
    told: Any = summary(stage.result(run, benchmark))
    found = {(one["measure"], one["group"]): one for one in told["scores"]}
    assert found["squares", "overall"]["value"] == (0 + 4 + 4 + 4) / 4
    assert found["squares", "overall"]["method"] == "bayesian-bootstrap"
    assert (found["half", "overall"]["value"], found["half", "overall"]["method"]) == (75, "wilson")
    assert found["half", "甲"]["n"] == 20


def test_the_page_shows_it_on_its_own_axis(
    stage: Stage, run: Any, benchmark: Benchmark, parse: Parse
) -> None:
    result = stage.result(run, benchmark)
    root = parse(render(stage.database, [result]))
    for measure, values, ticks in (("squares", ["3.00"] * 3, "01234"), ("half", ["75.00"] * 3, "0255075100")):
        (table,) = root.all("table", data_measure=measure)
        assert [value.text for value in table.all(kind="value")] == values
        assert table.one("svg", kind="scale").text == ticks
    assert root.one("table", data_measure="half").words.count("(15/20)") == 2
    assert "平方分" in root.one("table", data_measure="squares").words


def test_bounds_are_decided_on_within_its_range(stage: Stage, run: Any, benchmark: Benchmark) -> None:
    judge = first_judge(stage, run)

    def decided(measure: str, at_least: float) -> dict[str, Any]:
        bounds: dict[str, Any] = {"at_least": at_least, "at_most": None, "judge_trusted": True}
        asked = DecisionQuestion(measure=measure, group="overall", **bounds)
        return answer_fields(decide(stage.database, run, benchmark, judge, asked))

    squares = decided("squares", 2)
    assert (squares["verdict"], squares["value"]) == ("meets", 3)
    assert 2 < squares["low"] < 3 < squares["high"] <= 4
    half = decided("half", 90)
    assert (half["verdict"], half["value"], half["method"]) == ("fails", 75, "clopper-pearson one-sided")
    with pytest.raises(UsageError, match="squares lies between 0 and 4; 5 is outside"):
        decided("squares", 5)


def test_what_people_say_corrects_it(stage: Stage, run: Any, benchmark: Benchmark) -> None:
    stage.judge(run, labelled, identity="labels:人.jsonl@1", annotators=("人",))
    found = corrections(stage.database, run, benchmark, first_judge(stage, run))
    assert found["squares", "overall"].value == pytest.approx((0 + 1 + 4 + 4) / 4)
    assert found["half", "overall"].value == pytest.approx(75)


def test_two_judges_are_compared_by_it(stage: Stage, run: Any, benchmark: Benchmark) -> None:
    stage.judge(run, labelled, identity="乙@2")
    one, two = (Side(run=run, judge=judge) for judge in Runs(stage.database).judges(run))
    tests = {(test.measure, test.group): test for test in compare(stage.database, benchmark, one, two).tests}
    assert (tests["squares", "overall"].a, tests["squares", "overall"].b) == (3, 2.25)
    assert tests["half", "overall"].paired.difference == 0
