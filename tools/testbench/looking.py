"""Looking at every page of the site in a real browser: what is wrong with it, and a picture of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import select

from liangxin.annotation.outcome.adjudication import queue
from liangxin.choice_items.items import ChoiceFilter, ChoiceItems
from liangxin.people.accounts import Account
from liangxin.people.invitations import InvitationRequest, Invitations
from liangxin.people.resets import Resets
from liangxin.people.sessions import Sessions
from liangxin.store import Runs
from liangxin.store.people import ATTACKS
from liangxin.web.asking import LANGUAGE_COOKIE
from liangxin.web.site import Site
from testbench.scene import Scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

WIDTHS = (390, 1440)
SERIOUS = ("serious", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One page, and who looks at it."""

    name: str
    path: str
    who: Account | None


ENTRANCE = Visit(name="enter", path="/enter", who=None)
"""Where a site for one user asks for the token of its link."""


@dataclass
class Seen:
    """What was wrong while pages were looked at, a sentence each."""

    faults: list[str] = field(default_factory=list)


def visits(scene: Scene) -> list[Visit]:
    """Every kind of page of the site, by a person who may see it."""
    owner, adjudicator, annotator = scene.owner, scene.adjudicator, scene.annotators[0]
    _, token = Invitations(scene.database).make(
        InvitationRequest(role="annotator", note="给新同事"), owner.key
    )
    runs = {run.name: run for run in Runs(scene.database).all()}
    with scene.database.begin() as connection:
        attacks = {row.state: row.key for row in connection.execute(select(ATTACKS.c.state, ATTACKS.c.key))}
    items, _ = ChoiceItems(scene.database).page(ChoiceFilter(), start=0, most=1)
    flames, sc_safety = runs["flames-甲"].id, runs["sc-safety-甲"].id
    made: list[tuple[str, str, Account | None]] = [
        ("login", "/login", None),
        ("invite", f"/invite/{token}", None),
        ("reset", f"/reset/{Resets(scene.database).make(annotator.key, owner.key)}", None),
        ("nothing", "/nothing-here", owner),
        ("home", "/", owner),
        ("home-annotator", "/", annotator),
        ("account", "/account", annotator),
        ("people", "/people", owner),
        ("delete", f"/people/{annotator.key}/delete", owner),
        ("runs", "/runs", owner),
        ("run", f"/runs/{flames}", owner),
        ("dialogue", f"/runs/{sc_safety}/dialogues/0-1", owner),
        ("projects", "/projects", owner),
        ("projects-annotator", "/projects", annotator),
        ("project-new", "/projects/new", owner),
        ("project", f"/projects/{scene.flames.key}?find=的", owner),
        ("annotate-grade", f"/projects/{scene.flames.key}/annotate", scene.annotators[1]),
        ("annotate-turns", f"/projects/{scene.by_turn.key}/annotate", scene.annotators[1]),
        ("annotate-expert", f"/projects/{scene.expert.key}/annotate", scene.annotators[2]),
        ("agreement", f"/projects/{scene.flames.key}/agreement", owner),
        ("agreement-expert", f"/projects/{scene.expert.key}/agreement", owner),
        ("adjudicate", f"/projects/{scene.flames.key}/adjudicate", adjudicator),
        *[
            ("adjudicate-answer", f"/projects/{scene.flames.key}/adjudicate/{one.labelled.at}", adjudicator)
            for one in queue(scene.database, scene.flames, adjudicator.key)[:1]
        ],
        ("settled", f"/projects/{scene.flames.key}/adjudicate/labels", adjudicator),
        ("labels", f"/projects/{scene.flames.key}/labels", owner),
        ("attack", "/attack", annotator),
        ("attack-chat", f"/attack/{attacks['open']}", annotator),
        ("attack-submitted", f"/attack/{attacks['submitted']}", annotator),
        ("attacks", "/attacks", adjudicator),
        ("attack-review", f"/attacks/{attacks['submitted']}", adjudicator),
        ("choices", "/choices?state=all", adjudicator),
        ("choices-owner", "/choices", owner),
        *[("choice-review", f"/choices/{item.key}", adjudicator) for item in items[:1]],
    ]
    return [Visit(name=name, path=path, who=who) for name, path, who in made]


