"""A store as an earlier release left it."""

from __future__ import annotations

from sqlalchemy import create_engine, insert

from liangxin.store.schema import MIGRATIONS, VERSION


def older_store(url: str, version: int = 4) -> None:
    """Make a store of that version where none is; `url` as SQLAlchemy reads it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        for step in MIGRATIONS[:version]:
            step(connection)
        connection.execute(insert(VERSION).values(version=version))
    engine.dispose()
