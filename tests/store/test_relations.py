"""Foreign keys: a store that was made without them gets them with every row that it has, and refuses orphans."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, MetaData, create_engine, insert, inspect, select, update

from liangxin.errors import StoreError
from liangxin.store import Database
from liangxin.store.migrations.relations import RELATIONS, relate
from liangxin.store.people import PEOPLE
from liangxin.store.schema import METADATA, MIGRATIONS, VERSION

BEFORE = MIGRATIONS.index(relate)
TABLES = {**METADATA.tables, **PEOPLE.tables}
WITHOUT = {
    "liangxin_schema",
    "datasets",
    "accounts",
    "login_failures",
    "validations",
    "leases",
    "run_states",
    "spendings",
}
"""Tables whose rows belong to no other table's."""
SINCE = {"leases", "run_states", "spendings"}
"""Tables that came after the relations."""
PAIRS = [(table, columns) for table, parents in RELATIONS.items() for columns in parents]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be made, on either kind of database."""
    place: str = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return place or f"sqlite:///{tmp_path / 'old.db'}"


@pytest.fixture
def old(url: str) -> Iterator[Engine]:
    """A store as it was before its tables had foreign keys, with a row in every table."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for step in MIGRATIONS[:BEFORE]:
            step(connection)
        connection.execute(insert(VERSION).values(version=BEFORE))
        tables = reflected(connection)
        for name, table in tables.items():
            if name != "liangxin_schema":
                connection.execute(insert(table), [row_of(table, 1, "x")])
    yield engine
    engine.dispose()


def reflected(connection: Connection) -> dict[str, Any]:
    """The tables as the database has them."""
    metadata = MetaData()
    metadata.reflect(connection)
    return dict(metadata.tables)


def row_of(table: Any, number: int, letters: str) -> dict[str, object]:
    """A row whose numbers are all one number: each belongs to the one row of its parent's table."""
    return {column.name: letters if column.type.python_type is str else number for column in table.columns}


def content(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: [tuple(row) for row in connection.execute(select(table))]
        for name, table in reflected(connection).items()
        if name != "liangxin_schema"
    }


def shape(connection: Connection) -> dict[str, object]:
    """Columns, primary key, uniqueness and indices of every table."""
    seen = inspect(connection)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(name)],
            seen.get_pk_constraint(name)["constrained_columns"],
            sorted(unique["column_names"] for unique in seen.get_unique_constraints(name)),
            sorted(
                (
                    index["name"] or "",
                    index["column_names"],
                    list(map(str, index.get("dialect_options", {}).values())),
                )
                for index in seen.get_indexes(name)
            ),
        )
        for name in seen.get_table_names()
    }


def keys(connection: Connection) -> set[tuple[str, str, str]]:
    seen = inspect(connection)
    return {
        (name, ", ".join(key["constrained_columns"]), key["referred_table"])
        for name in seen.get_table_names()
        for key in seen.get_foreign_keys(name)
    }


STATED = {
    (table, columns, parent) for table, parents in RELATIONS.items() for columns, parent in parents.items()
}


def test_every_row_index_and_unique_key_is_kept(old: Engine) -> None:
    with old.begin() as connection:
        assert keys(connection) == set(), "the store is an old one"
        rows, made = content(connection), shape(connection)
        assert set(rows) == set(TABLES) - {"liangxin_schema"} - SINCE
        relate(connection)
        assert (content(connection), shape(connection), keys(connection)) == (rows, made, STATED)


def test_an_old_store_is_brought_up_when_it_is_opened(old: Engine) -> None:
    opened = Database(old.url.render_as_string(hide_password=False))
    with opened.begin() as connection:
        assert keys(connection) == STATED
        assert {name: len(rows) for name, rows in content(connection).items()} == {
            **dict.fromkeys(set(TABLES) - {"liangxin_schema"}, 1),
            **dict.fromkeys(SINCE, 0),
        }
    opened.close()


def test_orphans_are_refused_in_every_table(old: Engine) -> None:
    opened = Database(old.url.render_as_string(hide_password=False))
    with opened.begin() as connection:
        tables = reflected(connection)
    for table, columns in PAIRS:
        strange = update(tables[table]).values(dict.fromkeys(columns.split(", "), 999))
        with pytest.raises(StoreError, match=r"(?i)foreign key"), opened.begin() as connection:
            connection.execute(strange)
    with opened.begin() as connection:
        assert {len(rows) for name, rows in content(connection).items() if name not in SINCE} == {1}
        assert "999" not in str(content(connection))
    opened.close()


def test_an_orphan_of_old_stays_and_hinders_nothing(old: Engine) -> None:
    with old.begin() as connection:
        turns = reflected(connection)["turns"]
        connection.execute(insert(turns), [row_of(turns, 7, "orphan")])
    opened = Database(old.url.render_as_string(hide_password=False))
    with opened.begin() as connection:
        assert keys(connection) == STATED
        assert connection.execute(select(turns.c.run).order_by(turns.c.run)).scalars().all() == [1, 7]
    with pytest.raises(StoreError, match=r"(?i)foreign key"), opened.begin() as connection:
        connection.execute(insert(turns), [row_of(turns, 8, "orphan")])
    opened.close()


def test_several_that_open_an_old_store_at_once_bring_it_up_once(old: Engine) -> None:
    place = old.url.render_as_string(hide_password=False)
    old.dispose()
    with ThreadPoolExecutor(4) as threads:
        for opened in list(threads.map(lambda _: Database(place), range(4))):
            with opened.begin() as connection:
                assert connection.execute(select(VERSION.c.version)).scalars().all() == [len(MIGRATIONS)]
                assert keys(connection) == STATED
            opened.close()


def test_a_new_store_has_them_and_every_table_is_thought_of(url: str) -> None:
    opened = Database(url)
    with opened.begin() as connection:
        assert keys(connection) == STATED
        assert set(RELATIONS) | WITHOUT == set(TABLES)
    opened.close()


def test_a_store_that_cannot_be_brought_up_stays_as_it_was(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.begin() as connection:
        for step in MIGRATIONS[:BEFORE]:
            step(connection)
        connection.execute(insert(VERSION).values(version=BEFORE))
        connection.exec_driver_sql("create table related_uploads (x)")
        before = shape(connection)
    with pytest.raises(StoreError, match="related_uploads"):
        Database(str(tmp_path / "old.db"))
    with engine.begin() as connection:
        assert (shape(connection), keys(connection)) == (before, set())
        assert connection.execute(select(VERSION.c.version)).scalar() == BEFORE
    engine.dispose()
