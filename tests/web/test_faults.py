"""Connections that stand still, browsers that leave, hostile numbers and texts, guesses, bombs: each try is held."""

from __future__ import annotations

from pathlib import Path

import pytest

from liangxin.store import Database
from liangxin.web.site import Site
from testbench.faults import every
from testbench.hostile import forms, routes
from testbench.scene import Scene, filled, offered

SCRIPTS = {
    "/api/assignments/{assignment_key}",
    "/api/assignments/{assignment_key}/keep",
    "/api/seats/{assignment_key}",
    "/api/attacks/{key}/turns",
    "/api/attacks/{key}/stop",
}
"""Addresses that take JSON and no form."""


@pytest.mark.long
@pytest.mark.exhaustive
def test_every_try_is_held(people_database: Database, tmp_path: Path) -> None:
    scene: Scene = filled(people_database)
    site = Site(database=people_database, base_url="http://127.0.0.1:1", single_user=False)
    posts = {path for method, path in routes(site) if method == "POST"}
    assert posts == SCRIPTS | set(forms(scene)), "a form that is not tried"
    found = list(every(scene, offered(scene, tmp_path)))
    assert [fault for one in found for fault in one.faults] == []
    assert min(one.number for one in found) >= 15
    assert {one.name for one in found} >= {
        "connections that stand still",
        "fields",
        "queries",
        "paths",
        "sign-in limits",
    }
