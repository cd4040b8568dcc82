"""Deleting a run: what hangs on it, all of which goes, and what is done so that nothing of it is left in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, select

from liangxin.errors import RunAtWork
from liangxin.store.database import Database
from liangxin.store.leases import running
from liangxin.store.people import (
    ASSIGNMENTS,
    CANDIDATES,
    DECISIONS,
    INVITATIONS,
    LABELS,
    MEMBERS,
    PROJECTS,
    RESPONSES,
    TASKS,
    UPLOADS,
)
from liangxin.store.runs import RunRecord, Runs
from liangxin.store.schema import (
    DATASETS,
    ITEMS,
    JUDGEMENTS,
    JUDGES,
    LEASES,
    LOOKS,
    RUN_ITEMS,
    RUN_STATES,
    RUNS,
    SAMPLES,
    SPENDINGS,
    TURNS,
    VALIDATIONS,
)
from liangxin.store.searching import drop_index, searched_answers, searched_items
from liangxin.store.spill import remove_spilled

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """What hangs on a run and goes with it."""

    replies: int
    """Every attempt at every turn."""
    verdicts: int
    """Of judges that are no people."""
    labels: int
    """People's verdicts, from files of labels and from projects."""
    annotations: int
    """What annotators said of the tasks that go, every version."""
    measurements: int
    """How well judges agree with people, measured on this run: other runs' judge bands may rest on it."""
    looks: int
    """Decisions that were asked."""
    drawn: int
    """Samples that were drawn for people to read."""
    items: int
    """The items of its data, where no other run has the same."""
    projects: tuple[str, ...]
    """Annotation projects that show no other run's answers: they go whole."""
    thinned: tuple[str, ...]
    """Projects that lose their tasks with an answer of this run, with what was said in them, and stay."""

    def fields(self) -> dict[str, object]:
        """As JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedRun:
    """What a deletion came to."""

    gone: Hanging
    remains: str = ""
    """Why the store's file may still hold bytes of it; empty where it holds none."""


def hanging_on(database: Database, run: RunRecord, *, at_work: bool = False) -> Hanging:
    """What would go with a run; nothing is changed.

    Args:
        at_work: whether it is no matter that somebody asks or judges it, so that it could not be deleted now.

    Raises:
        RunAtWork: somebody does, and it is one.
    """
    with database.read() as connection:
        if not at_work:
            _refuse(connection, run)
        return _hanging(connection, run, Runs(database))


def delete_run(database: Database, run: RunRecord) -> RemovedRun:
    """Delete a run with all that hangs on it, in one transaction.

    What the store had not taken of it (`liangxin.store.spill`) goes too. On SQLite the file is then rewritten without its free pages (VACUUM) and the write-ahead log emptied, so that no
    byte of it is left in the store's files. A server keeps deleted rows in its files until its own VACUUM.

    Raises:
        RunAtWork: somebody asks or judges it; nothing was deleted.
        StoreReadOnly, StoreError: the store cannot be written; nothing was deleted.
    """
    runs = Runs(database)
    with database.write() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        _refuse(connection, run)
        gone = _hanging(connection, run, runs)
        _delete_tasks(connection, run)
        for table in (JUDGEMENTS, TURNS, LOOKS, SAMPLES, JUDGES, RUN_ITEMS):
            connection.execute(delete(table).where(table.c.run == run.key))
        for table in (VALIDATIONS, LEASES, RUN_STATES, SPENDINGS):
            connection.execute(delete(table).where(table.c.run == run.id))
        connection.execute(delete(RUNS).where(RUNS.c.key == run.key))
        drop_index(connection, searched_answers(run.key))
        if gone.items:
            drop_index(connection, searched_items(run.dataset))
            connection.execute(delete(ITEMS).where(ITEMS.c.dataset == run.dataset))
            connection.execute(delete(DATASETS).where(DATASETS.c.key == run.dataset))
    remove_spilled(database, run.id)
    return RemovedRun(gone=gone, remains=_wiped(database))