@contextmanager
def context_of(
    browser: Browser,
    site: Site,
    who: Account | None,
    *,
    width: int,
    english: bool = False,
    dark: bool = False,
) -> Iterator[BrowserContext]:
    """A fresh browser of one person, signed in."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", locale="zh-CN"
    )
    if who is not None:
        token = Sessions(site.database).open(who.key).token
        context.add_cookies([{"name": site.cookie, "value": token, "url": site.base_url}])
    if english:
        context.add_cookies([{"name": LANGUAGE_COOKIE, "value": "en", "url": site.base_url}])
    try:
        yield context
    finally:
        context.close()


def watched(page: Page, site: Site, seen: Seen, at: Callable[[], str]) -> Page:
    """Listen for errors in the console and requests to any other host; `at` says where the page is by now."""
    host = urlsplit(site.base_url).netloc

    def asked(url: str) -> None:
        if not url.startswith(("data:", "blob:")) and urlsplit(url).netloc != host:
            seen.faults.append(f"{at()}: a request to {url}")

    def spoke(kind: str, text: str) -> None:
        # A page that stands for an error has its status in the console by the browser's own hand.
        if kind in ("error", "warning") and not (at().startswith("nothing") and "404" in text):
            seen.faults.append(f"{at()}: {kind} in the console: {text}")

    page.on("request", lambda request: asked(request.url))
    page.on("console", lambda message: spoke(message.type, message.text))
    page.on("pageerror", lambda error: seen.faults.append(f"{at()}: {error}"))
    return page


def look(page: Page, seen: Seen, name: str) -> None:
    """Horizontal overflow and axe-core's serious findings on the page as it stands."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        seen.faults.append(f"{name}: {wide} px too wide")
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations"
    )
    for one in found:
        if one["impact"] in SERIOUS:
            at = json.dumps([node["target"] for node in one["nodes"][:3]], ensure_ascii=False)
            seen.faults.append(f"{name}: {one['id']} ({one['impact']}): {one['help']} at {at}")


def settled(page: Page) -> None:
    """Wait until what the page's own script fetches is there; a page that streams never falls silent."""
    page.wait_for_load_state("load")
    if page.locator("script[type=module]").count():
        page.wait_for_timeout(250)


def visit(page: Page, site: Site, one: Visit, seen: Seen, name: str, folder: Path | None) -> None:
    """Look at one page in a tab that is signed in; a picture goes into the folder under this name."""
    answer = page.goto(site.base_url + one.path)
    settled(page)
    if answer is not None and answer.status >= 400 and one.name != "nothing":
        seen.faults.append(f"{name}: HTTP {answer.status}")
    look(page, seen, name)
    if folder is not None:
        page.screenshot(path=str(folder / f"{name}.png"), full_page=True)


def every(
    browser: Browser,
    site: Site,
    pages: Sequence[Visit],
    shapes: Sequence[tuple[int, bool, bool]],
    folder: Path | None,
) -> list[str]:
    """Look at every page in every shape: a width (pixels), whether in English, whether dark.

    Returns:
        What was wrong, a sentence each.
    """
    seen = Seen()
    people = {one.who.key if one.who else None: one.who for one in pages}
    for width, english, dark in shapes:
        ending = f"-{width}" + ("-en" if english else "") + ("-dark" if dark else "")
        for key, who in people.items():
            own = [one for one in pages if (one.who.key if one.who else None) == key]
            with context_of(browser, site, who, width=width, english=english, dark=dark) as context:
                tour(context, site, own, seen, ending, folder)
    return seen.faults


def tour(
    context: BrowserContext,
    site: Site,
    pages: Sequence[Visit],
    seen: Seen,
    ending: str,
    folder: Path | None,
) -> None:
    """Look at one person's pages in one tab, one after another, under their names with this ending."""
    name = ""
    page = watched(context.new_page(), site, seen, lambda: name)
    for one in pages:
        name = one.name + ending
        visit(page, site, one, seen, name, folder)
