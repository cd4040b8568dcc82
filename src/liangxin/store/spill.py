"""Replies and verdicts that a store did not take, kept in a file until the next start brings them in.

A JSON line each, under a first line that names the store and the run. Runs and judges are named by their identities,
so that rows find their place in a store that was copied or brought back from a backup.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, make_url, select

from liangxin.digests import digest
from liangxin.errors import StoreError
from liangxin.store.database import Database
from liangxin.store.runs import JudgeRecord, RunRecord
from liangxin.store.schema import JUDGEMENTS, JUDGES, RUNS, TURNS

_TABLES = {table.name: table for table in (TURNS, JUDGEMENTS)}
_FORMAT = 1


class StoredRow(NamedTuple):
    """A row on its way to the store."""

    table: Table
    values: dict[str, object]


class Spill:
    """Where the rows of one run go that the store does not take."""

    def __init__(self, database: Database, run: RunRecord) -> None:
        self._database = database
        self._run = run
        self._judges: dict[int, str] = {}

    def enter(self, judge: JudgeRecord) -> None:
        """Know a judge whose verdicts may come."""
        self._judges[judge.key] = judge.identity

    def write(self, rows: Sequence[StoredRow]) -> Path:
        """Keep the rows in a new file: beside the store, else in the working directory, else at home.

        Raises:
            StoreError: none of these folders takes it.
        """
        name = f"{_prefix(self._database)}{self._run.id}-{secrets.token_hex(4)}.jsonl"
        head = {"liangxin_spill": _FORMAT, "store": self._database.shown, "run": self._run.id}
        lines = [head, *map(self._line, rows)]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        why = "no folder"
        for folder in _folders(self._database):
            try:
                return _written(folder / name, text)
            except OSError as error:
                why = f"{folder}: {error.strerror}"
        raise StoreError(f"{len(rows)} answers could be kept nowhere ({why}); they will be asked for again")

    def _line(self, row: StoredRow) -> dict[str, object]:
        values = {name: value for name, value in row.values.items() if name != "run"}
        if row.table is JUDGEMENTS:
            values["judge"] = self._judges[row.values["judge"]]  # type: ignore[index]
        return {row.table.name: values}


def take_in(database: Database, tell: Callable[[str], None]) -> None:
    """Bring in what earlier commands could not store, each file in one transaction, and remove the files.

    A file may be taken in twice (by two commands at once, or after a crash): a row that is there stays.

    Raises:
        StoreUnavailable: the store does not take it now; the file stays.
        StoreError: a file is damaged, or the store refuses it.
    """
    for place in _found(database):
        try:
            text = place.read_text(encoding="utf-8")
        except FileNotFoundError:  # another command has just taken it in
            continue
        except (OSError, UnicodeDecodeError):
            raise StoreError(_damaged(place, 1)) from None
        run, lines = _read(place, text)
        with database.begin() as connection:
            counts = _entered(connection, database, run, lines, place)
        if counts is None:
            tell(f"{place} keeps answers of run {run}, which this store does not hold; it stays where it is")
            continue
        place.unlink(missing_ok=True)
        tell(f"{counts[0]} replies and {counts[1]} verdicts were taken in from {place}, which is removed")


Lines = list[tuple[Table, dict[str, Any]]]


def _entered(
    connection: Connection, database: Database, run: str, lines: Lines, place: Path
) -> tuple[int, int] | None:
    """How many replies and verdicts the file holds, now in the store; None where the store lacks their run."""
    key = connection.execute(select(RUNS.c.key).where(RUNS.c.id == run)).scalar()
    if key is None:
        return None
    query = select(JUDGES.c.identity, JUDGES.c.key).where(JUDGES.c.run == key)
    judges: Mapping[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    counts = []
    for table in (TURNS, JUDGEMENTS):
        rows = [{**values, "run": key} for of, values in lines if of is table]
        for number, row in enumerate(rows):
            if table is JUDGEMENTS:
                if row["judge"] not in judges:
                    raise StoreError(_damaged(place, number + 2))
                row["judge"] = judges[row["judge"]]
        if rows:
            connection.execute(database.insert_new(table), rows)
        counts.append(len(rows))
    return counts[0], counts[1]


def _read(place: Path, text: str) -> tuple[str, Lines]:
    """The run's id, and each row with its table.

    Raises:
        StoreError: a line is not as it was written.
    """
    lines: Lines = []
    run = ""
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            found = json.loads(line)
            if number == 1:
                if found["liangxin_spill"] != _FORMAT:
                    raise StoreError(f"{place} was written by a newer release; upgrade liangxin")
                run = str(found["run"])
                continue
            ((name, values),) = found.items()
            table = _TABLES[name]
            if {*values, "run"} != {*table.columns.keys()}:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreError(_damaged(place, number)) from None
        lines.append((table, values))
    if not run:
        raise StoreError(_damaged(place, 1))
    return run, lines


def _damaged(place: Path, line: int) -> str:
    return f"{place}:{line}: answers that an earlier command kept cannot be read; move the file away to go on without them"


def _prefix(database: Database) -> str:
    """How the names of a store's files begin."""
    if database.is_sqlite:
        return f"{Path(database.shown).name}.spill-"
    url = make_url(database.shown)
    return f"liangxin-{digest([url.host, url.port, url.database, sorted(url.query.items())])}.spill-"


def _folders(database: Database) -> Iterator[Path]:
    if database.is_sqlite:
        yield Path(database.shown).absolute().parent
    yield Path.cwd()
    with contextlib.suppress(RuntimeError):  # nobody's home is known
        yield Path.home()


def _found(database: Database) -> Iterator[Path]:
    """The files that were left for a store; outside its own folder only those of this user."""
    trusted = Path(database.shown).absolute().parent if database.is_sqlite else None
    for folder in dict.fromkeys(_folders(database)):
        for place in sorted(folder.glob(f"{_escaped(_prefix(database))}*.jsonl")):
            if folder == trusted or not hasattr(os, "getuid") or place.stat().st_uid == os.getuid():
                yield place


def _escaped(name: str) -> str:
    import glob

    return glob.escape(name)


def _written(place: Path, text: str) -> Path:
    """Write a file whole or not at all, readable as the store is: by its folder's users, by nobody else elsewhere.

    Raises:
        OSError: it cannot be.
    """
    draft = place.with_suffix(".part")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(place)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return place
