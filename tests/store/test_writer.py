"""The store pushes back on asking, passing errors are waited out, and what is not taken is kept in a file."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from liangxin.errors import StoreError, UsageError
from liangxin.records import Item, Reply, Verdict
from liangxin.store import Database, NewRun, RunRecord, Runs, Spill, StorePatience, Writer, take_in
from liangxin.store.judgements import AttemptKey
from liangxin.store.schema import JUDGEMENTS, TURNS
from liangxin.store.writer import BATCH_ROWS
from testbench import postgres

ITEMS = 400
WORKERS = 10


def a_run(database: Database) -> RunRecord:
    runs = Runs(database)
    items = [Item(id=f"i{k}", turns=("问",), category=("类",)) for k in range(ITEMS)]
    dataset = runs.add_dataset("bench", "1", "0" * 64, items)
    new = NewRun(
        id="abcdef012345",
        name="first",
        dataset=dataset,
        benchmark="bench",
        model="openai:m",
        trials=1,
        sample=False,
        manifest={},
    )
    return runs.update(runs.create(new, [(k, k) for k in range(ITEMS)]), name="first", units=ITEMS)


@contextmanager
def locked(place: str, seconds: float | None = None) -> Iterator[None]:
    """SQLite's write lock in other hands; for so long, or until the block ends."""
    with closing(sqlite3.connect(place, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = None if seconds is None else threading.Timer(seconds, other.execute, ["ROLLBACK"])
        if timer is not None:
            timer.start()
        yield
        if timer is None:
            other.execute("ROLLBACK")
        else:
            timer.join()


class Asking:
    """Workers that ask as a run does, and how much was unsaved at worst."""

    def __init__(self, database: Database, run: RunRecord) -> None:
        self.database = database
        self.run = run
        self.asked = 0
        self.worst = 0

    async def work(self, writer: Writer) -> None:
        while self.asked < ITEMS:
            await writer.room()
            rank, self.asked = self.asked, self.asked + 1
            if rank >= ITEMS:
                return
            await asyncio.sleep(0.001)
            writer.turn(AttemptKey(self.run.key, rank, 1, 1, 1), Reply(text=f"答{rank}"))
            self.worst = max(self.worst, self.asked - writer.saved_rows)

    def go(self, patience: StorePatience, spill: Spill | None = None) -> None:
        async def every() -> None:
            with Writer(self.database, patience, spill) as writer:
                await asyncio.gather(*(self.work(writer) for _ in range(WORKERS)))
                await writer.saved()

        asyncio.run(every())


def count(database: Database, table: object = TURNS) -> int:
    with database.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[call-overload, arg-type, unused-ignore]


def test_no_more_is_unsaved_than_what_is_in_flight_and_one_batch(database: Database) -> None:
    asking = Asking(database, a_run(database))
    asking.go(StorePatience(lambda _: None))
    assert count(database) == ITEMS
    assert asking.worst <= WORKERS + BATCH_ROWS


def test_a_held_lock_stops_the_asking_is_told_once_and_nothing_is_lost(database: Database) -> None:
    asking = Asking(database, a_run(database))
    said: list[str] = []
    with locked(database.shown, 5.0):
        begun = time.monotonic()
        asking.go(StorePatience(said.append))
    assert time.monotonic() - begun > 4, "the lock was waited for"
    assert count(database) == ITEMS
    assert asking.worst <= WORKERS + BATCH_ROWS
    (sentence,) = said
    assert "database is locked; waiting for it, 300 s at most" in sentence


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory and a home of the test's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_what_is_not_taken_is_kept_in_a_file_that_the_next_start_takes_in(
    database: Database, home: Path
) -> None:
    run = a_run(database)
    asking = Asking(database, run)
    said: list[str] = []
    with (
        locked(database.shown),
        pytest.raises(StoreError, match=r"database is locked; waited for it for \d s"),
    ):
        asking.go(StorePatience(said.append, 1.0), Spill(database, run))
    assert asking.asked <= WORKERS + BATCH_ROWS
    (place,) = Path(database.shown).parent.glob("*.jsonl")
    assert place.name.startswith("store.db.spill-abcdef012345-")
    assert said[-1].startswith(f"{asking.asked} answers that the store did not take are kept in {place};")
    assert count(database) == 0
    kept = place.read_text(encoding="utf-8")
    said.clear()
    take_in(database, said.append)
    assert said == [f"{asking.asked} replies and 0 verdicts were taken in from {place}, which is removed"]
    assert count(database) == asking.asked
    assert not place.exists()
    place.write_text(kept, encoding="utf-8")
    take_in(database, said.append)
    assert count(database) == asking.asked, "a second time changes nothing"
    assert not place.exists()
    asking.go(StorePatience(said.append))
    assert count(database) == ITEMS


def test_verdicts_find_their_judge_by_its_identity(database: Database, home: Path, tmp_path: Path) -> None:
    run = a_run(database)
    judge = Runs(database).add_judge(run, "llm@1", "llm:m", "primary", {})
    spill = Spill(database, run)
    spill.enter(judge)
    with locked(database.shown), pytest.raises(StoreError), Writer(database, spill=spill) as writer:
        writer.judgement(AttemptKey(run.key, 3, 1, 1, 1), judge.key, "", Verdict(level="3", raw="{}"))
    (place,) = Path(database.shown).parent.glob("*.jsonl")
    head, line = map(json.loads, place.read_text(encoding="utf-8").splitlines())
    assert head == {"liangxin_spill": 1, "store": database.shown, "run": run.id}
    assert (line["judgements"]["judge"], line["judgements"]["rank"]) == ("llm@1", 3)
    # In another store of the same run the judge has another key.
    (tmp_path / "b").mkdir()
    other = Database(str(tmp_path / "b" / "store.db"))
    same = a_run(other)
    for name in ("a@1", "llm@1"):
        judge = Runs(other).add_judge(same, name, "llm:m", "primary", {})
    place.rename(tmp_path / "b" / place.name)
    said: list[str] = []
    take_in(other, said.append)
    assert said[0].startswith("0 replies and 1 verdicts were taken in")
    with other.begin() as connection:
        assert connection.execute(select(JUDGEMENTS.c.judge, JUDGEMENTS.c.level)).all() == [(judge.key, "3")]
    other.close()


def test_files_of_other_runs_and_damaged_ones_stay(database: Database, home: Path) -> None:
    folder = Path(database.shown).parent
    place = folder / "store.db.spill-x.jsonl"
    place.write_text('{"liangxin_spill": 1, "run": "000000000000"}\n{"turns": {}}\n', encoding="utf-8")
    for text, line in (("{}\n", 1), ("", 1), ('{"liangxin_spill": 1, "run": "0"}\nx\n', 2)):
        (folder / "store.db.spill-y.jsonl").write_text(text, encoding="utf-8")
        place.unlink(missing_ok=True)
        with pytest.raises(StoreError, match=f"spill-y.jsonl:{line}: .* cannot be read; move the file away"):
            take_in(database, lambda _: None)
    (folder / "store.db.spill-y.jsonl").write_text(
        '{"liangxin_spill": 1, "run": "000000000000"}\n', encoding="utf-8"
    )
    said: list[str] = []
    take_in(database, said.append)
    assert "keeps answers of run 000000000000, which this store does not hold" in said[0]
    assert (folder / "store.db.spill-y.jsonl").exists()


def test_a_folder_that_takes_nothing_gives_way_to_the_working_directory(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(database)
    real = Path.replace
    full = Path(database.shown).parent

    def refuse(self: Path, target: Path) -> Path:
        if self.parent == full:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with (
        locked(database.shown),
        pytest.raises(StoreError),
        Writer(database, spill=Spill(database, run)) as writer,
    ):
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="答"))
    (place,) = home.glob("*.jsonl")
    assert place.stat().st_mode & 0o777 == 0o600
    assert not list(full.glob("*.part"))
    take_in(database, lambda _: None)
    assert count(database) == 1
    assert not place.exists()