def _refuse(connection: Connection, run: RunRecord) -> None:
    at_work = running(connection, run.id)
    if at_work:
        raise RunAtWork(f"run {run.label} is at work ({at_work[0]}); end that command first, then delete")


def _hanging(connection: Connection, run: RunRecord, runs: Runs) -> Hanging:
    people = [judge.key for judge in runs.judges(run) if judge.traits.people]
    ruled = JUDGEMENTS.c.run == run.key
    by_people = _count(connection, JUDGEMENTS, ruled, JUDGEMENTS.c.judge.in_(people))
    whole, thinned = _projects(connection, run)
    shared = _count(connection, RUNS, RUNS.c.dataset == run.dataset, RUNS.c.key != run.key)
    tasks = _tasks_of(run)
    return Hanging(
        replies=_count(connection, TURNS, TURNS.c.run == run.key),
        verdicts=_count(connection, JUDGEMENTS, ruled) - by_people,
        labels=by_people,
        annotations=_count(connection, LABELS, LABELS.c.task.in_(tasks)),
        measurements=_count(connection, VALIDATIONS, VALIDATIONS.c.run == run.id),
        looks=_count(connection, LOOKS, LOOKS.c.run == run.key),
        drawn=_count(connection, SAMPLES, SAMPLES.c.run == run.key),
        items=0 if shared else _count(connection, ITEMS, ITEMS.c.dataset == run.dataset),
        projects=tuple(name for _, name in whole),
        thinned=tuple(name for _, name in thinned),
    )


def _count(connection: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def _tasks_of(run: RunRecord) -> Select[tuple[int]]:
    """The tasks that show an answer of the run."""
    return select(CANDIDATES.c.task).where(CANDIDATES.c.run == run.key)


Project = tuple[int, str]


def _projects(connection: Connection, run: RunRecord) -> tuple[list[Project], list[Project]]:
    """The projects that show answers of the run: those all of whose tasks do, and the others."""
    shows = TASKS.c.key.in_(_tasks_of(run))
    named = select(PROJECTS.c.key, PROJECTS.c.name).where(
        PROJECTS.c.key.in_(select(TASKS.c.project).where(shows))
    )
    stay = set(connection.execute(select(TASKS.c.project).where(~shows).distinct()).scalars())
    found = [(row.key, row.name) for row in connection.execute(named.order_by(PROJECTS.c.key))]
    return [one for one in found if one[0] not in stay], [one for one in found if one[0] in stay]


def _delete_tasks(connection: Connection, run: RunRecord) -> None:
    """The tasks that show an answer of the run, with everything said in them, and the projects left without any."""
    whole, _ = _projects(connection, run)
    tasks = [row.task for row in connection.execute(_tasks_of(run).distinct())]
    for chunk in _chunks(tasks):
        for table in (DECISIONS, LABELS, RESPONSES, ASSIGNMENTS, CANDIDATES):
            connection.execute(delete(table).where(table.c.task.in_(chunk)))
        connection.execute(delete(TASKS).where(TASKS.c.key.in_(chunk)))
    keys = [key for key, _ in whole]
    for table in (MEMBERS, INVITATIONS, UPLOADS):
        connection.execute(delete(table).where(table.c.project.in_(keys)))
    connection.execute(delete(PROJECTS).where(PROJECTS.c.key.in_(keys)))


def _chunks(keys: Sequence[int]) -> Iterator[list[int]]:
    rest = iter(keys)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _wiped(database: Database) -> str:
    """Rewrite SQLite's file without its free pages and empty the log beside it; why that was not done, if it was not.

    Deleted rows lie in free pages and in the free space of others, those that a page left behind when it was split
    too: only a new file holds none. https://www.sqlite.org/lang_vacuum.html, https://www.sqlite.org/pragma.html
    (secure_delete, wal_checkpoint).
    """
    if not database.is_sqlite:
        return "the server keeps deleted rows in its files until VACUUM, and in its log and backups"
    with closing(database.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        try:
            cursor.execute("VACUUM")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            return f"the file could not be rewritten ({error}); VACUUM does it later"
    return "another command has the store open, and its log could not be emptied yet" if busy else ""
