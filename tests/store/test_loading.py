"""A data set is there once it is whole; what a killed load has left is removed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from liangxin.digests import text_digest
from liangxin.errors import StoreUnavailable
from liangxin.records import Item
from liangxin.store import Database, NewRun, Runs, copy_run, database
from liangxin.store.loading import remove_dead_loads
from liangxin.store.schema import DATASETS, ITEMS, READABLE

DATA = ("bench", "1", "1" * 64)
KILLED = """
import os, signal, sys
from liangxin.records import Item
from liangxin.store import Database, Runs

def items():
    for k in range(5000):
        yield Item(id=f"old{k}", turns=("问",), category=())
    print("half", flush=True)
    sys.stdin.read()

Runs(Database(sys.argv[1])).add_dataset("bench", "1", "1" * 64, items())
"""


def items(count: int = 2500) -> Iterator[Item]:
    return (Item(id=f"i{k}", turns=("问",), category=()) for k in range(count))


def counts(database: Database) -> tuple[int, int]:
    with database.begin() as connection:
        found = [
            connection.execute(select(func.count()).select_from(one)).scalar_one()
            for one in (DATASETS, ITEMS)
        ]
    return found[0], found[1]


@pytest.fixture
def loading(people_database: Database, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of loading the data."""
    url = people_database.engine.url.render_as_string(hide_password=False)
    where = url if not people_database.is_sqlite else people_database.shown
    command = [sys.executable, "-c", KILLED, where]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        yield process
        process.kill()


def test_a_load_under_way_is_seen_by_nobody_and_hinders_nobody(
    people_database: Database, loading: subprocess.Popen[str]
) -> None:
    runs = Runs(people_database)
    assert counts(people_database) == (1, 5000)
    assert runs.dataset(*DATA) is None
    assert runs.datasets("bench") == []
    remove_dead_loads(people_database)
    assert counts(people_database) == (1, 5000), "its process lives"
    with pytest.raises(StoreUnavailable, match=f"same data from another process .*:{loading.pid}"):
        runs.add_dataset(*DATA, items())
    other = runs.add_dataset("bench", "1", "2" * 64, items(3))
    assert runs.datasets("bench") == [other]


def test_what_a_killed_load_left_is_removed(
    people_database: Database, loading: subprocess.Popen[str]
) -> None:
    loading.send_signal(signal.SIGKILL)
    loading.wait()
    remove_dead_loads(people_database)
    assert counts(people_database) == (0, 0)


def test_the_same_data_replace_what_a_killed_load_left(
    people_database: Database, loading: subprocess.Popen[str]
) -> None:
    loading.send_signal(signal.SIGKILL)
    loading.wait()
    runs = Runs(people_database)
    key = runs.add_dataset(*DATA, items())
    assert runs.dataset(*DATA) == key
    assert counts(people_database) == (1, 2500)
    assert [item.id for item in runs.items(key)][:2] == ["i0", "i1"]
    assert [row[0] for row in runs.index(key)] == list(range(2500))


def test_a_load_on_another_machine_is_dead_after_a_minute_without_a_sign(people_database: Database) -> None:
    def left(loader: str, ago: float) -> None:
        with people_database.begin() as connection:
            connection.execute(
                text(
                    "insert into datasets (benchmark, version, sha256, loader, loading) values ('b', '1', :sha, :who, :at)"
                ),
                {"sha": text_digest(loader), "who": loader, "at": time.time() - ago},
            )

    left("elsewhere:1", 50)
    left("elsewhere:2", 70)
    left(f"{socket.gethostname()}:{os.getpid()}", 10_000)
    remove_dead_loads(people_database)
    with people_database.begin() as connection:
        stay = set(connection.execute(select(DATASETS.c.loader)).scalars())
    assert stay == {"elsewhere:1", f"{socket.gethostname()}:{os.getpid()}"}


def test_who_is_taken_for_dead_stops_and_spoils_nothing(people_database: Database) -> None:
    def taken_over() -> Iterator[Item]:
        yield from items(2000)
        with people_database.begin() as connection:
            connection.execute(DATASETS.update().values(loader="elsewhere:1"))
        yield from items(1)

    with pytest.raises(StoreUnavailable, match="taken over"):
        Runs(people_database).add_dataset(*DATA, taken_over())
    assert counts(people_database) == (1, 2000), "another's now"


def test_a_store_from_before_loads_were_told_is_read_and_copied_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it may only be read; all its data sets are whole."""
    made = Database(str(tmp_path / "store.db"))
    runs = Runs(made)
    key = runs.add_dataset(*DATA, items(3))
    new = NewRun(
        id="abcdef012345",
        name=None,
        dataset=key,
        benchmark="bench",
        model="m",
        trials=1,
        sample=False,
        manifest={},
    )
    runs.create(new, [(k, k) for k in range(3)])
    with made.begin() as connection:
        for column in ("loader", "loading"):
            connection.execute(text(f"ALTER TABLE datasets DROP COLUMN {column}"))
        connection.execute(text(f"UPDATE liangxin_schema SET version = {READABLE}"))
    made.compact()
    made.close()
    monkeypatch.setattr(database, "only_read", lambda place: place.name == "store.db")
    older = Database(str(tmp_path / "store.db"))
    assert older.read_only
    assert Runs(older).datasets("bench") == [key]
    (run,) = Runs(older).all()
    target = Database(str(tmp_path / "copy.db"))
    copy_run(older, run, target)
    assert [item.id for item in Runs(target).items(Runs(target).datasets("bench")[0])] == ["i0", "i1", "i2"]
    target.close()
    older.close()
