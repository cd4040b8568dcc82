"""The store's tables and their numbered migrations. Replies and verdicts are appended, never rewritten."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    inspect,
    select,
    text,
    update,
)

from liangxin.errors import StoreError
from liangxin.store.migrations.old_kinds import kinds
from liangxin.store.migrations.relations import relate
from liangxin.store.people import CANDIDATES, PEOPLE

METADATA = MetaData()

VERSION = Table(
    "liangxin_schema", METADATA, Column("version", Integer, primary_key=True, autoincrement=False)
)

DATASETS = Table(
    "datasets",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("benchmark", String(200), nullable=False),
    Column("version", String(50), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("loader", Text),
    Column("loading", Float),
    UniqueConstraint("benchmark", "version", "sha256"),
)
"""`loader` and `loading`: which process reads the data in, and when it last gave a sign of life (seconds since 1970).

Empty once the last batch is committed; until then the data set is nobody's to use.
"""

ITEMS = Table(
    "items",
    METADATA,
    Column("dataset", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("dataset", "position"),
    UniqueConstraint("dataset", "id"),
    Index("items_by_category", "dataset", "category", "position"),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("id", String(12), nullable=False, unique=True),
    Column("name", Text, unique=True),
    Column("dataset", Integer, nullable=False),
    Column("benchmark", String(200), nullable=False),
    Column("model", Text, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("units", Integer, nullable=False),
    Column("sample", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("traits", Text, nullable=False, server_default="{}"),
)
"""`units` is how many units, in the run's order, have been planned: the largest `--limit` so far."""

