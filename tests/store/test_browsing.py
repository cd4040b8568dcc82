"""Filters and search over a run's dialogues, on SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liangxin.records import Item, Reply, ReplyStatus, Verdict, VerdictStatus
from liangxin.store import ADJUDICATED, Database, NewRun, RunRecord, Runs, Writer, dialogues_at
from liangxin.store.browsing import DialogueFilter, facets, find, reply_counts, verdict_counts
from liangxin.store.judgements import AttemptKey

ITEMS = [
    Item(id="a", turns=("百分之 50% 的人？",), category=("类", "甲")),
    Item(id="b", turns=("Who is 谁_是?",), category=("类", "乙")),
    Item(id="c", turns=('引号"和\\斜线',), category=("类别",)),
    Item(id="d", turns=("第四个",), category=("别",)),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_file = request.param == "sqlite"
    opened = Database(str(tmp_path / "store.db") if is_file else request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


def run_of(database: Database, items: list[Item]) -> RunRecord:
    runs = Runs(database)
    dataset = runs.add_dataset("bench", "1", "0" * 64, items)
    new = NewRun(
        id="abcdef012345", name="r", dataset=dataset, benchmark="bench", model="m", trials=1, sample=False, manifest={}
    )  # fmt: skip
    return runs.update(runs.create(new, [(k, k) for k in range(len(items))]), name="r", units=len(items))


@pytest.fixture
def run(database: Database) -> RunRecord:
    """Four items: answered, asked twice, blocked, and never asked."""
    made = run_of(database, ITEMS)
    strict = Runs(database).add_judge(made, "llm:x@1", "llm:x", "primary", {})
    people = Runs(database).add_judge(made, "people:p@1", "people:p", "primary", {})
    refusal = Runs(database).add_judge(made, "rule@1", "rule", "refusal", {})
    with Writer(database) as writer:
        writer.turn(AttemptKey(made.key, 0, 1, 1, 1), Reply(text="回答 ALPHA"))
        writer.turn(AttemptKey(made.key, 1, 1, 1, 1), Reply(status=ReplyStatus.FAILED, detail="no"))
        writer.turn(AttemptKey(made.key, 1, 1, 1, 2), Reply(text="回答 beta"))
        writer.turn(AttemptKey(made.key, 2, 1, 1, 1), Reply(status=ReplyStatus.FILTERED))
        writer.judgement(AttemptKey(made.key, 0, 1, 1, 1), strict.key, "", Verdict(level="3"))
        writer.judgement(AttemptKey(made.key, 0, 1, 1, 1), people.key, "x", Verdict(level="1"))
        writer.judgement(AttemptKey(made.key, 0, 1, 1, 1), refusal.key, "", Verdict(level="refused"))
        writer.judgement(AttemptKey(made.key, 1, 1, 1, 1), strict.key, "", Verdict(level="1"))
        writer.judgement(AttemptKey(made.key, 1, 1, 1, 2), strict.key, "", Verdict(level="3"))
        writer.judgement(AttemptKey(made.key, 1, 1, 1, 1), people.key, "x", Verdict(level="3"))
        writer.judgement(AttemptKey(made.key, 1, 1, 1, 1), people.key, ADJUDICATED, Verdict(level="1"))
        failed = Verdict(status=VerdictStatus.FAILED)
        writer.judgement(AttemptKey(made.key, 0, 1, 1, 2), strict.key, "", failed)
    return made


@pytest.mark.parametrize(
    ("wanted", "ranks"),
    [
        ({}, [0, 1, 2]),
        ({"category": "类"}, [0, 1]),
        ({"category": "类/甲"}, [0]),
        ({"category": "%"}, []),
        ({"status": "ok"}, [0, 1]),
        ({"status": "failed"}, []),
        ({"status": "filtered"}, [2]),
        ({"level": "3"}, [0, 1]),
        ({"level": "1"}, [0, 1]),
        ({"level": "refused"}, [0]),
        ({"differ": True}, [0]),
        ({"text": "alpha"}, [0]),
        ({"text": "回答"}, [0, 1]),
        ({"text": "50%"}, [0]),
        ({"text": "%"}, [0]),
        ({"text": "_"}, [1]),
        ({"text": '引号"和\\斜线'}, [2]),
        ({"text": "'; DROP TABLE turns; --"}, []),
        ({"text": "回答", "level": "3", "category": "类/乙"}, [1]),
    ],
)
def test_filters(database: Database, run: RunRecord, wanted: dict[str, Any], ranks: list[int]) -> None:
    found = find(database, run, DialogueFilter(**wanted))
    assert (found.page(0, 10), len(found)) == ([(rank, 1) for rank in ranks], len(ranks))


def test_a_judge_and_its_level_together(database: Database, run: RunRecord) -> None:
    strict, people, _ = Runs(database).judges(run)
    assert len(find(database, run, DialogueFilter(judge=strict.key, level="1"))) == 0
    assert find(database, run, DialogueFilter(judge=people.key)).page(0, 10) == [(0, 1), (1, 1)]


def test_pages_and_neighbours(database: Database, run: RunRecord) -> None:
    found = find(database, run, DialogueFilter())
    assert (found.page(1, 1), len(found)) == ([(1, 1)], 3)
    assert found.beside((1, 1)) == ((0, 1), (2, 1))
    inside = find(database, run, DialogueFilter(category="类"))
    assert inside.beside((1, 1)) == ((0, 1), None)
    assert inside.beside((2, 1)) == ((1, 1), None), "a place that does not fit has neighbours too"


def test_what_filters_can_name_and_what_is_counted(database: Database, run: RunRecord) -> None:
    known = facets(database, run)
    assert known.categories == ("别", "类", "类/乙", "类/甲", "类别")
    assert known.statuses == ("ok", "filtered", "failed")
    assert set(known.levels) == {"1", "3", "refused"}
    assert reply_counts(database, [run.key]) == {run.key: {"ok": 2, "filtered": 1}}
    assert sum(verdict_counts(database, [run.key]).values()) == 8


def test_some_dialogues_are_read_in_the_order_asked(database: Database, run: RunRecord) -> None:
    found = dialogues_at(database, run, [(2, 1), (0, 1), (9, 1), (0, 2)])
    assert [(one.rank, one.dialogue.item.id) for one in found] == [(2, "c"), (0, "a")]
    assert dialogues_at(database, run, []) == []


def test_one_page_of_thousands_is_read_alone(database: Database) -> None:
    items = [Item(id=f"i{k}", turns=(f"问题{k}",), category=("类",)) for k in range(3000)]
    run = run_of(database, items)
    with Writer(database) as writer:
        for rank in range(3000):
            writer.turn(AttemptKey(run.key, rank, 1, 1, 1), Reply(text=f"回答{rank}"))
    found = find(database, run, DialogueFilter(text="回答2"))
    assert len(found) == 1111
    places = found.page(1000, 50)
    assert len(places) == 50
    assert [one.rank for one in dialogues_at(database, run, places)] == [rank for rank, _ in places]
