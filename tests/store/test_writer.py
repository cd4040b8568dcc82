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
from sqlalchemy import func, select, update

from liangxin.errors import LeaseLost, StoreError, UsageError
from liangxin.records import Reply, Verdict
from liangxin.store import (
    ASKING,
    Database,
    Lease,
    RunRecord,
    Runs,
    Spill,
    StorePatience,
    Work,
    Writer,
    dialogues,
    opened,
    spilled,
    take_in,
)
from liangxin.store.judgements import AttemptKey
from liangxin.store.leases import Leases
from liangxin.store.schema import JUDGEMENTS, LEASES, TURNS
from liangxin.store.writer import BATCH_ROWS
from testbench import postgres
from testbench.bare_runs import bare_run

ITEMS = 400
WORKERS = 10
WORK = Work("abcdef012345", ASKING)
JUDGING = Work(WORK.run, "llm@1")


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
            with Writer(self.database, None, patience, spill) as writer:
                await asyncio.gather(*(self.work(writer) for _ in range(WORKERS)))
                await writer.saved()

        asyncio.run(every())


def taken_in(database: Database, work: Work = WORK) -> list[str]:
    """What is said when the next command takes in what was left of that work."""
    said: list[str] = []
    held = Leases(database).take(work)
    assert isinstance(held, Lease)
    held.keep(lambda: None)
    try:
        take_in(database, work, held, said.append)
    finally:
        held.release()
    return said


def count(database: Database, table: object = TURNS) -> int:
    with database.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[call-overload, arg-type, unused-ignore]


def test_no_more_is_unsaved_than_what_is_in_flight_and_one_batch(database: Database) -> None:
    asking = Asking(database, bare_run(database, WORK.run, name="first", items=ITEMS))
    asking.go(StorePatience(lambda _: None))
    assert count(database) == ITEMS
    assert asking.worst <= WORKERS + BATCH_ROWS


def test_a_held_lock_stops_the_asking_is_told_once_and_nothing_is_lost(database: Database) -> None:
    asking = Asking(database, bare_run(database, WORK.run, name="first", items=ITEMS))
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
    run = bare_run(database, WORK.run, name="first", items=ITEMS)
    asking = Asking(database, run)
    said: list[str] = []
    with (
        locked(database.shown),
        pytest.raises(StoreError, match=r"database is locked; waited for it for \d s"),
    ):
        asking.go(StorePatience(said.append, 1.0), Spill(database, WORK))
    assert asking.asked <= WORKERS + BATCH_ROWS
    (place,) = Path(database.shown).parent.glob("*.jsonl")
    assert place.name.startswith("store.db.spill-abcdef012345-")
    assert said[-1].startswith(f"{asking.asked} answers that the store did not take are kept in {place};")
    assert count(database) == 0
    kept = place.read_text(encoding="utf-8")
    said.clear()
    assert [(file.place, file.work) for file in spilled(database)] == [(place, WORK)]
    assert taken_in(database, JUDGING) == [], "another's work"
    assert taken_in(database) == [
        f"{asking.asked} replies and 0 verdicts were taken in from {place}, which is removed"
    ]
    assert count(database) == asking.asked
    assert not place.exists()
    place.write_text(kept, encoding="utf-8")
    taken_in(database)
    assert count(database) == asking.asked, "a second time changes nothing"
    assert not place.exists()
    asking.go(StorePatience(said.append))
    assert count(database) == ITEMS


def left(database: Database, *answers: tuple[AttemptKey, str]) -> Path:
    """The spill file of a command that the store refused these."""
    with (
        locked(database.shown),
        pytest.raises(StoreError),
        Writer(database, spill=Spill(database, WORK)) as writer,
    ):
        for at, text in answers:
            writer.turn(at, Reply(text=text))
    (place,) = Path(database.shown).parent.glob("*.jsonl")
    return place


