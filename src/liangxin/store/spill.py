"""Replies and verdicts that a store did not take, kept in a file until the next start brings them in.

A JSON line each, under a first line that names the store and the work: the run, and its asking or one judge, by their
identities, so that rows find their place in a store that was copied or brought back from a backup.
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
from liangxin.store.leases import ASKING, Lease, Work
from liangxin.store.schema import JUDGEMENTS, JUDGES, RUNS, TURNS

_TABLES = {table.name: table for table in (TURNS, JUDGEMENTS)}
_NUMBERS = frozenset({"run", "judge"})
"""The store's own numbers for what the first line names."""
_FORMAT = 1


class StoredRow(NamedTuple):
    """A row on its way to the store."""

    table: Table
    values: dict[str, Any]


class SpillFile(NamedTuple):
    """A file with what the store did not take of one piece of work."""

    place: Path
    work: Work
    rows: list[StoredRow]


class Spill:
    """Where the rows of one piece of work go that the store does not take."""

    def __init__(self, database: Database, work: Work) -> None:
        self._database = database
        self._work = work

    def write(self, rows: Sequence[StoredRow]) -> Path:
        """Keep the rows in a new file: beside the store, else in the working directory, else at home.

        Raises:
            StoreError: none of these folders takes it.
        """
        name = f"{_prefix(self._database)}{self._work.run}-{secrets.token_hex(4)}.jsonl"
        head = {"liangxin_spill": _FORMAT, "store": self._database.shown, **self._work._asdict()}
        text = "".join(json.dumps(line) + "\n" for line in [head, *map(_line, rows)])
        why = "no folder"
        for folder in _folders(self._database):
            try:
                return _written(folder / name, text)
            except OSError as error:
                why = f"{folder}: {error.strerror}"
        raise StoreError(f"{len(rows)} answers could be kept nowhere ({why}); they will be asked for again")


def spilled(database: Database) -> list[SpillFile]:
    """The files that earlier commands left for a store.

    Raises:
        StoreError: one cannot be read.
    """
    found = []
    for place in _found(database):
        with contextlib.suppress(FileNotFoundError):  # another command has just taken it in
            found.append(_read(place))
    return found


def take_in(database: Database, work: Work, lease: Lease, tell: Callable[[str], None]) -> None:
    """Bring in what earlier commands could not store of that work, each file in one transaction; remove the files.

    Only who holds the work's lease may, before anything of it is asked: whoever asks on meanwhile would be answered
    twice. Of a dialogue that another command has gone on with since, nothing is taken: its turns would be torn from
    what they answer.

    Raises:
        StoreUnavailable: the store does not take it now; the file stays.
        StoreError: a file is damaged, or the store refuses it.
        LeaseLost: the work is another command's by now.
    """
    for place, of, rows in spilled(database):
        if of != work:
            continue
        with database.write() as connection:
            counts = _entered(connection, database, work, rows)
            lease.confirm(connection)
        if counts is None:
            tell(
                f"{place} keeps answers of run {work.run}, which this store does not hold; it stays where it is"
            )
            continue
        place.unlink(missing_ok=True)
        others = f"; another command had asked for {counts.others} of them again" if counts.others else ""
        tell(
            f"{counts.replies} replies and {counts.verdicts} verdicts were taken in from {place}, which is removed{others}"
        )


def remove_spilled(database: Database, run: str) -> None:
    """Remove what no start has brought in of a run, by its id; damaged files too, as the name tells whose they are."""
    for place in _found(database):
        if place.name.startswith(f"{_prefix(database)}{run}-"):
            place.unlink(missing_ok=True)


class _Counts(NamedTuple):
    """What of a file is in the store now, and what was another command's before."""

    replies: int
    verdicts: int
    others: int


def _entered(
    connection: Connection, database: Database, work: Work, rows: Sequence[StoredRow]
) -> _Counts | None:
    """Bring rows in that are not there; None where the store lacks their run or judge."""
    run = connection.execute(select(RUNS.c.key).where(RUNS.c.id == work.run)).scalar()
    judge: int | None = None
    if work.part != ASKING:
        query = select(JUDGES.c.key).where(JUDGES.c.run == run, JUDGES.c.identity == work.part)
        judge = connection.execute(query).scalar()
    if run is None or (judge is None and work.part != ASKING):
        return None
    turns = [values | {"run": run} for table, values in rows if table is TURNS]
    theirs = {_dialogue(row) for row in turns if _differs(connection, TURNS, row)}
    added = [row for row in turns if _dialogue(row) not in theirs]
    if added:
        connection.execute(database.insert_new(TURNS), added)
    verdicts = [values | {"run": run, "judge": judge} for table, values in rows if table is JUDGEMENTS]
    ruled = [row for row in verdicts if not _differs(connection, JUDGEMENTS, row)]
    if ruled:
        connection.execute(database.insert_new(JUDGEMENTS), ruled)
    others = len(turns) - len(added) + len(verdicts) - len(ruled)
    return _Counts(replies=len(added), verdicts=len(ruled), others=others)


def _dialogue(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["rank"], row["trial"]


def _differs(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Whether the store holds another row of that key: written at another time."""
    at = [column == row[column.name] for column in table.primary_key.columns]
    found = connection.execute(select(table.c.created).where(*at)).scalar()
    return found is not None and found != row["created"]


def _line(row: StoredRow) -> dict[str, object]:
    return {row.table.name: {name: value for name, value in row.values.items() if name not in _NUMBERS}}


def _read(place: Path) -> SpillFile:
    """What a file holds, without the store's numbers.

    Raises:
        FileNotFoundError: it is gone.
        StoreError: it cannot be read, or a line is not as it was written.
    """
    rows: list[StoredRow] = []
    work: Work | None = None
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError):
        raise StoreError(_damaged(place, 1)) from None
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            found = json.loads(line)
            if work is None:
                if found["liangxin_spill"] != _FORMAT:
                    raise StoreError(f"{place} was written by a newer release; upgrade liangxin")
                work = Work(str(found["run"]), str(found["part"]))
                continue
            ((name, values),) = found.items()
            table = _TABLES[name]
            if {*values} != {*table.columns.keys()} - _NUMBERS:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreError(_damaged(place, number)) from None
        rows.append(StoredRow(table, values))
    if work is None:
        raise StoreError(_damaged(place, 1))
    return SpillFile(place, work, rows)


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
