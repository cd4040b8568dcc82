"""A run's name and its place in lists and on boards: renamed, archived, pinned."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, inspect, or_, select, update

from liangxin.errors import StoreError, UsageError
from liangxin.store.database import Database
from liangxin.store.runs import RunRecord, Runs
from liangxin.store.schema import RUN_STATES, RUNS

StateChange = Literal["archive", "unarchive", "pin", "unpin"]
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A run as it stands in lists."""

    run: RunRecord
    archived: bool
    """Hidden from lists and boards; everything of it stays, and every command that names it works."""
    pinned: bool
    """First in lists."""


def listed_runs(database: Database, *, archived: bool) -> list[ListedRun]:
    """Every run, the pinned first, then the newest.

    Args:
        archived: whether those that were archived are among them; they come last.
    """
    states = _states(database)
    made = [
        ListedRun(run=run, archived=archived_at is not None, pinned=pinned_at is not None)
        for run in Runs(database).all()
        for archived_at, pinned_at in [states.get(run.id, (None, None))]
    ]
    shown = [one for one in made if archived or not one.archived]
    return sorted(shown, key=lambda one: (one.archived, not one.pinned))


def shown_runs(database: Database) -> list[RunRecord]:
    """The runs that were not archived, as a list shows them."""
    return [one.run for one in listed_runs(database, archived=False)]


def set_state(database: Database, run: RunRecord, change: StateChange) -> None:
    """Archive or pin a run, or take that back; who archives a pinned run unpins it, and the other way round.

    Raises:
        StoreReadOnly, StoreError: the store cannot be written.
    """
    now = time.time()
    changes: dict[StateChange, dict[str, float | None]] = {
        "archive": {"archived": now, "pinned": None},
        "unarchive": {"archived": None},
        "pin": {"archived": None, "pinned": now},
        "unpin": {"pinned": None},
    }
    with database.write() as connection:
        connection.execute(database.insert_new(RUN_STATES), [{"run": run.id}])
        connection.execute(update(RUN_STATES).where(RUN_STATES.c.run == run.id).values(changes[change]))


def rename_run(database: Database, run: RunRecord, name: str) -> RunRecord:
    """Give a run another name; its id, and what is stored under it, stay.

    Raises:
        UsageError: it is empty, too long, or more than one line of printable characters.
        StoreError: another run has that name or id.
        StoreReadOnly: the store may only be read.
    """
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(
            f"a run's name is one line of 1 to {LONGEST_NAME} characters without blanks around it; found {name[:60]!r}"
        )
    with database.write() as connection:
        holder = _holder(connection, run, name)
        if holder is not None:
            raise StoreError(f"the name {name!r} is run {holder}'s; choose another, or rename that one first")
        connection.execute(update(RUNS).where(RUNS.c.key == run.key).values(name=name))
    return Runs(database).find(run.id)


def _holder(connection: Connection, run: RunRecord, name: str) -> str | None:
    """The id of another run that is called so."""
    query = select(RUNS.c.id).where(or_(RUNS.c.name == name, RUNS.c.id == name), RUNS.c.key != run.key)
    found: str | None = connection.execute(query).scalars().first()
    return found


def _states(database: Database) -> Mapping[str, tuple[float | None, float | None]]:
    with database.read() as connection:
        # A store of an earlier release that may only be read here has no such table.
        if not inspect(connection).has_table(RUN_STATES.name):
            return {}
        return {row.run: (row.archived, row.pinned) for row in connection.execute(select(RUN_STATES))}
