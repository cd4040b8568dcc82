"""A run that travels: whole, once, and never at the cost of what the target holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from liangxin.errors import StoreError
from liangxin.records import Item, Reply, ReplyStatus, Verdict
from liangxin.store import (
    Database,
    Evidence,
    NewRun,
    RunRecord,
    Runs,
    ValidationRecord,
    Writer,
    copy_run,
    dialogues,
)
from liangxin.store.judgements import AttemptKey
from liangxin.store.schema import RUN_ITEMS


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "other.db"))
    yield opened
    opened.close()


def answer(database: Database, run: RunRecord, rank: int, text: str, *, attempt: int = 1) -> None:
    with Writer(database) as writer:
        writer.turn(AttemptKey(run.key, rank, 1, 1, attempt), Reply(text=text))


def rule(database: Database, run: RunRecord, identity: str, rank: int, level: str) -> None:
    judge = Runs(database).add_judge(run, identity, identity.partition("@")[0], "primary", {"kind": "test"})
    with Writer(database) as writer:
        writer.judgement(
            AttemptKey(run.key, rank, 1, 1, 1), judge.key, "甲", Verdict(level=level, reason="因为")
        )


def content(database: Database) -> list[object]:
    """All that a store says, in terms that hold in any store."""
    runs = Runs(database)
    said: list[object] = []
    for run in runs.all():
        names = {judge.key: (judge.identity, judge.spec, judge.manifest) for judge in runs.judges(run)}
        said.append((run.id, run.name, run.benchmark, run.version, run.units, run.trials, run.manifest))
        said.append(sorted(str(value) for value in names.values()))
        for stored in dialogues(database, run):
            rulings = {(names[key][0], turn, who): one for (key, turn, who), one in stored.rulings.items()}
            said.append((stored.rank, stored.dialogue, rulings))
    return said


def test_a_copy_says_the_same(database: Database, run: RunRecord, other: Database) -> None:
    """The target has other runs and judges, so every key differs."""
    runs = Runs(other)
    dataset = runs.add_dataset("bench", "1", "f" * 64, [Item(id="z", turns=("问",), category=())])
    before = runs.create(
        NewRun(
            id="0" * 12,
            name="before",
            dataset=dataset,
            benchmark="bench",
            model="m",
            trials=1,
            sample=False,
            manifest={},
        ),
        [(0, 0)],
    )
    rule(other, before, "llm@0", 0, "3")
    for rank in range(3):
        answer(database, run, rank, f"答{rank}")
    rule(database, run, "rule@1", 0, "1")
    rule(database, run, "llm@2", 1, "3")
    evidence = Evidence(database)
    evidence.add_validation(
        ValidationRecord(
            judge="llm@2", benchmark="bench", gold="g", run=run.id, created=1.0, content={"n": 9}
        )
    )
    evidence.look(run, {"q": 1}, 3, {"verdict": "meets"})
    done = copy_run(database, run, other)
    assert (done.added, done.renamed) == (5, False)
    assert [one for one in content(other) if one not in content(database)] == [
        one
        for one in content(other)
        if str(one).find("before") >= 0 or "'z'" in str(one) or "llm@0" in str(one)
    ]
    assert all(one in content(other) for one in content(database))
    for _ in range(2):  # again is nothing new
        assert copy_run(database, run, other).added == 0
    assert len(Evidence(other).validations("llm@2", "bench")) == 1
    there = runs.find("first")
    assert [look.content for look in Evidence(other).look(there, {"q": 1}, 3, {})] == [{"verdict": "meets"}]


def test_what_the_target_has_stays_and_what_it_lacks_is_added(
    database: Database, run: RunRecord, other: Database
) -> None:
    answer(database, run, 0, "旧")
    copy_run(database, run, other)
    there = Runs(other).find("first")
    answer(other, there, 1, "那边的")
    answer(database, run, 1, "这边的")
    answer(database, run, 2, "新")
    assert copy_run(database, run, other).added == 1
    texts = [stored.dialogue.exchanges[0].reply.text for stored in dialogues(other, there)]
    assert texts[::2] == ["旧", "那边的", "新"], "two trials an item; the first was asked"


def test_more_planned_units_win(database: Database, run: RunRecord, other: Database) -> None:
    Runs(database).update(run, name="first", units=1)
    small = Runs(database).find("first")
    copy_run(database, small, other)
    grown = Runs(database).update(small, name="first", units=3)
    assert copy_run(database, grown, other).run.units == 3
    assert copy_run(database, small, other).run.units == 3


def test_a_name_that_is_taken_is_left_with_its_owner(
    database: Database, run: RunRecord, other: Database
) -> None:
    copy_run(database, run, other)
    there = Runs(other).find("first")
    Runs(other).update(there, name=None, units=there.units)
    owner = NewRun(
        id="1" * 12, name="first", dataset=there.dataset, benchmark="bench", model="m", trials=1, sample=False, manifest={}
    )  # fmt: skip
    Runs(other).create(owner, [(0, 0), (1, 1), (2, 2)])
    done = copy_run(database, run, other)
    assert done.renamed
    assert (done.run.name, done.run.id) == (None, run.id)
    assert Runs(other).find("first").id == "1" * 12


def test_another_order_is_refused_and_nothing_of_it_is_kept(
    database: Database, run: RunRecord, other: Database
) -> None:
    copy_run(database, run, other)
    there = Runs(other).find("first")
    with other.begin() as connection:
        for rank, position in ((0, 7), (1, 8), (2, 9)):
            where = (RUN_ITEMS.c.run == there.key, RUN_ITEMS.c.rank == rank)
            connection.execute(update(RUN_ITEMS).where(*where).values(position=position))
    answer(database, run, 0, "答")
    before = content(other)
    with pytest.raises(StoreError, match="another order"):
        copy_run(database, run, other)
    assert content(other) == before


def test_a_failed_reply_that_was_asked_again_travels_with_both_attempts(
    database: Database, run: RunRecord, other: Database
) -> None:
    with Writer(database) as writer:
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(status=ReplyStatus.FAILED, detail="HTTP 500"))
        writer.turn(AttemptKey(run.key, 0, 1, 1, 2), Reply(text="好"))
    assert copy_run(database, run, other).added == 2
    (first, *_) = dialogues(other, Runs(other).find("first"))
    assert (first.dialogue.exchanges[0].reply.text, first.dialogue.exchanges[0].attempt) == ("好", 2)