def test_an_answer_of_any_characters_comes_back(database: Database, home: Path) -> None:
    """Some of them end a line for some readers."""
    run, hostile = (
        bare_run(database, WORK.run, name="first", items=ITEMS),
        "一\u2028二\u0085三\x0b四\r五\x1c六\n七",
    )
    left(database, (AttemptKey(run.key, 0, 1, 1, 1), hostile))
    assert taken_in(database)[0].startswith("1 replies")
    assert [one.dialogue.exchanges[0].reply.text for one in dialogues(database, run)][:1] == [hostile]


def test_a_dialogue_that_another_command_went_on_with_is_not_torn(database: Database, home: Path) -> None:
    run = bare_run(database, WORK.run, name="first", items=ITEMS)
    first, second = AttemptKey(run.key, 0, 1, 1, 1), AttemptKey(run.key, 0, 1, 2, 1)
    other = AttemptKey(run.key, 1, 1, 1, 1)
    left(database, (first, "一"), (second, "对一的追问"), (other, "另"))
    with Writer(database) as writer:
        writer.turn(first, Reply(text="后来的一"))
    (said,) = taken_in(database)
    assert said.startswith("1 replies and 0 verdicts were taken in")
    assert said.endswith("; another command had asked for 2 of them again")
    with database.begin() as connection:
        rows = connection.execute(
            select(TURNS.c.rank, TURNS.c.turn, TURNS.c.text).order_by(TURNS.c.rank)
        ).all()
    assert [tuple(row) for row in rows] == [(0, 1, "后来的一"), (1, 1, "另")]


def test_what_was_committed_before_the_answer_was_lost_stays_with_what_follows(
    database: Database, home: Path
) -> None:
    """A server that falls right after a commit has the first of them; the file holds all."""
    run = bare_run(database, WORK.run, name="first", items=ITEMS)
    first, second = AttemptKey(run.key, 0, 1, 1, 1), AttemptKey(run.key, 0, 1, 2, 1)
    place = left(database, (first, "一"), (second, "二"))
    kept = place.read_text(encoding="utf-8")
    place.write_text("".join(kept.splitlines(keepends=True)[:2]), encoding="utf-8")
    taken_in(database)
    place.write_text(kept, encoding="utf-8")
    assert taken_in(database)[0].startswith("2 replies and 0 verdicts")
    assert count(database) == 2


def test_rows_of_a_lost_lease_are_neither_tried_again_nor_kept(database: Database, home: Path) -> None:
    run = bare_run(database, WORK.run, name="first", items=ITEMS)
    held = Leases(database).take(WORK)
    assert isinstance(held, Lease)
    with database.begin() as connection:
        connection.execute(update(LEASES).values(token="another's"))
    said: list[str] = []
    patience, begun = StorePatience(said.append, 60.0), time.monotonic()
    writing = Writer(database, held.confirm, patience, Spill(database, WORK))
    with pytest.raises(LeaseLost, match="taken over"), writing as writer:
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="late"))
    assert time.monotonic() - begun < 30
    assert (count(database), said, spilled(database)) == (0, [], [])


def test_what_was_left_is_not_taken_in_without_the_lease(database: Database, home: Path) -> None:
    run = bare_run(database, WORK.run, name="first", items=ITEMS)
    place = left(database, (AttemptKey(run.key, 0, 1, 1, 1), "一"))
    held = Leases(database).take(WORK)
    assert isinstance(held, Lease)
    with database.begin() as connection:
        connection.execute(update(LEASES).values(token="another's"))
    with pytest.raises(LeaseLost):
        take_in(database, WORK, held, lambda _: None)
    assert count(database) == 0
    assert place.exists()


def test_a_new_or_older_store_that_is_locked_is_waited_for(tmp_path: Path) -> None:
    place = str(tmp_path / "new.db")
    with closing(sqlite3.connect(place)) as made:
        made.execute("PRAGMA journal_mode=WAL")
    said: list[str] = []
    with locked(place, 3.0):
        begun = time.monotonic()
        opened(place, StorePatience(said.append)).close()
    assert time.monotonic() - begun > 2


