"""The leaderboard: ranks only where tests allow them, published rows beside, samples never."""

from __future__ import annotations

import random
from typing import Any

from liangxin.analysis.comparing import compare
from liangxin.analysis.named_judges import sides_for
from liangxin.analysis.ranking import leaderboard, leaderboard_fields
from liangxin.benchmarks import BENCHMARKS, declared_benchmark, open_benchmark
from liangxin.records import Exchange, Item, Reply, Verdict
from liangxin.store import Runs
from liangxin.store.life.states import set_state

FLAMES = BENCHMARKS.get("flames")
CHANGE_FIRST = """\
name = "pressed"
kind = "open"
title = "追问"
card = { overview = "o", task = "t", data = "d", scoring = "s", limits = "l", citation = "c" }
scale.levels = [{ name = "bad", points = 0 }, { name = "good", points = 1 }]
rubric.text = "看看。"
measures = [{ name = "change", value = "round_change" }, { name = "share", value = "share_of_top" }]
[data]
file = "data.jsonl"
[fields]
question = "q"
"""
Stage = Any
TOPS = ("Fairness", "Safety")


def add(stage: Stage, name: str, rate: float, *, identity: str = "llm:x@1", **options: Any) -> None:
    items = [Item(id=f"q-{k}", turns=(f"第 {k} 问",), category=(TOPS[k % 2], "x")) for k in range(200)]
    draw = random.Random(name)
    run = stage.run(FLAMES, items, lambda *_: Reply(text="答"), name=name, model=f"openai:{name}", **options)
    stage.judge(run, lambda *_: Verdict(level="3" if draw.random() < rate else "1"), identity=identity)


def board(stage: Stage, judge: str | None = None) -> dict[str, Any]:
    return {
        row["model"]: row for row in leaderboard_fields(leaderboard(stage.database, FLAMES, judge))["rows"]
    }


def test_rank_sets_hold_what_the_tests_leave_open(stage: Stage) -> None:
    for name, rate in (("好", 0.98), ("中", 0.7), ("也中", 0.71), ("差", 0.3)):
        add(stage, name, rate)
    rows = board(stage)
    ranks = {
        name: (rows[f"openai:{name}"]["rank_low"], rows[f"openai:{name}"]["rank_high"]) for name in "好中差"
    }
    assert ranks == {"好": (1, 1), "中": (2, 3), "差": (4, 4)}
    assert (rows["openai:也中"]["rank_low"], rows["openai:也中"]["rank_high"]) == (2, 3)
    first = rows["openai:好"]
    assert (first["published"], first["annotators"]) == (False, "llm:x@1")
    overall = next(
        one for one in first["scores"] if (one["measure"], one["group"]) == ("harmless_rate", "overall")
    )
    assert {"value", "low", "high", "n", "missing", "judge", "corrected"} <= overall.keys()


def test_published_rows_stand_beside_and_are_never_ranked(stage: Stage) -> None:
    add(stage, "甲", 0.8)
    rows = leaderboard_fields(leaderboard(stage.database, FLAMES))["rows"]
    published = [row for row in rows if row["published"]]
    assert len(published) == 17
    assert {(row["rank_low"], row["rank_high"]) for row in published} == {(None, None)}
    assert all(row["source"] and row["date"] and row["annotators"] for row in published)
    assert [row["published"] for row in rows] == [False] + [True] * 17


def test_a_sample_enters_no_leaderboard(stage: Stage) -> None:
    add(stage, "样", 0.8, sample=True)
    found = leaderboard(stage.database, FLAMES)
    assert not [row for row in found.rows if not row.published]
    assert [(one.run.name, one.reason.en) for one in found.left_out] == [
        ("样", "a sample is no result; see --samples")
    ]


def test_samples_have_a_board_of_their_own(stage: Stage) -> None:
    add(stage, "样", 0.8, sample=True)
    add(stage, "真", 0.8)
    found = leaderboard_fields(leaderboard(stage.database, FLAMES, samples=True))
    assert [row["model"] for row in found["rows"]] == ["openai:样"], (
        "neither results nor published rows beside it"
    )
    assert found["sample"] is True
    assert "sample" not in leaderboard_fields(leaderboard(stage.database, FLAMES))


def left_out(stage: Stage, **options: Any) -> dict[str, str]:
    found = leaderboard_fields(leaderboard(stage.database, FLAMES, **options))["left_out"]
    return {one["name"]: one["reason"] for one in found}


def test_a_trial_run_changes_nobodys_ranks(stage: Stage) -> None:
    for name, rate in (("好", 0.98), ("差", 0.3)):
        add(stage, name, rate)
    before = board(stage)
    add(stage, "试", 0.99, limit=5)
    assert board(stage) == before
    assert list(left_out(stage)) == ["试"]
    assert "asked 5 items, those on this board 200" in left_out(stage)["试"]
    assert "只问了 5 题" in left_out(stage)["试"]


def test_runs_of_the_same_part_are_ranked_where_none_is_whole(stage: Stage) -> None:
    """The most items that any run was asked are the board's; a run of fewer stands aside."""
    for name, rate, limit in (("甲", 0.99, 150), ("乙", 0.2, 150), ("试", 0.9, 5)):
        add(stage, name, rate, limit=limit)
    rows = board(stage)
    assert (rows["openai:甲"]["rank_high"], rows["openai:乙"]["rank_low"]) == (1, 2)
    assert list(left_out(stage)) == ["试"]
    assert "those on this board 150" in left_out(stage)["试"]


