"""The same answers as people and a judge saw them, and what every unit is worth."""

from __future__ import annotations

from math import fsum
from typing import Any

import pytest

from liangxin.analysis.pairs import consensus, pairs
from liangxin.analysis.values import unit_values
from liangxin.benchmarks import BENCHMARKS
from liangxin.records import Exchange, Item, Reply, ReplyStatus, Verdict, VerdictStatus
from liangxin.store import Runs

FLAMES = BENCHMARKS.get("flames")
SC_SAFETY = BENCHMARKS.get("sc-safety")
CHOICE = BENCHMARKS.get("cvalues-choice")
Stage = Any
SCALE = FLAMES.scales["*"]


def given(*levels: str) -> list[Verdict]:
    return [Verdict(level=level) for level in levels]


@pytest.mark.parametrize(
    ("levels", "majority", "mean"),
    [
        (("3",), "3", "3"),
        (("3", "3", "1"), "3", "3"),
        (("3", "1"), None, "1"),
        (("1", "2", "3"), None, "2"),
        (("1", "1", "3", "3"), None, "1"),
        (("无",), None, None),
        ((), None, None),
    ],
)
def test_several_annotators_have_one_level_or_none(
    levels: tuple[str, ...], majority: str | None, mean: str | None
) -> None:
    assert consensus(given(*levels), SCALE, "majority") == majority
    assert consensus(given(*levels), SCALE, "mean") == mean


def test_what_is_no_verdict_has_no_voice() -> None:
    verdicts = [*given("1"), Verdict(status=VerdictStatus.UNREADABLE), Verdict(status=VerdictStatus.FAILED)]
    assert consensus(verdicts, SCALE, "majority") == "1"


def items(count: int) -> list[Item]:
    tops = ("Fairness", "Legality")
    return [
        Item(id=f"q-{k}", turns=(f"第 {k} 问",), category=(tops[k % 2], "x"), expect=("refuse", "answer")[k % 2])
        for k in range(count)
    ]  # fmt: skip


def test_pairs_hold_every_labelled_answer_and_why_a_level_is_missing(stage: Stage) -> None:
    def ask(item: Item, _turn: int, _trial: int) -> Reply:
        if item.id == "q-9":
            return Reply(status=ReplyStatus.FILTERED, detail="input: x")
        return Reply(text="答" * (int(item.id[2:]) + 1))

    def people(item: Item, _exchange: Exchange) -> Verdict | None:
        return Verdict(level="1" if item.id in ("q-0", "q-1") else "3") if int(item.id[2:]) < 6 else None

    def judge(item: Item, _exchange: Exchange) -> Verdict | None:
        if item.id == "q-2":
            return Verdict(status=VerdictStatus.UNREADABLE)
        return None if item.id == "q-3" else Verdict(level="3")

    run = stage.run(FLAMES, items(10), ask)
    stage.judge(run, people, identity="labels:甲@1", annotators=("甲", "乙"))
    stage.judge(run, judge)
    gold, judged = Runs(stage.database).judges(run)
    found = pairs(stage.database, run, FLAMES, gold, judged)
    assert [row.item for row in sorted(found.rows, key=lambda row: row.item)] == [f"q-{k}" for k in range(6)]
    assert (found.tied, found.answers) == (0, 9)
    assert found.missing == {"unreadable": 1, "not judged": 1}
    levels = {row.item: row.levels for row in found.both}
    assert levels == {"q-0": (0, 2), "q-1": (0, 1), "q-4": (2, 2), "q-5": (1, 1)}, "Legality has two levels"
    assert {row.item: row.length for row in found.rows}["q-4"] == 5
    assert {row.dimension for row in found.rows} == {"Fairness", "Legality"}


def test_tied_annotators_give_no_gold(stage: Stage) -> None:
    run = stage.run(FLAMES, items(4), lambda *_: Reply(text="答"))
    for name, level in (("甲", "1"), ("乙", "3")):
        stage.judge(
            run, lambda *_, level=level: Verdict(level=level), identity="labels:人@1", annotators=(name,)
        )
    stage.judge(run, lambda *_: Verdict(level="3"))
    gold, judged = Runs(stage.database).judges(run)
    found = pairs(stage.database, run, FLAMES, gold, judged)
    assert (len(found.rows), found.tied) == (0, 4)


@pytest.mark.parametrize("trials", [1, 3])
@pytest.mark.parametrize("benchmark", [FLAMES, SC_SAFETY, CHOICE], ids=lambda one: one.name)
def test_units_add_up_to_the_scores(stage: Stage, benchmark: Any, trials: int) -> None:
    """Every group's score is the mean of its units' values, whatever a unit is."""
    kinds = {
        "flames": items(40),
        "sc-safety": [Item(id=f"s-{k}", turns=("问", "追"), category=("传统安全", "x")) for k in range(30)],
        "cvalues-choice": [
            Item(
                id=f"c-{k}-{order}",
                turns=("选",),
                category=(),
                choices=("好", "坏"),
                answer=f"回复{order}",
                pair=f"p-{k}",
                tags=("easy",) if k % 3 else (),
            )
            for k in range(25)
            for order in (1, 2)
        ],
    }
    levels = {
        "flames": ("1", "3"),
        "sc-safety": ("0", "1", "2"),
        "cvalues-choice": ("回复1", "回复2", "Refuse"),
    }
    seen: dict[str, int] = {}

    def rule(item: Item, _exchange: Exchange) -> Verdict:
        seen[item.id] = seen.get(item.id, 0) + 1
        options = levels[benchmark.name]
        return Verdict(level=options[(len(item.id) + sum(map(ord, item.id)) + seen[item.id]) % len(options)])

    run = stage.run(benchmark, kinds[benchmark.name], lambda *_: Reply(text="答"), trials=trials)
    stage.judge(run, rule)
    (judge,) = Runs(stage.database).judges(run)
    scores = {(one.measure, one.group): one for one in stage.result(run, benchmark).judges[0].scores}
    checked = 0
    for values in unit_values(stage.database, run, benchmark, judge):
        for group, units in values.groups.items():
            score = scores[values.measure.name, group]
            if values.measure.combine == "macro" and group == "overall":
                continue
            assert fsum(units.totals) / units.sizes.sum() == pytest.approx(score.value)
            assert units.sizes.sum() == score.n
            checked += 1
        for group, planned in values.planned.items():
            assert planned >= len(values.groups.get(group, ()))
    assert checked >= 3
