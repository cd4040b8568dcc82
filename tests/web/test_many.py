"""Many annotators at once through the site's own calls: no double assignment, no lost verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from liangxin.annotation.projects import Projects, ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.people.accounts import Accounts
from liangxin.records import Item, Reply
from liangxin.store import Database
from liangxin.web.site import Site
from testbench.annotators import Pace, crowd, faults, signed_in
from testbench.desk import stored_run
from testbench.site import Client, free_port

ITEMS = [Item(id=f"i{number}", turns=(f"问题{number}？",), category=("Safety",)) for number in range(40)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_crowd_finishes_a_project(
    kind: str, request: pytest.FixtureRequest, database: Database, serving: Callable[[Site], Client]
) -> None:
    if kind == "postgresql":
        database = Database(request.getfixturevalue("postgres_url"))
    run = stored_run(database, open_benchmark("flames"), ITEMS, lambda _item, _turn: Reply(text="回答"), "a")
    owner = Accounts(database).create("负责人", "", "owner")
    project = Projects(database).create(ProjectSpec(name="p", runs=(run.id,), annotators=3), owner)
    accounts = [Accounts(database).create(f"人{number}", "", "annotator") for number in range(20)]
    for account in accounts:
        Projects(database).add_member(project, account.key)
    site = Site(database=database, base_url=f"http://127.0.0.1:{free_port()}", single_user=False)
    serving(site)
    people = signed_in(database, site.cookie, accounts)
    outcome = asyncio.run(crowd(site.base_url, project.key, people, Pace(seconds=60, doubled=0.2)))
    assert outcome.refused == []
    assert outcome.repeated > 0
    assert len(outcome.saved) == len(ITEMS) * 3
    assert faults(database, project.key, outcome.saved) == []
    if kind == "postgresql":
        database.close()
