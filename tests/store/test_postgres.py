"""The same store on a real PostgreSQL server, started here on loopback."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from liangxin.errors import StoreError
from liangxin.records import Item, Reply, ReplyStatus, Verdict
from liangxin.store import Database, NewRun, Runs, Writer, dialogues
from liangxin.store.columns import STATUSES, ColumnReader
from liangxin.store.judgements import AttemptKey


def test_a_run_is_stored_and_read_back(postgres_url: str) -> None:
    database = Database(postgres_url)
    runs = Runs(database)
    items = [Item(id=f"i{k}", turns=("问题",), category=("类",)) for k in range(2)]
    dataset = runs.add_dataset("bench", "1", "0" * 64, items)
    assert runs.dataset("bench", "1", "0" * 64) == dataset
    new = NewRun(
        id="abcdef012345",
        name="名字",
        dataset=dataset,
        benchmark="bench",
        model="m",
        trials=1,
        sample=True,
        manifest={"种子": 0},
    )
    run = runs.update(runs.create(new, [(0, 1), (1, 0)]), name="名字", units=2)
    judge = runs.add_judge(run, "rule@0", "rule", "primary", {})
    with Writer(database) as writer:
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="答😀"))
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="the first stays"))
        writer.turn(AttemptKey(run.key, 1, 1, 1, 1), Reply(status=ReplyStatus.FAILED, detail="refused"))
        writer.judgement(AttemptKey(run.key, 0, 1, 1, 1), judge.key, "", Verdict(level="3"))
    database.close()
    again = Database(postgres_url, create=False)
    run = Runs(again).find("名字")
    first, second = dialogues(again, run)
    assert (first.dialogue.item.id, second.dialogue.item.id) == ("i1", "i0")
    assert first.dialogue.exchanges[0].reply.text == "答😀"
    assert first.rulings[judge.key, 1, ""].verdict.level == "3"
    read = ColumnReader(again, run, [judge.key])
    (sheet,) = read.sheets()
    assert [read.heads[code] for code in sheet.forms] == [(("类",), (), "", "", 1)] * 2
    assert [STATUSES[code] for code in sheet.statuses.ravel()] == ["ok", "failed"]
    assert sheet.judgeable.ravel().tolist() == [True, False]
    codes = sheet.rulings[judge.key].ravel()
    assert read.rulings[codes[0]] == ("given", "3")
    assert codes[1] == 0
    failure = read.failure(1, 1, 1, None)
    assert (failure.item, failure.reason) == ("i0", "refused")
    again.close()


def test_reading_begins_no_transaction_and_leaves_none_behind(postgres_url: str) -> None:
    database = Database(postgres_url)
    began = text(
        "select xact_start = statement_timestamp() from pg_stat_activity where pid = pg_backend_pid()"
    )
    with database.read() as connection:
        connection.execute(text("select 1"))
        assert connection.execute(began).scalar_one() is True, "each statement is one of its own"
        with database.begin() as other:
            other.execute(text("create table seen (n integer)"))
        assert connection.execute(text("select count(*) from seen")).scalar_one() == 0
    with pytest.raises(StoreError, match="does not exist"), database.read() as connection:
        connection.execute(text("select * from absent"))
    # The same connections, given back, begin transactions again.
    for _ in range(3):
        with pytest.raises(RuntimeError), database.begin() as connection:
            connection.execute(text("insert into seen values (1)"))
            raise RuntimeError
    with database.read() as connection:
        assert connection.execute(text("select count(*) from seen")).scalar_one() == 0
    database.close()
