"""A run copied from one store to another, whole: how a run is exported to one file and imported again.

The portable file is a store like any other (SQLite) that holds one run, so every command reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select, update

from liangxin.errors import StoreError, StoreUnavailable
from liangxin.store.database import Database
from liangxin.store.loading import remove_dead_loads
from liangxin.store.runs import RunRecord, Runs
from liangxin.store.schema import (
    DATASETS,
    ITEMS,
    JUDGEMENTS,
    JUDGES,
    LOOKS,
    RUN_ITEMS,
    RUNS,
    SAMPLES,
    TURNS,
    VALIDATIONS,
)

_CHUNK = 1000
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """What a copy came to."""

    run: RunRecord
    """As it stands in the target."""
    added: int
    """Replies and verdicts that the target did not have."""
    renamed: bool
    """Whether the run lost its name, since another run of the target has it."""


def copy_run(source: Database, run: RunRecord, target: Database) -> Transferred:
    """Copy a run with its data set, replies, verdicts and evidence, all or nothing.

    A run that the target has already (the same identity) is added to: what it holds stays, attempt by
    attempt, and what it lacks is appended.

    Raises:
        StoreError: the target holds the same run with another order of items, or refuses.
    """
    remove_dead_loads(target)
    with source.begin() as old, target.begin() as new:
        copy = _Copy(old, new, target)
        dataset = copy.dataset(run.dataset)
        key, renamed = copy.run(run, dataset)
        judges = copy.judges(run.key, key)
        added = copy.rows(TURNS, run.key, lambda row: row | {"run": key})
        added += copy.rows(JUDGEMENTS, run.key, lambda row: row | {"run": key, "judge": judges[row["judge"]]})
        copy.rows(LOOKS, run.key, lambda row: row | {"run": key})
        copy.once(VALIDATIONS, VALIDATIONS.c.run == run.id, {})
        copy.once(SAMPLES, SAMPLES.c.run == run.key, {"run": key})
    found = Runs(target).by_id(run.id)
    if found is None:
        raise StoreError(f"the store {target.shown} did not keep run {run.id}")
    return Transferred(run=found, added=added, renamed=renamed)


class _Copy:
    """One transaction on each side."""

    def __init__(self, old: Connection, new: Connection, target: Database) -> None:
        self._old = old
        self._new = new
        self._target = target

    def dataset(self, key: int) -> int:
        """The data set's key in the target, copied if it is not there."""
        # No more of it: a store that may only be read may be an older one, which tells nothing of loads.
        identity = (DATASETS.c.benchmark, DATASETS.c.version, DATASETS.c.sha256)
        row = dict(self._old.execute(select(*identity).where(DATASETS.c.key == key)).mappings().one())
        where = [column == row[column.name] for column in identity]
        known = self._new.execute(select(DATASETS.c.key, DATASETS.c.loading).where(*where)).one_or_none()
        if known is not None and known.loading is None:
            return int(known.key)
        if known is not None:
            raise StoreUnavailable(
                f"the store {self._target.shown} is getting the same data from another command; import the run again "
                "once it is done"
            )
        made = self._add(DATASETS, row)
        query = select(ITEMS).where(ITEMS.c.dataset == key).order_by(ITEMS.c.position)
        self._stream(ITEMS, query, lambda item: item | {"dataset": made})
        return made

    def run(self, run: RunRecord, dataset: int) -> tuple[int, bool]:
        """The run's key in the target, and whether it came without its name."""
        query = select(RUNS.c.key, RUNS.c.units, RUNS.c.name).where(RUNS.c.id == run.id)
        known = self._new.execute(query).one_or_none()
        taken = run.name is not None and (
            self._new.execute(select(RUNS.c.id).where(RUNS.c.name == run.name)).scalar() not in (None, run.id)
        )
        name = None if taken else run.name
        if known is None:
            row = _row(self._old, RUNS, run.key) | {"dataset": dataset, "name": name}
            key = self._add(RUNS, row)
            self.rows(RUN_ITEMS, run.key, lambda one: one | {"run": key})
            return key, taken
        key = int(known.key)
        if self._order(self._old, run.key) != self._order(self._new, key):
            raise StoreError(
                f"the store {self._target.shown} holds run {run.id} in another order of items; import it into a store of its own"
            )
        values = {"units": max(known.units, run.units), "name": known.name or name}
        self._new.execute(update(RUNS).where(RUNS.c.key == key).values(values))
        return key, taken and known.name is None

    def judges(self, old: int, new: int) -> dict[int, int]:
        """Each judge's key in the source and in the target."""
        found: dict[int, int] = {}
        for row in self._old.execute(select(JUDGES).where(JUDGES.c.run == old)).mappings().all():
            query = select(JUDGES.c.key).where(JUDGES.c.run == new, JUDGES.c.identity == row["identity"])
            known = self._new.execute(query).scalar()
            found[row["key"]] = self._add(JUDGES, {**row, "run": new}) if known is None else int(known)
        return found

    def rows(self, table: Table, run: int, change: Callable[[Row], Row]) -> int:
        """Every row of a run in one table; returns how many were new."""
        keys = list(table.primary_key.columns)
        query = select(table).where(table.c.run == run).order_by(*keys)
        return self._stream(table, query, change)

    def once(self, table: Table, where: ColumnElement[bool], change: Row) -> None:
        """Rows that have no key of their own but a number: the same content is kept once."""
        for found in self._old.execute(select(table).where(where).order_by(table.c.key)).mappings().all():
            row = {name: value for name, value in found.items() if name != "key"} | change
            same = select(table.c.key).where(*(table.c[name] == value for name, value in row.items()))
            if self._new.execute(same).first() is None:
                self._add(table, row)

    def _stream(self, table: Table, query: Any, change: Callable[[Row], Row]) -> int:
        count = select(func.count()).select_from(table)
        before = self._new.execute(count).scalar_one()
        result = self._old.execution_options(yield_per=_CHUNK).execute(query).mappings()
        for chunk in result.partitions():
            self._new.execute(self._target.insert_new(table), [change(dict(row)) for row in chunk])
        return int(self._new.execute(count).scalar_one() - before)

    def _add(self, table: Table, row: Mapping[str, Any]) -> int:
        """Insert a row under a key of the target's own."""
        values = {name: value for name, value in row.items() if name != "key"}
        made = self._new.execute(table.insert().returning(table.c.key), values)
        return int(made.scalar_one())

    @staticmethod
    def _order(connection: Connection, run: int) -> list[tuple[int, int, int]]:
        query = select(RUN_ITEMS.c.rank, RUN_ITEMS.c.unit_rank, RUN_ITEMS.c.position)
        rows = connection.execute(query.where(RUN_ITEMS.c.run == run).order_by(RUN_ITEMS.c.rank))
        return [(row[0], row[1], row[2]) for row in rows]


def _row(connection: Connection, table: Table, key: int) -> Row:
    return dict(connection.execute(select(table).where(table.c.key == key)).mappings().one())
