"""Stores of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liangxin.store import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def people_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store: SQLite, and a real PostgreSQL."""
    is_file = request.param == "sqlite"
    opened = Database(str(tmp_path / "store.db") if is_file else request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()