RUN_ITEMS = Table(
    "run_items",
    METADATA,
    Column("run", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("unit_rank", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("run", "rank"),
)
"""The run's seeded order: `rank` stands for the item in every later table."""

TURNS = Table(
    "turns",
    METADATA,
    Column("run", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("seconds", Float, nullable=False),
    Column("created", Float, nullable=False),
    PrimaryKeyConstraint("run", "rank", "trial", "turn", "attempt"),
    Index("turns_by_status", "run", "status", "rank", "trial", "turn", "attempt"),
)

JUDGES = Table(
    "judges",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("identity", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("subject", String(20), nullable=False),
    Column("created", Float, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("traits", Text, nullable=False, server_default="{}"),
    Column("sources", Text),
    UniqueConstraint("run", "identity"),
)
"""`traits`, here and of a run: what the judge or model is, as JSON of what holds (see `liangxin.traits`).

`sources`: the labelled sets on which the judge's error was measured, as JSON; apart from the manifest, since a
card's figures make no other judge.
"""

JUDGEMENTS = Table(
    "judgements",
    METADATA,
    Column("run", Integer, nullable=False),
    Column("judge", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("annotator", String(200), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("level", Text),
    Column("confidence", Float),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("created", Float, nullable=False),
    PrimaryKeyConstraint("run", "rank", "judge", "trial", "turn", "annotator", "attempt"),
    # Every column that the site's filters read: none of them has to turn to the rows with their long texts.
    Index(
        "judgements_by_level",
        "run",
        "level",
        "judge",
        "rank",
        "trial",
        "turn",
        "annotator",
        "attempt",
        "status",
    ),
)

VALIDATIONS = Table(
    "validations",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("judge", Text, nullable=False),
    Column("benchmark", String(200), nullable=False),
    Column("gold", Text, nullable=False),
    Column("run", String(12), nullable=False),
    Column("created", Float, nullable=False),
    Column("content", Text, nullable=False),
)
"""How well a judge agrees with people, each time it was measured; `run` is empty for a labelled file."""

LOOKS = Table(
    "looks",
    METADATA,
    Column("run", Integer, nullable=False),
    Column("question", String(64), nullable=False),
    Column("n", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("run", "question", "n"),
)
"""Every time a decision was asked of other data: looking again until the answer pleases is counted."""

SAMPLES = Table(
    "samples",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("judge", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("content", Text, nullable=False),
)
"""Which answers were drawn for people to read, and in which strata: what makes their labels a random sample."""

LEASES = Table(
    "leases",
    METADATA,
    Column("run", String(12), nullable=False),
    Column("part", Text, nullable=False),
    Column("token", String(32), nullable=False),
    Column("user", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("process", Integer, nullable=False),
    Column("machine", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("seen", Float, nullable=False),
    PrimaryKeyConstraint("run", "part"),
)
"""Who is at work, and when they were last heard of (see `liangxin.store.leases`); the row goes with the work.

`run` is the run's id, which is known before its row is there.
"""

RUN_STATES = Table(
    "run_states",
    METADATA,
    Column("run", String(12), primary_key=True),
    Column("archived", Float),
    Column("pinned", Float),
)
"""What a user did with a run in lists and on boards, and when (seconds since 1970); no row: nothing.

`run` is the run's id. The row stays in its store: it does not travel with an exported run.
"""

SPENDINGS = Table(
    "spendings",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("run", String(12), nullable=False, index=True),
    Column("part", String(20), nullable=False),
    Column("model", Text, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("hits", Integer, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("uncounted", Integer, nullable=False),
    Column("created", Float, nullable=False),
)
"""What was asked of one host's model in a while, for a run's answers (`model`) or to rule on them (`judge`).

`run` is the run's id. The sum over a run's rows is what it cost; they stay in their store.
"""

_LATER = (VALIDATIONS, LOOKS, SAMPLES)


def _first(connection: Connection) -> None:
    METADATA.create_all(
        connection,
        tables=[
            table
            for table in METADATA.tables.values()
            if table not in (*_LATER, LEASES, RUN_STATES, SPENDINGS)
        ],
    )


def _evidence(connection: Connection) -> None:
    METADATA.create_all(connection, tables=_LATER)


def _people(connection: Connection) -> None:
    PEOPLE.create_all(connection)


def _sources(connection: Connection) -> None:
    if "sources" not in {column["name"] for column in inspect(connection).get_columns("judges")}:
        connection.execute(text("ALTER TABLE judges ADD COLUMN sources TEXT"))
    # The one exact kind until then, and it had no other trait.
    exact = update(JUDGES).where(JUDGES.c.spec == "choice", JUDGES.c.traits == "{}")
    connection.execute(exact.values(traits='{"exact":true}'))


def _leases(connection: Connection) -> None:
    METADATA.create_all(connection, tables=[LEASES])


def _loading(connection: Connection) -> None:
    """A data set that is being loaded is told from a whole one."""
    have = {column["name"] for column in inspect(connection).get_columns("datasets")}
    for name, kind in (("loader", "TEXT"), ("loading", "FLOAT")):
        if name not in have:
            connection.execute(text(f"ALTER TABLE datasets ADD COLUMN {name} {kind}"))


def _run_states(connection: Connection) -> None:
    METADATA.create_all(connection, tables=[RUN_STATES])
    # To delete a run looks for the tasks that show its answers; without it, once through all for each item.
    (by_run,) = (index for index in CANDIDATES.indexes if index.name == "slots_by_run")
    by_run.create(connection, checkfirst=True)


def _browsing(connection: Connection) -> None:
    """What the site's pages find and count dialogues by."""
    for table in (ITEMS, TURNS, JUDGEMENTS):
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def _spendings(connection: Connection) -> None:
    METADATA.create_all(connection, tables=[SPENDINGS])


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _first,
    _evidence,
    _people,
    kinds,
    relate,
    _sources,
    _leases,
    _loading,
    _run_states,
    _browsing,
    _spendings,
)
"""The migration at index i brings a store from version i to i + 1; a landed one is never edited."""

READABLE = MIGRATIONS.index(_sources) + 1
"""Stores from this version on are read as they are where they may only be read: what came since, only writers need."""


def version(connection: Connection) -> int:
    """Which version the store has; 0 where there is none yet.

    Raises:
        StoreError: the store was made by a newer release, or is some other database.
    """
    names = set(inspect(connection).get_table_names())
    have = 0
    if VERSION.name in names:
        have = connection.execute(select(VERSION.c.version)).scalar() or 0
    elif names & set(METADATA.tables):
        raise StoreError(
            "the database holds tables that are not a Liangxin store; choose another with --store"
        )
    if have > len(MIGRATIONS):
        raise StoreError(
            f"the store has version {have}, this release reads up to {len(MIGRATIONS)}; upgrade liangxin"
        )
    return have


def migrate(connection: Connection) -> None:
    """Bring the store to this release's version, one numbered step after another; errors as `version`."""
    have = version(connection)
    for step in MIGRATIONS[have:]:
        step(connection)
    if have:
        connection.execute(update(VERSION).values(version=len(MIGRATIONS)))
    else:
        connection.execute(insert(VERSION).values(version=len(MIGRATIONS)))
