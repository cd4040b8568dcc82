"""Loading a data set: parsed before a lock is taken, written in batches, whole or not there at all."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, Connection, and_, delete, func, inspect, select, true, update

from liangxin.errors import StoreError, StoreUnavailable
from liangxin.records import Item
from liangxin.store.content import item_text
from liangxin.store.database import Database
from liangxin.store.schema import DATASETS, ITEMS

_BATCH = 1000
_REMOVED = 10_000
"""How many items of an unfinished load are removed at a time."""
_SILENCE = 60.0
"""Seconds without a sign of life after which a load on another machine is taken for dead."""
_WHOLE = DATASETS.c.loading.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """A data set that is being loaded, as one process left its row."""

    key: int
    loader: str
    seen: float

    @property
    def alive(self) -> bool:
        """Whether its process may still go on."""
        host, _, process = self.loader.rpartition(":")
        if host == socket.gethostname() and sys.platform != "win32":
            return _runs(int(process))
        return time.time() - self.seen < _SILENCE

    @property
    def mine(self) -> ColumnElement[bool]:
        """The row, as long as no other process has taken it over."""
        return and_(
            DATASETS.c.key == self.key, DATASETS.c.loader == self.loader, DATASETS.c.loading.is_not(None)
        )


def whole(connection: Connection) -> ColumnElement[bool]:
    """Which data sets are loaded whole: all of a store from before loads were told, which may only be read here."""
    told = {column["name"] for column in inspect(connection).get_columns(DATASETS.name)}
    return _WHOLE if DATASETS.c.loading.name in told else true()


def whole_dataset(connection: Connection, benchmark: str, version: str, sha256: str) -> int | None:
    """The key of a data set that is loaded whole, or None."""
    return connection.execute(select(DATASETS.c.key).where(_is(benchmark, version, sha256), _WHOLE)).scalar()


def load_dataset(database: Database, benchmark: str, version: str, sha256: str, items: Iterable[Item]) -> int:
    """Store a data set's items; it can be used once the last batch is committed. Returns its key.

    Where reading an item fails, nothing stays. What a killed process left of the same data is replaced.

    Raises:
        StoreUnavailable: another process is loading the same data, or has taken this load for dead.
        StoreError: the store refuses.
    """
    numbered = enumerate(items)
    batch = list(islice(numbered, _BATCH))
    load = _claimed(database, benchmark, version, sha256)
    if isinstance(load, int):
        return load
    try:
        _remove_items(database, load)
        add = database.insert_new(ITEMS)
        while batch:
            rows = [_item_row(load.key, position, item) for position, item in batch]
            with database.write() as connection:
                _sign(connection, load, time.time())
                connection.execute(add, rows)
            batch = list(islice(numbered, _BATCH))
        with database.write() as connection:
            _sign(connection, load, None)
    except BaseException:
        with contextlib.suppress(StoreError):
            _remove(database, load)
        raise
    return load.key


def remove_dead_loads(database: Database) -> None:
    """Remove what killed processes have left of data sets that they were loading."""
    query = select(DATASETS.c.key, DATASETS.c.loader, DATASETS.c.loading).where(~_WHOLE)
    with database.read() as connection:
        found = [_Load(key=row[0], loader=row[1], seen=row[2]) for row in connection.execute(query)]
    for load in found:
        if not load.alive:
            _remove(database, load)


def _claimed(database: Database, benchmark: str, version: str, sha256: str) -> _Load | int:
    """This process's own load of the data; or the data set's key, where it is there already."""
    loader, now = f"{socket.gethostname()}:{os.getpid()}", time.time()
    query = select(DATASETS.c.key, DATASETS.c.loader, DATASETS.c.loading)
    with database.write() as connection:
        connection.execute(
            database.insert_new(DATASETS),
            [
                {
                    "benchmark": benchmark,
                    "version": version,
                    "sha256": sha256,
                    "loader": loader,
                    "loading": now,
                }
            ],
        )
        row = connection.execute(query.where(_is(benchmark, version, sha256)).with_for_update()).one()
        if row.loading is None:
            return int(row.key)
        other = _Load(key=row.key, loader=row.loader, seen=row.loading)
        if row.loader != loader:
            if other.alive:
                raise StoreUnavailable(
                    f"the store {database.shown} is getting the same data from another process ({row.loader})"
                )
            connection.execute(update(DATASETS).where(other.mine).values(loader=loader, loading=now))
        return _Load(key=row.key, loader=loader, seen=now)


def _sign(connection: Connection, load: _Load, at: float | None) -> None:
    """Give a sign of life; None: the load is whole.

    Raises:
        StoreUnavailable: another process has taken this one for dead.
    """
    values = {"loading": at} if at is not None else {"loading": None, "loader": None}
    if not connection.execute(update(DATASETS).where(load.mine).values(values)).rowcount:
        raise StoreUnavailable("another command has taken over the loading of the same data")


def _remove(database: Database, load: _Load) -> None:
    _remove_items(database, load)
    with database.write() as connection:
        connection.execute(delete(DATASETS).where(load.mine))


def _remove_items(database: Database, load: _Load) -> None:
    """Remove the items a part at a time, the last first, as long as the load is nobody else's."""
    of = ITEMS.c.dataset == load.key
    while True:
        with database.write() as connection:
            mine = connection.execute(select(DATASETS.c.key).where(load.mine)).scalar()
            last = connection.execute(select(func.max(ITEMS.c.position)).where(of)).scalar()
            if mine is None or last is None:
                return
            connection.execute(delete(ITEMS).where(of, ITEMS.c.position > last - _REMOVED))


def _is(benchmark: str, version: str, sha256: str) -> ColumnElement[bool]:
    table = DATASETS.c
    return and_(table.benchmark == benchmark, table.version == version, table.sha256 == sha256)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _item_row(dataset: int, position: int, item: Item) -> dict[str, object]:
    return {
        "dataset": dataset,
        "position": position,
        "id": item.id,
        "unit": item.unit,
        "category": "/".join(item.category),
        "content": item_text(item),
    }
