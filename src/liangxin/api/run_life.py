"""What becomes of stored runs: renamed, archived, pinned, deleted; and the board that they stand on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from liangxin.store import Database, RunRecord, Runs, store_url
from liangxin.store.life import removal, states

Store = str | os.PathLike[str] | None


@contextmanager
def _stored(run: str, store: Store) -> Iterator[tuple[Database, RunRecord]]:
    with _opened(store) as database:
        yield database, Runs(database).find(run)


@contextmanager
def _opened(store: Store) -> Iterator[Database]:
    database = Database(store_url(None if store is None else os.fspath(store)), create=False)
    try:
        yield database
    finally:
        database.close()


def rename_run(run: str, name: str, *, store: Store = None) -> None:
    """Give a run another name, as `liangxin runs rename`; its id and all that is stored stay.

    Args:
        run: its name or id (or the first four digits or more).

    Raises:
        UsageError: the name is empty, too long or not one line.
        StoreError: another run has the name, or the store cannot be written.
    """
    with _stored(run, store) as (database, found):
        states.rename_run(database, found, name)


def archive_run(run: str, *, archived: bool = True, store: Store = None) -> None:
    """Hide a run from lists and boards, or (`archived=False`) take it back; errors as `rename_run`."""
    with _stored(run, store) as (database, found):
        states.set_state(database, found, "archive" if archived else "unarchive")


def pin_run(run: str, *, pinned: bool = True, store: Store = None) -> None:
    """Put a run first in lists, or (`pinned=False`) back to its place by date; errors as `rename_run`."""
    with _stored(run, store) as (database, found):
        states.set_state(database, found, "pin" if pinned else "unpin")


def delete_run(run: str, *, store: Store = None) -> dict[str, object]:
    """Delete a run with all that hangs on it, without asking; nothing of it is kept.

    Returns:
        How much went: `replies, verdicts, labels, annotations, measurements, looks, drawn, items`, and the annotation
        `projects` that went whole or lost the tasks that showed its answers (`thinned`).

    Raises:
        RunAtWork: somebody asks or judges it now; nothing was deleted.
        StoreError: the store cannot be written; nothing was deleted.
    """
    with _stored(run, store) as (database, found):
        return removal.delete_run(database, found).gone.fields()


def leaderboard(
    benchmark: str,
    *,
    judge: str | None = None,
    samples: bool = False,
    archived: bool = False,
    store: Store = None,
) -> dict[str, Any]:
    """The object that `liangxin leaderboard --format json` prints: `rows` with rank sets, and `left_out` with reasons.

    Args:
        benchmark: its name, or the path of a `.toml` file.
        judge: only rows by this judge.
        samples: the embedded samples' own board (样例·非成绩).
        archived: whether archived runs are among them.

    Raises:
        UnknownName: there is no such benchmark.
        StoreError: there is no store, or it cannot be read.
    """
    from liangxin.analysis.ranking import leaderboard as board
    from liangxin.analysis.ranking import leaderboard_fields
    from liangxin.benchmarks import open_benchmark

    with _opened(store) as database:
        found = board(database, open_benchmark(benchmark), judge, samples=samples, archived=archived)
    return leaderboard_fields(found)
