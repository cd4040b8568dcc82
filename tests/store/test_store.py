"""Appended, never rewritten: attempts, order, durability, stated failures."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from liangxin.errors import DataError, StoreError, UnknownRun
from liangxin.records import Item, Reply, ReplyStatus, Usage, Verdict, VerdictStatus
from liangxin.store import Database, NewRun, RunRecord, Runs, Writer, dialogues
from liangxin.store.content import dialogue_key, item_of, item_text
from liangxin.store.judgements import AttemptKey
from liangxin.store.schema import DATASETS, ITEMS, MIGRATIONS, TURNS, VERSION

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ITEM = st.builds(
    Item,
    id=TEXT,
    turns=st.lists(TEXT, min_size=1).map(tuple),
    category=st.lists(TEXT).map(tuple),
    choices=st.lists(TEXT).map(tuple),
    answer=st.none() | st.sampled_from(["回复1", "回复2"]),
    expect=st.sampled_from([None, "refuse", "answer"]),
    tags=st.lists(TEXT).map(tuple),
    pair=st.none() | TEXT.filter(bool),
    source=TEXT,
)


def failed(detail: str) -> Reply:
    return Reply(status=ReplyStatus.FAILED, detail=detail)


@given(item=ITEM)
def test_items_come_back_as_stored(item: Item) -> None:
    again = item_of(item.id, item_text(item))
    assert again == item
    assert again.source == item.source


def test_dialogues_follow_the_order_with_every_planned_turn(database: Database, run: RunRecord) -> None:
    found = [stored.dialogue for stored in dialogues(database, run)]
    assert [(one.item.id, one.trial) for one in found] == [
        ("i2", 1), ("i2", 2), ("i0", 1), ("i0", 2), ("i1", 1), ("i1", 2),
    ]  # fmt: skip
    assert {exchange.reply.status for one in found for exchange in one.exchanges} == {ReplyStatus.NOT_ASKED}
    assert found[0].key == dialogue_key(run.id, "i2", 1)
    assert [one.dialogue.item.id for one in dialogues(database, run, units=1)] == ["i2", "i2"]


@pytest.mark.parametrize(
    ("attempts", "counts"),
    [
        ([failed("a"), failed("b")], (2, "b")),
        ([failed("a"), Reply(text="答", detail="x")], (2, "x")),
        ([Reply(text="答", detail="x"), failed("late")], (1, "x")),
    ],
)
def test_the_last_attempt_that_is_not_failed_counts(
    database: Database, run: RunRecord, attempts: list[Reply], counts: tuple[int, str]
) -> None:
    with Writer(database) as writer:
        for number, reply in enumerate(attempts, start=1):
            writer.turn(AttemptKey(run.key, 0, 1, 1, number), reply)
    first = next(iter(dialogues(database, run))).dialogue.exchanges[0]
    assert (first.attempt, first.reply.detail) == counts
    with database.begin() as connection:
        assert connection.execute(select(func.count()).select_from(TURNS)).scalar() == len(attempts)


def test_replies_and_verdicts_come_back_whole(database: Database, run: RunRecord) -> None:
    reply = Reply(
        text="答案 \x1b[31m <script>",
        reasoning="想",
        status=ReplyStatus.TRUNCATED,
        detail="length",
        usage=Usage(prompt_tokens=3, completion_tokens=4),
        seconds=0.25,
    )
    verdict = Verdict(level="3", confidence=0.5, reason="理由", raw="{}")
    judge = Runs(database).add_judge(run, "rule@0123456789ab", "rule", "primary", {"prompt": "x"})
    with Writer(database) as writer:
        writer.turn(AttemptKey(run.key, 1, 2, 1, 1), reply)
        writer.judgement(AttemptKey(run.key, 1, 2, 1, 1), judge.key, "甲", verdict)
        writer.judgement(
            AttemptKey(run.key, 1, 2, 1, 1), judge.key, "乙", Verdict(status=VerdictStatus.UNREADABLE)
        )
    stored = list(dialogues(database, run))[3]
    assert stored.dialogue.exchanges[0].reply == reply
    assert stored.rulings[judge.key, 1, "甲"].verdict == verdict
    assert stored.rulings[judge.key, 1, "乙"].verdict.status is VerdictStatus.UNREADABLE


def test_a_key_written_twice_keeps_the_first(database: Database, run: RunRecord) -> None:
    with Writer(database) as writer:
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="first"))
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="second"))
    assert next(iter(dialogues(database, run))).dialogue.exchanges[0].reply.text == "first"


def test_a_judge_is_entered_once(database: Database, run: RunRecord) -> None:
    runs = Runs(database)
    first = runs.add_judge(run, "rule@0", "rule", "refusal", {})
    assert runs.add_judge(run, "rule@0", "rule", "refusal", {}) == first
    assert runs.judges(run) == [first]


def test_a_bad_row_leaves_nothing_of_the_data(database: Database) -> None:
    def items() -> Iterator[Item]:
        for k in range(2500):
            yield Item(id=f"i{k}", turns=("问",), category=())
        raise DataError.at("f", 2501, "prompt", found="nothing", expected="text")

    with pytest.raises(DataError, match="f:2501"):
        Runs(database).add_dataset("bench", "1", "1" * 64, items())
    with database.begin() as connection:
        for table in (DATASETS, ITEMS):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


def test_runs_are_found_by_name_id_and_beginning(database: Database, run: RunRecord) -> None:
    runs = Runs(database)
    for name in ("first", "abcdef012345", "abcd"):
        assert runs.find(name) == run
    with pytest.raises(UnknownRun, match="Did you mean 'first'"):
        runs.find("frist")
    with pytest.raises(UnknownRun, match="no run 'abc'"):
        runs.find("abc")


def test_a_name_is_one_runs(database: Database, run: RunRecord) -> None:
    other = NewRun(
        id="000000000000",
        name="first",
        dataset=run.dataset,
        benchmark="bench",
        model="m",
        trials=1,
        sample=False,
        manifest={},
    )
    with pytest.raises(
        StoreError, match=r"^the name 'first' is another run's by now; choose another --name$"
    ):
        Runs(database).create(other, [])


def test_stated_failures_of_opening(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store at"):
        Database(str(tmp_path / "absent.db"), create=False)
    with pytest.raises(StoreError, match="is a directory"):
        Database(str(tmp_path))
    with pytest.raises(StoreError, match="does not exist"):
        Database(str(tmp_path / "no" / "store.db"))
    with pytest.raises(StoreError, match="cannot be read"):
        Database("://")
    with pytest.raises(StoreError, match="no store of kind 'mysql'"):
        Database("mysql://host/name")
    (tmp_path / "text.db").write_text("not a database, but long enough to look like a page" * 50)
    with pytest.raises(StoreError, match="not a"):
        Database(str(tmp_path / "text.db"))


def test_a_newer_store_is_refused_and_an_older_one_is_brought_up(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    Database(path).close()
    again = Database(path)
    with again.begin() as connection:
        assert connection.execute(select(VERSION.c.version)).scalar() == len(MIGRATIONS)
        connection.execute(VERSION.update().values(version=len(MIGRATIONS) + 1))
    again.close()
    with pytest.raises(StoreError, match="upgrade liangxin"):
        Database(path)


def test_another_programs_tables_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("create table runs (x)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="not a Liangxin store"):
        Database(str(path))


def test_passwords_are_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        Database("postgresql+psycopg://user:secret@127.0.0.1:1/x?connect_timeout=1")
    assert "secret" not in str(caught.value)


def test_sqlite_is_durable(database: Database) -> None:
    with database.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_full_disk_is_said_and_nothing_hangs(database: Database, run: RunRecord) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(
            "create trigger full before insert on turns begin select raise(abort, 'disk full'); end"
        )
    writer = Writer(database)
    with pytest.raises(StoreError, match="disk full"), writer:
        for turn in range(1, 20_000):
            writer.turn(AttemptKey(run.key, 0, 1, turn, 1), Reply(text="x"))
