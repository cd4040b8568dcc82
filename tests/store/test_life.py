"""What becomes of a run: renamed, archived, pinned; and deleted, so that nothing of it is left in any table or byte."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, insert, select, update

from liangxin.annotation.outcome.adjudication import Settlement, decide
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.errors import RunAtWork, StoreError, UnknownRun, UsageError
from liangxin.records import Item, Reply, ReplyStatus, Verdict
from liangxin.store import ASKING, Database, RunRecord, Runs, Work, Writer
from liangxin.store.judgements import AttemptKey
from liangxin.store.leases import Lease, Leases
from liangxin.store.life.removal import delete_run, hanging_on
from liangxin.store.life.states import listed_runs, rename_run, set_state, shown_runs
from liangxin.store.schema import LEASES, LOOKS, SAMPLES, TURNS, VALIDATIONS
from liangxin.store.spill import Spill, StoredRow
from liangxin.traits import JudgeTraits
from testbench.desk import Desk, stored_run

FLAMES = open_benchmark("flames")
SECRET = "只有这次运行说过的话"
ITEMS = [Item(id=f"i{k}", turns=(f"第 {k} 问",), category=("Fairness",)) for k in range(6)]
OTHERS = [Item(id=f"i{k}", turns=(f"{SECRET} 第 {k} 问",), category=("Fairness",)) for k in range(3)]


@pytest.fixture
def store(people_database: Database) -> Database:
    return people_database


def answered(store: Database, name: str, items: list[Item] = ITEMS, text: str = "回答") -> RunRecord:
    return stored_run(store, FLAMES, items, lambda item, _turn: Reply(text=f"{text} {item.id}"), name)


def rows(store: Database) -> dict[str, list[Any]]:
    """Every row of every table but the log of what people did, which names no answer and no verdict."""
    metadata = MetaData()
    with store.begin() as connection:
        metadata.reflect(connection)
        return {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in metadata.tables.items()
            if name != "audit"
        }


def judged(store: Database, run: RunRecord, spec: str, traits: JudgeTraits = JudgeTraits()) -> None:
    judge = Runs(store).add_judge(run, f"{spec}@0123456789ab", spec, "primary", {}, traits)
    with Writer(store) as writer:
        for rank in range(3):
            at = AttemptKey(run.key, rank, 1, 1, 1)
            writer.judgement(at, judge.key, "", Verdict(level="3", reason=f"{SECRET} 理由"))


def looked_at(store: Database, run: RunRecord) -> None:
    """Evidence of every kind."""
    with store.begin() as connection:
        seen = {"created": 1.0, "content": "{}"}
        connection.execute(insert(LOOKS), [{"run": run.key, "question": "q", "n": 3, **seen}])
        connection.execute(insert(SAMPLES), [{"run": run.key, "judge": "rule", **seen}])
        values = {"judge": "rule", "benchmark": "flames", "gold": "g", "run": run.id, **seen}
        connection.execute(insert(VALIDATIONS), [values])


def spec(name: str, *runs: RunRecord) -> ProjectSpec:
    return ProjectSpec(name=name, runs=tuple(run.id for run in runs), annotators=2)


def test_nothing_of_a_deleted_run_is_left(store: Database) -> None:
    kept, gone = answered(store, "留"), None
    desk = Desk.at(store, spec("keep", kept))
    desk.says(0, "i0", "3")
    before = rows(store)
    gone = answered(store, "删", OTHERS, SECRET)
    judged(store, gone, "rule")
    judged(store, gone, "labels:x", JudgeTraits(people=True))
    looked_at(store, gone)
    set_state(store, gone, "pin")
    whole = Desk.at(store, spec("whole", gone))
    whole.says(0, "i0", "3")
    whole.says(1, "i0", "1")
    settled = Settlement(level="2", reason=SECRET, base_version=0)
    decide(store, whole.project, whole.answer("i0"), whole.adjudicator.key, settled)
    hangs = hanging_on(store, gone)
    assert (hangs.replies, hangs.verdicts, hangs.labels, hangs.annotations) == (3, 3, 6, 2)
    assert (hangs.measurements, hangs.looks, hangs.drawn, hangs.items) == (1, 1, 1, 3)
    assert (hangs.projects, hangs.thinned) == (("whole",), ())
    removed = delete_run(store, gone)
    assert removed.gone == hangs
    assert rows(store) == before
    with pytest.raises(UnknownRun):
        Runs(store).find("删")
    assert bool(removed.remains) is not store.is_sqlite, (
        "a server's files are its own matter, and that is said"
    )


def test_no_byte_of_a_deleted_run_is_left_in_the_files(tmp_path: Path) -> None:
    """Long answers, so that pages are split and freed; also what an upgrade left in free pages before."""
    store = Database(str(tmp_path / "store.db"))
    answered(store, "留")
    gone = stored_run(store, FLAMES, OTHERS, lambda *_: Reply(text=SECRET * 4000), "删")
    judged(store, gone, "rule")
    with store.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE copied AS SELECT * FROM turns")
        connection.exec_driver_sql("DROP TABLE copied")
    # What the store did not take while it was busy lies beside it.
    row = StoredRow(TURNS, {"run": gone.key, "rank": 0, "trial": 1, "turn": 1, "attempt": 2, "text": SECRET})
    beside = Spill(store, Work(gone.id, ASKING)).write([row])
    found = [path for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()]
    assert found, "the store's files hold it in plain text before"
    assert beside.exists()
    assert delete_run(store, gone).remains == ""
    assert not beside.exists()
    assert not [path for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()]
    store.close()
    assert not [path for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()]


def test_a_reader_that_keeps_the_log_open_is_said(tmp_path: Path) -> None:
    store = Database(str(tmp_path / "store.db"))
    gone = answered(store, "删", OTHERS)
    reader = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM turns").fetchone()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=100")
    assert "another command has the store open" in delete_run(store, gone).remains
    reader.close()
    store.close()


def test_a_project_of_several_runs_loses_what_showed_the_answers(store: Database) -> None:
    def half(item: Item, _turn: int) -> Reply:
        return Reply(text="回答") if item.id < "i3" else Reply(status=ReplyStatus.FILTERED)

    kept, gone = answered(store, "留"), stored_run(store, FLAMES, ITEMS, half, "删")
    desk = Desk.at(store, spec("both", kept, gone))
    for item in ("i0", "i5"):
        desk.says(0, item, "3")
    hangs = hanging_on(store, gone)
    assert (hangs.projects, hangs.thinned) == ((), ("both",))
    delete_run(store, gone)
    left = rows(store)
    assert len(left["tasks"]) == 3, "i3, i4 and i5 show the other run alone"
    assert (len(left["marks"]), len(left["projects"])) == (1, 1)
    desk.says(1, "i5", "1")


def test_data_that_another_run_has_too_stays(store: Database) -> None:
    kept, gone = answered(store, "留"), answered(store, "删")
    assert kept.dataset == gone.dataset
    assert hanging_on(store, gone).items == 0
    delete_run(store, gone)
    assert len(list(Runs(store).items(kept.dataset))) == 6


@pytest.mark.parametrize("part", [ASKING, "rule@0123456789ab"])
def test_a_run_at_work_is_not_deleted(store: Database, part: str) -> None:
    run = answered(store, "删")
    lease = Leases(store).take(Work(run.id, part))
    assert isinstance(lease, Lease)
    before = rows(store)
    for attempt in (delete_run, hanging_on):
        with pytest.raises(RunAtWork, match=rf"run 删 is at work \(.*process {os.getpid()}, since"):
            attempt(store, run)
    assert rows(store) == before
    # Whoever has died, or was not heard of for half a minute, hinders nobody.
    with store.begin() as connection:
        connection.execute(update(LEASES).values(machine="elsewhere", seen=LEASES.c.seen - 27))
    delete_run(store, run)
    assert not rows(store)["leases"]


def test_a_name_belongs_to_one_run(store: Database) -> None:
    first, second = answered(store, "甲"), answered(store, "乙", OTHERS)
    with pytest.raises(StoreError, match=f"the name '乙' is run {second.id}'s"):
        rename_run(store, first, "乙")
    with pytest.raises(StoreError, match="choose another"):
        rename_run(store, first, second.id)
    assert rename_run(store, first, "甲").name == "甲"
    renamed = rename_run(store, first, "丙")
    assert (renamed.id, renamed.name) == (first.id, "丙")
    assert rename_run(store, second, "甲").name == "甲", "the name that was given up is free"


@pytest.mark.parametrize("name", ["", " ", "两\n行", "x" * 201, " 前空", "a\x1b[2J"])
def test_what_is_no_name_is_refused(store: Database, name: str) -> None:
    run = answered(store, "甲")
    with pytest.raises(UsageError, match="one line of 1 to 200 characters"):
        rename_run(store, run, name)
    assert Runs(store).find("甲").id == run.id


def test_pinned_first_and_archived_hidden(store: Database) -> None:
    old, middle, new = answered(store, "旧"), answered(store, "中", OTHERS), answered(store, "新")
    assert [run.name for run in shown_runs(store)] == ["新", "中", "旧"]
    set_state(store, old, "pin")
    assert [run.name for run in shown_runs(store)] == ["旧", "新", "中"]
    set_state(store, old, "archive")
    set_state(store, old, "archive")
    assert [run.name for run in shown_runs(store)] == ["新", "中"]
    assert [(one.run.name, one.pinned, one.archived) for one in listed_runs(store, archived=True)] == [
        ("新", False, False),
        ("中", False, False),
        ("旧", False, True),
    ]
    set_state(store, old, "pin")
    set_state(store, middle, "archive")
    assert [run.name for run in shown_runs(store)] == ["旧", "新"], "to pin one takes it back"
    for run in (old, middle):
        set_state(store, run, "unpin")
        set_state(store, run, "unarchive")
    assert [run.id for run in shown_runs(store)] == [new.id, middle.id, old.id]
    assert Runs(store).find("旧") == replace(old, name="旧")
