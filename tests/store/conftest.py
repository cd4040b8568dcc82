"""A store with one small run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liangxin.records import Item
from liangxin.store import Database, NewRun, RunRecord, Runs


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture
def run(database: Database) -> RunRecord:
    runs = Runs(database)
    items = [Item(id=f"i{k}", turns=(f"问题{k}", f"追问{k}"), category=("类", "子类")) for k in range(3)]
    dataset = runs.add_dataset("bench", "1", "0" * 64, items)
    new = NewRun(
        id="abcdef012345",
        name="first",
        dataset=dataset,
        benchmark="bench",
        model="replay:x",
        trials=2,
        sample=False,
        manifest={"seed": 0},
    )
    record = runs.create(new, [(0, 2), (1, 0), (2, 1)])
    return runs.update(record, name="first", units=3)
