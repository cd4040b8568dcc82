"""Every page of the site in a real browser: nothing too wide, no error, no other host, nothing serious for axe-core."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liangxin.benchmarks import open_benchmark
from liangxin.store import Database
from liangxin.web.app import create_app
from liangxin.web.site import AttackSettings, Site
from testbench.looking import ENTRANCE, every, visits
from testbench.scene import Scene, filled, offered
from testbench.site import free_port, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    if request.param == "sqlite":
        url = str(tmp_path_factory.mktemp("scene") / "scene.db")
    else:
        from testbench.postgres import fresh

        url = fresh(request.getfixturevalue("postgres_server"), f"scene_{secrets.token_hex(6)}")
    made = filled(Database(url))
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def site(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(
        database=scene.database,
        base_url=f"http://127.0.0.1:{free_port()}",
        single_user=False,
        attack=AttackSettings(
            models=(offered(scene, tmp_path_factory.mktemp("model")),),
            benchmarks=(open_benchmark("flames"), open_benchmark("sc-safety")),
        ),
    )
    with serve(made):
        yield made


@pytest.mark.parametrize(
    ("scene", "shapes"),
    [
        ("sqlite", [(390, False, False)]),
        pytest.param("sqlite", [(1440, False, False)], marks=pytest.mark.long),
        pytest.param("sqlite", [(360, True, True)], marks=pytest.mark.long),
        # The pages are the same there; that they can be made is what differs.
        pytest.param("postgresql", [(390, False, False)], marks=pytest.mark.long),
    ],
    indirect=["scene"],
)
def test_every_page_is_whole(
    browser: Browser, scene: Scene, site: Site, shapes: Sequence[tuple[int, bool, bool]]
) -> None:
    """In shapes of a width (pixels), whether in English, whether dark."""
    assert every(browser, site, visits(scene), shapes, None) == []
    alone = replace(site, base_url=f"http://127.0.0.1:{free_port()}", single_user=True, token="t" * 43)
    with serve(alone):
        assert every(browser, alone, [ENTRANCE], shapes, None) == []


@pytest.mark.parametrize("scene", ["sqlite"], indirect=True)
def test_every_page_that_can_be_opened_is_looked_at(scene: Scene, site: Site) -> None:
    """A new page must be added to the list of visits."""
    import re

    looked = {re.sub(r"[?#].*", "", one.path) for one in [*visits(scene), ENTRANCE]}
    skipped = re.compile(
        r"/(api|static|language)\b|/part$|/next$|/export|\.(json|zip|jsonl|csv|xlsx)$|/download"
    )
    # An included router keeps its routes to itself.
    routers = [getattr(route, "original_router", None) for route in create_app(site).routes]
    routes = [route for router in routers if router is not None for route in router.routes]
    paths = [path for route in routes if "GET" in route.methods and not skipped.search(path := route.path)]
    assert len(paths) > 20
    shapes = [re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path)) for path in paths]
    missing = [
        path
        for path, shape in zip(paths, shapes, strict=True)
        if not any(re.fullmatch(shape, one) for one in looked)
    ]
    assert missing == []
