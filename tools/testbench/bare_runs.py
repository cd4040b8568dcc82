"""Runs of nothing but a name and their items, for tests of the store itself."""

from __future__ import annotations

from liangxin.records import Item
from liangxin.store import NewRun, RunRecord, Runs
from liangxin.store.database import Database


def bare_run(database: Database, identity: str, *, name: str | None = None, items: int = 1) -> RunRecord:
    """A planned run of so many items `i0`, `i1`, …, of one turn each, asked for nothing yet.

    Args:
        identity: the run's id.
    """
    runs = Runs(database)
    asked = [Item(id=f"i{at}", turns=("问",), category=("类",)) for at in range(items)]
    new = NewRun(
        id=identity,
        name=name,
        dataset=runs.add_dataset("bench", "1", "0" * 64, asked),
        benchmark="bench",
        model="m",
        trials=1,
        sample=False,
        manifest={},
    )
    return runs.update(runs.create(new, [(at, at) for at in range(items)]), name=name, units=items)
