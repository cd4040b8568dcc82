"""Searching a run's prompts and answers: an index of three characters where the database can have one.

The index only narrows down: whatever it proposes, and whatever it does not hold yet, is searched as it was without
one. So what is found is the same with it, without it and while it is made. SQLite: FTS5's trigram tokenizer
(https://www.sqlite.org/fts5.html#the_trigram_tokenizer), a table for each run and each data set. PostgreSQL: pg_trgm
(https://www.postgresql.org/docs/current/pgtrgm.html), an index over this run's rows alone, which the server keeps up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    column,
    exists,
    func,
    inspect,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy import table as table_of
from sqlalchemy.exc import OperationalError

from liangxin.errors import StoreError
from liangxin.store.database import Database
from liangxin.store.schema import ITEMS, TURNS

_CHUNK = 1000
_GRAM = 3
_MOST_GRAMS = 30
_MOST_TERMS = 1000
"""Terms that begin with two characters: with more of them the index would be no faster than the rows."""
_BITS = 12
_END = "\x03\x03"
"""Behind every text, so that its last two characters begin a term too."""
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedRows:
    """The rows that one index is of."""

    table: Table
    owner: str
    """The column that says whose they are."""
    key: int
    content: str
    """The column that is searched."""
    number: str
    """A row's number in SQLite's index, in SQL."""

    @property
    def name(self) -> str:
        """The index's name in the database."""
        return f"search_{self.table.name}_{self.key}"


def searched_answers(run: int) -> SearchedRows:
    """The answers of the run with that key."""
    number = f"(((rank << {_BITS} | trial) << {_BITS} | turn) << {_BITS} | attempt)"
    return SearchedRows(table=TURNS, owner="run", key=run, content="text", number=number)


def searched_items(dataset: int) -> SearchedRows:
    """The items of the data set with that key."""
    return SearchedRows(table=ITEMS, owner="dataset", key=dataset, content="content", number="position")


def saying(
    connection: Connection,
    run: int,
    dataset: int,
    words: str,
    place: ColumnElement[Any],
    position: ColumnElement[Any],
) -> ColumnElement[bool]:
    """Whether a dialogue has these words in its item or in an answer; Latin letters in either case.

    Args:
        run: the run's key.
        dataset: the key of its data.
        place: (rank, trial) of the dialogue.
        position: the place of its item in the data.
    """
    # An item is stored as JSON, the names of its fields included.
    inside = json.dumps(words, ensure_ascii=False)[1:-1]
    answers, items = searched_answers(run), searched_items(dataset)
    said = select(TURNS.c.rank, TURNS.c.trial).where(*_holding(connection, answers, words))
    asked = select(ITEMS.c.position).where(*_holding(connection, items, inside))
    return or_(place.in_(said), position.in_(asked))


def index_run(database: Database, run: int, dataset: int, wanted: Callable[[], bool]) -> None:
    """Make the indexes that searching a run takes, or add what came since; does nothing where none can be had.

    On SQLite a part at a time, with a pause as long as each part took: whoever writes meanwhile gets in between.

    Args:
        run: the run's key.
        dataset: the key of its data.
        wanted: asked before each part; where not, the rest is left for another time.

    Raises:
        StoreError: the database refused; what was indexed stays and is right.
    """
    if database.read_only:
        return
    for rows in (searched_items(dataset), searched_answers(run)):
        if not database.is_sqlite:
            _index_on_server(database, rows)
            continue
        with database.read() as connection:
            done = _made(connection, rows) and _whole(connection, rows)
        while not done and wanted():
            started = time.monotonic()
            with database.write() as connection:
                if not _made(connection, rows) and not _make(connection, rows):
                    return
                done = _add(connection, rows) < _CHUNK
            time.sleep(time.monotonic() - started)