def test_a_store_that_nobody_serves_is_an_error_at_once(tmp_path: Path) -> None:
    said: list[str] = []
    begun = time.monotonic()
    with pytest.raises(StoreError):
        opened("postgresql://nobody@127.0.0.1:1/none", StorePatience(said.append))
    assert time.monotonic() - begun < 20
    assert said == []


def test_verdicts_find_their_judge_by_its_identity(database: Database, home: Path, tmp_path: Path) -> None:
    run = bare_run(database, WORK.run, name="first", items=ITEMS)
    judge = Runs(database).add_judge(run, "llm@1", "llm:m", "primary", {})
    spill = Spill(database, JUDGING)
    with locked(database.shown), pytest.raises(StoreError), Writer(database, spill=spill) as writer:
        writer.judgement(AttemptKey(run.key, 3, 1, 1, 1), judge.key, "", Verdict(level="3", raw="{}"))
    (place,) = Path(database.shown).parent.glob("*.jsonl")
    head, line = map(json.loads, place.read_text(encoding="utf-8").splitlines())
    assert head == {"liangxin_spill": 1, "store": database.shown, "run": run.id, "part": "llm@1"}
    assert not {"run", "judge"} & line["judgements"].keys()
    assert line["judgements"]["rank"] == 3
    # In another store of the same run the judge has another key.
    (tmp_path / "b").mkdir()
    other = Database(str(tmp_path / "b" / "store.db"))
    same = bare_run(other, WORK.run, name="first", items=ITEMS)
    for name in ("a@1", "llm@1"):
        judge = Runs(other).add_judge(same, name, "llm:m", "primary", {})
    place.rename(tmp_path / "b" / place.name)
    said = taken_in(other, JUDGING)
    assert said[0].startswith("0 replies and 1 verdicts were taken in")
    with other.begin() as connection:
        assert connection.execute(select(JUDGEMENTS.c.judge, JUDGEMENTS.c.level)).all() == [(judge.key, "3")]
    other.close()


def test_files_of_other_runs_and_damaged_ones_stay(database: Database, home: Path) -> None:
    folder = Path(database.shown).parent
    place = folder / "store.db.spill-x.jsonl"
    head = '{"liangxin_spill": 1, "run": "000000000000", "part": "asking"}\n'
    place.write_text(head + '{"turns": {}}\n', encoding="utf-8")
    for text, line in (("{}\n", 1), ("", 1), (f"{head}x\n", 2), (head + '{"turns": {}}\n', 2)):
        (folder / "store.db.spill-y.jsonl").write_text(text, encoding="utf-8")
        place.unlink(missing_ok=True)
        with pytest.raises(StoreError, match=f"spill-y.jsonl:{line}: .* cannot be read; move the file away"):
            taken_in(database)
    (folder / "store.db.spill-y.jsonl").write_text(head, encoding="utf-8")
    said = taken_in(database, Work("000000000000", ASKING))
    assert "keeps answers of run 000000000000, which this store does not hold" in said[0]
    assert (folder / "store.db.spill-y.jsonl").exists()


def test_a_folder_that_takes_nothing_gives_way_to_the_working_directory(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bare_run(database, WORK.run, name="first", items=ITEMS)
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
        Writer(database, spill=Spill(database, WORK)) as writer,
    ):
        writer.turn(AttemptKey(run.key, 0, 1, 1, 1), Reply(text="答"))
    (place,) = home.glob("*.jsonl")
    assert place.stat().st_mode & 0o777 == 0o600
    assert not list(full.glob("*.part"))
    taken_in(database)
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
        asking = Asking(database, bare_run(database, WORK.run, name="first", items=ITEMS))
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
        spill = Spill(database, WORK)
        with (
            pytest.raises(StoreError, match="waited for it"),
            Writer(database, None, StorePatience(said.append, 0.5), spill) as one,
        ):
            one.turn(AttemptKey(asking.run.key, 0, 1, 1, 2), Reply(text="另"))
        (place,) = home.glob("liangxin-*.jsonl")
        assert place.name.startswith("liangxin-")
        server.start()
        taken_in(database)
        assert count(database) == ITEMS + 1
        database.close()