def test_patience_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANGXIN_STORE_PATIENCE", "12.5")
    assert StorePatience(print).seconds == 12.5
    for text in ("soon", "-1", "inf", "nan"):
        monkeypatch.setenv("LIANGXIN_STORE_PATIENCE", text)
        with pytest.raises(UsageError, match="expected a number of seconds"):
            StorePatience(print)


@pytest.mark.slow
def test_a_server_that_is_cut_off_and_restarted_is_waited_for(home: Path) -> None:
    if postgres.programs() is None:
        pytest.skip("no PostgreSQL server programs under /usr/lib/postgresql")
    with postgres.postgres_server() as server:
        database = Database(server.url)
        asking = Asking(database, a_run(database))
        said: list[str] = []

        def trouble() -> None:
            with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'"
                )
            server.stop("immediate")
            time.sleep(1)
            server.start()

        thread = threading.Timer(0.02, trouble)
        thread.start()
        asking.go(StorePatience(said.append))
        thread.join()
        asking.asked = 0
        asking.go(StorePatience(said.append))  # whose connections were all cut
        assert count(database) == ITEMS
        server.stop()
        spill = Spill(database, asking.run)
        with (
            pytest.raises(StoreError, match="waited for it"),
            Writer(database, StorePatience(said.append, 0.5), spill) as one,
        ):
            one.turn(AttemptKey(asking.run.key, 0, 1, 1, 2), Reply(text="另"))
        (place,) = home.glob("liangxin-*.jsonl")
        assert place.name.startswith("liangxin-")
        server.start()
        take_in(database, said.append)
        assert count(database) == ITEMS + 1
        database.close()
