"""A real site on loopback, over SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from liangxin.people.accounts import Accounts
from liangxin.store import Database
from liangxin.web.site import Site
from testbench.site import Client, free_port, serve

OWNERS_PASSWORD = "correct horse battery"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite store."""
    opened = Database(str(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture
def site(database: Database) -> Site:
    """A loopback site for one user without an account."""
    return Site(database=database, base_url=f"http://127.0.0.1:{free_port()}", single_user=True)


@pytest.fixture
def team_site(database: Database) -> Site:
    """A site where everybody signs in."""
    return Site(database=database, base_url=f"http://127.0.0.1:{free_port()}", single_user=False)


@pytest.fixture
def serving() -> Iterator[Callable[[Site], Client]]:
    """Starts a site and gives a client of it; all end with the test."""
    with ExitStack() as stack:

        def started(site: Site) -> Client:
            client = Client(stack.enter_context(serve(site)))
            stack.callback(client.close)
            return client

        yield started


@pytest.fixture
def client(site: Site, serving: Callable[[Site], Client]) -> Client:
    """The one user of a loopback site, at its home page."""
    made = serving(site)
    made.get("/")
    return made


@pytest.fixture
def owner(team_site: Site, serving: Callable[[Site], Client]) -> Client:
    """The owner of a team's site, signed in."""
    Accounts(team_site.database).create("负责人", OWNERS_PASSWORD, "owner")
    made = serving(team_site)
    made.sign_in("负责人", OWNERS_PASSWORD)
    return made