def test_the_same_number_of_other_items_is_not_the_same_items(stage: Stage) -> None:
    add(stage, "甲", 0.9, limit=100)
    run = Runs(stage.database).find("甲")
    with stage.database.begin() as connection:
        # As another seed orders them: the first hundred are the last.
        for change in ("-unit_rank - 1", "199 + unit_rank + 1"):
            connection.exec_driver_sql(f"UPDATE run_items SET unit_rank = {change} WHERE run = {run.key}")
    add(stage, "乙", 0.9, limit=100)
    assert [row for row in board(stage) if row in ("openai:甲", "openai:乙")] == ["openai:乙"]
    assert "another seed" in left_out(stage)["甲"]


def test_a_run_that_was_stopped_on_its_way_is_not_ranked(stage: Stage) -> None:
    for name, rate in (("好", 0.98), ("差", 0.3)):
        add(stage, name, rate)
    run = Runs(stage.database).find("差")
    with stage.database.begin() as connection:
        for table in ("judgements", "turns"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE run = {run.key} AND rank >= 120")
    assert "openai:差" not in board(stage)
    assert "asked 120 of 200 items so far" in left_out(stage)["差"]


def test_an_archived_run_is_hidden_and_listed(stage: Stage) -> None:
    for name, rate in (("好", 0.98), ("差", 0.3)):
        add(stage, name, rate)
    set_state(stage.database, Runs(stage.database).find("差"), "archive")
    assert "openai:差" not in board(stage)
    assert left_out(stage) == {"差": "已归档，另见 --all archived; see --all"}
    assert left_out(stage, archived=True) == {}
    set_state(stage.database, Runs(stage.database).find("差"), "unarchive")
    assert "openai:差" in board(stage)


def test_other_items_or_judges_are_not_tested_against_each_other(stage: Stage) -> None:
    add(stage, "甲", 0.99)
    add(stage, "乙", 0.2, data="e" * 64)
    add(stage, "丙", 0.2, identity="llm:y@2")
    rows = board(stage)
    for name in "甲乙丙":
        row = rows[f"openai:{name}"]
        assert (row["rank_low"], row["rank_high"]) == (1, 3), "nothing may be claimed of the order"
        assert any("no comparable row" in note for note in row["comparability"])
    assert set(board(stage, "llm:y")) - {row for row in board(stage, "llm:y") if "openai:" not in row} == {
        "openai:丙"
    }


def test_people_are_one_kind_of_judge(stage: Stage) -> None:
    add(stage, "甲", 0.99, identity="labels:甲.jsonl@1")
    add(stage, "乙", 0.2, identity="labels:乙.jsonl@2")
    rows = board(stage)
    assert (rows["openai:甲"]["rank_low"], rows["openai:甲"]["rank_high"]) == (1, 1)
    assert (rows["openai:乙"]["rank_low"], rows["openai:乙"]["rank_high"]) == (2, 2)


def test_the_way_of_choosing_is_said(stage: Stage) -> None:
    """Beside every row of choices; a comparison of two ways warns."""
    benchmark = open_benchmark("cvalues-choice")
    items = [
        Item(
            id=f"q-{k}-{n}",
            turns=("问",),
            category=("甲",),
            choices=("一", "二"),
            answer=f"回复{n}",
            pair=f"q-{k}",
        )
        for k in range(30)
        for n in (1, 2)
    ]
    for name, identity in (("写", {}), ("权", {"choose_by": "label"})):
        run = stage.run(
            benchmark,
            items,
            lambda *_: Reply(text="回复1"),
            name=name,
            model=name,
            manifest={"identity": identity},
        )
        stage.judge(run, lambda *_: Verdict(level="回复1"), identity="choice@1")
    rows = {
        row.model: row.comparability
        for row in leaderboard(stage.database, benchmark).rows
        if not row.published
    }
    assert "作答方式 choices: --choose-by generation" in rows["写"]
    assert "作答方式 choices: --choose-by label" in rows["权"]
    found = compare(stage.database, benchmark, *sides_for(stage.database, ("写", "权"), ()))
    assert [one for one in found.cautions if "--choose-by generation, --choose-by label" in one]


def test_a_measure_that_is_a_difference_leaves_every_rank_open(stage: Stage) -> None:
    manifest = {
        "identity": {"model": "x"},
        "declaration": CHANGE_FIRST,
        "declared_in": "pressed.toml",
        "data": "data.jsonl",
    }
    benchmark = declared_benchmark(CHANGE_FIRST, "pressed.toml")
    items = [Item(id=f"q-{k}", turns=("问", "再问"), category=("甲",)) for k in range(40)]
    for name, second in (("稳", "good"), ("软", "bad")):
        run = stage.run(
            benchmark, items, lambda *_: Reply(text="答"), name=name, model=name, manifest=manifest
        )

        def rule(_item: Item, exchange: Exchange, second: str = second) -> Verdict:
            return Verdict(level="good" if exchange.turn == 1 else second)

        stage.judge(run, rule)
    rows = leaderboard_fields(leaderboard(stage.database, benchmark))["rows"]
    assert [(row["model"], row["rank_low"], row["rank_high"]) for row in rows] == [("稳", 1, 2), ("软", 1, 2)]
    assert [row["scores"][0]["value"] for row in rows] == [0, -100]