def drop_index(connection: Connection, rows: SearchedRows) -> None:
    """Remove an index with everything in it, where there is one."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {rows.name}")
    elif _made(connection, rows):
        connection.exec_driver_sql(f"DROP TABLE {rows.name}_terms")
        connection.exec_driver_sql(f"DROP TABLE {rows.name}")


def _holding(connection: Connection, rows: SearchedRows, words: str) -> list[ColumnElement[bool]]:
    table = rows.table
    # As a literal, the planner sees at once that the index over these rows alone will do.
    owner = table.c[rows.owner] == literal(rows.key, literal_execute=True)
    content = table.c[rows.content]
    # Words without a case need not be folded.
    caseless = words.lower() == words.upper()
    holds = (content.contains if caseless else content.icontains)(words, autoescape=True)
    match = _match(connection, rows, words) if _made(connection, rows) else None
    if match is None:
        return [owner, holds]
    number: ColumnElement[int] = literal_column(rows.number)
    names = table_of(rows.name, column("rowid"), column(rows.name))
    near: ColumnElement[bool] = number.in_(select(names.c.rowid).where(names.c[rows.name].op("MATCH")(match)))
    if not _whole(connection, rows):
        sizes = table_of(f"{rows.name}_docsize", column("id"))
        near = or_(near, ~exists().where(sizes.c.id == number))
    return [owner, near, holds]


def _match(connection: Connection, rows: SearchedRows, words: str) -> str | None:
    """What proposes rows to SQLite's index; None where it cannot."""
    if len(words) >= _GRAM:
        grams = dict.fromkeys(words[start : start + _GRAM] for start in range(len(words) - _GRAM + 1))
        return " AND ".join(_quoted(gram) for gram in list(grams)[:_MOST_GRAMS])
    lowered = words.lower()
    # Letters beyond ASCII that have a case are folded by the index in its own way.
    if len(words) != _GRAM - 1 or not (words.isascii() or lowered == words.upper()):
        return None
    terms = table_of(f"{rows.name}_terms", column("term"))
    beginning = select(terms.c.term).where(terms.c.term >= lowered, terms.c.term < lowered + _HIGHEST)
    found = list(connection.execute(beginning.limit(_MOST_TERMS)).scalars())
    if not found:
        return _quoted(words + _HIGHEST)
    return " OR ".join(_quoted(term) for term in found) if len(found) < _MOST_TERMS else None


def _quoted(gram: str) -> str:
    doubled = gram.replace('"', '""')
    return f'"{doubled}"'


def _made(connection: Connection, rows: SearchedRows) -> bool:
    """Whether SQLite has the index, begun at least."""
    return connection.dialect.name == "sqlite" and inspect(connection).has_table(f"{rows.name}_terms")


def _make(connection: Connection, rows: SearchedRows) -> bool:
    """Make an empty index; False where this SQLite was built without FTS5, or is older than its trigrams (3.34)."""
    try:
        with connection.begin_nested():
            # Neither the texts nor where in them a term stands: only which rows hold it.
            connection.exec_driver_sql(
                f"CREATE VIRTUAL TABLE {rows.name} USING fts5({rows.content}, content='', detail='none', "
                "tokenize='trigram')"
            )
            connection.exec_driver_sql(
                f"CREATE VIRTUAL TABLE {rows.name}_terms USING fts5vocab('{rows.name}', 'row')"
            )
    except OperationalError:
        return False
    return True


def _add(connection: Connection, rows: SearchedRows) -> int:
    """Add some rows that the index lacks; how many."""
    added = connection.exec_driver_sql(
        f"INSERT INTO {rows.name} (rowid, {rows.content}) SELECT {rows.number}, {rows.content} || ? "
        f"FROM {rows.table.name} WHERE {rows.owner} = ? AND NOT EXISTS "
        f"(SELECT 1 FROM {rows.name}_docsize AS known WHERE known.id = {rows.number}) LIMIT ?",
        (_END, rows.key, _CHUNK),
    )
    return added.rowcount


def _whole(connection: Connection, rows: SearchedRows) -> bool:
    """Whether the index holds every row: rows are appended only."""
    known = select(func.count()).select_from(table_of(f"{rows.name}_docsize"))
    every = select(func.count()).select_from(rows.table).where(rows.table.c[rows.owner] == rows.key)
    return connection.execute(known).scalar_one() == connection.execute(every).scalar_one()


def _index_on_server(database: Database, rows: SearchedRows) -> None:
    """An index over these rows alone: writing other runs costs nothing more, and nobody waits while it is made."""
    where = "SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_trgm'"
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    try:
        with database.read() as connection:
            made = connection.exec_driver_sql(valid, (rows.name,)).scalar()
            if made:
                return
            if made is False:  # somebody was interrupted, or is at it
                connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {rows.name}")
            schema = connection.exec_driver_sql(where).scalar()
            if schema is None:
                connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                schema = connection.exec_driver_sql(where).scalar()
            connection.exec_driver_sql(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {rows.name} ON {rows.table.name} USING gin "
                f'({rows.content} "{schema}".gin_trgm_ops) WHERE {rows.owner} = {rows.key}'
            )
    except StoreError:
        return  # No such extension here, or no right to it: searching goes on as before.
