"""Adjudication in the browser: the queue of disagreements, one answer as its annotators see it, and all settled labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.annotation.desk.assignments import order_for
from liangxin.annotation.desk.places import At, search
from liangxin.annotation.outcome.adjudication import (
    MOST_REASON,
    GoldLabel,
    How,
    Settlement,
    decide,
    following,
    gold_labels,
    queue,
)
from liangxin.annotation.outcome.dispute import open_answer
from liangxin.annotation.outcome.verdicts import label_scale
from liangxin.annotation.projects import Project, Projects
from liangxin.errors import NotThere
from liangxin.records import Level
from liangxin.store import Database
from liangxin.store.candidates import task_items
from liangxin.web.annotation.agreement import Known, who_is
from liangxin.web.asking import Adjudicating, Form, Language, Viewer
from liangxin.web.pages import category_words, page, redirect
from liangxin.web.site import Site
from liangxin.web.values import WholeNumber, page_number

_PAGE = 50
_MOST_WORDS = 200
Row = TypeVar("Row")
_AT = re.compile(r"([0-9]{1,9})-([0-9]{1,9})-([0-9]{1,9})")
HOW: Mapping[How, tuple[str, str]] = {
    "adjudicated": ("裁决", "adjudicated"),
    "unanimous": ("一致", "unanimous"),
    "majority": ("多数", "majority"),
    "median": ("中位", "median"),
    "tie": ("平票", "tie"),
    "single": ("一人", "one annotator"),
}
"""How a label came about, in both languages."""


def routes(site: Site) -> APIRouter:
    """`/projects/{key}/adjudicate` and what is below it."""
    router = APIRouter()
    _queue(router, site.database)
    _settled(router, site.database)
    _answers(router, site.database)
    return router


def _queue(router: APIRouter, database: Database) -> None:
    @router.get("/projects/{key}/adjudicate")
    def waiting(request: Request, key: WholeNumber, viewer: Adjudicating) -> Response:
        project = Projects(database).by_key(key)
        found = queue(database, project, viewer.account.key)
        number, pages, shown = _paged(request, found)
        return page(
            request,
            viewer,
            "annotation/adjudicate.html.jinja",
            project=project,
            count=len(found),
            again=sum(one.decision is not None for one in found),
            rows=shown,
            prompts=_prompts(database, project, [one.labelled.at for one in shown]),
            numbers=_numbers(database, project, viewer, [one.labelled.at for one in shown]),
            before=_before(request),
            title_of_category=category_words(project.benchmark.taxonomy, viewer),
            spread=lambda labelled: _spread(project, labelled.category, labelled.levels),
            number=number,
            pages=pages,
        )

    @router.get("/projects/{key}/adjudicate/next")
    def lead_on(request: Request, key: WholeNumber, viewer: Adjudicating) -> Response:
        project = Projects(database).by_key(key)
        after = request.query_params.get("after", "")
        return redirect(_next(database, project, viewer, at_of(after) if after else None))


def _settled(router: APIRouter, database: Database) -> None:
    @router.get("/projects/{key}/adjudicate/labels")
    def labels(request: Request, key: WholeNumber, viewer: Adjudicating) -> Response:
        project = Projects(database).by_key(key)
        asked = {
            name: request.query_params.get(name, "")[:_MOST_WORDS].strip() for name in ("q", "how", "level")
        }
        everything = list(gold_labels(database, project))
        found = _filtered(database, project, everything, asked)
        number, pages, shown = _paged(request, found)
        return page(
            request,
            viewer,
            "annotation/settled.html.jinja",
            project=project,
            rows=shown,
            prompts=_prompts(database, project, [one.at for one in shown]),
            numbers=_numbers(database, project, viewer, [one.at for one in shown]),
            count=len(found),
            total=len(everything),
            asked=asked,
            query=urlencode({name: value for name, value in asked.items() if value}),
            title_of_category=category_words(project.benchmark.taxonomy, viewer),
            spread=lambda label: _spread(project, label.category, label.levels),
            ways={name: HOW[name][viewer.language == "en"] for name in get_args(How)},
            levels=sorted({one.level for one in everything if one.level}),
            number=number,
            pages=pages,
        )


def _answers(router: APIRouter, database: Database) -> None:
    @router.get("/projects/{key}/adjudicate/{place}")
    def show(request: Request, key: WholeNumber, place: str, viewer: Adjudicating) -> Response:
        project = Projects(database).by_key(key)
        opened = open_answer(database, project, at_of(place), viewer.account.key)
        return page(
            request,
            viewer,
            "annotation/adjudicate_answer.html.jinja",
            project=project,
            opened=opened,
            numbers=_numbers(database, project, viewer, [opened.at]),
            title_of_category=category_words(project.benchmark.taxonomy, viewer),
            keys=_keys([level.name for level in opened.scale.levels]),
            guideline=project.guideline_for(opened.category),
            title_of=lambda level: level_title(opened.scale.levels, level, viewer.language),
            before=_before(request),
            waiting=len(queue(database, project, viewer.account.key)),
            who=Known(who_is(database, viewer)),
            most=MOST_REASON,
        )

    @router.post("/projects/{key}/adjudicate/{place}")
    def settle(key: WholeNumber, place: str, viewer: Adjudicating, fields: Form) -> Response:
        project = Projects(database).by_key(key)
        at = at_of(place)
        act = fields.choice("act", ("decide", "take_back"))
        settlement = Settlement(
            level=None if act == "take_back" else fields.text("level", most=200, required=False),
            reason=fields.text("reason", most=MOST_REASON, required=False),
            base_version=fields.whole("base_version", 0, 10**9),
        )
        decide(database, project, at, viewer.account.key, settlement)
        if act == "take_back" or fields.flag("stay"):
            return redirect(f"/projects/{key}/adjudicate/{at}")
        return redirect(_next(database, project, viewer, at))


def at_of(text: str) -> At:
    """The answer that an address names.

    Raises:
        NotThere: it names none.
    """
    found = _AT.fullmatch(text)
    if found is None:
        raise NotThere("没有这条回答。", "There is no such answer.")
    task, candidate, turn = map(int, found.groups())
    return At(task=task, candidate=candidate, turn=turn)


def level_title(levels: Sequence[Level], name: str | None, language: Language) -> str:
    """A level as people read it: its name with its meaning."""
    level = next((one for one in levels if one.name == name), None)
    meaning = "" if level is None else level.en if language == "en" else level.zh
    return f"{name} {meaning}".strip() if meaning and meaning != name else str(name or "")


def _next(database: Database, project: Project, viewer: Viewer, after: At | None) -> str:
    """The address of what waits after an answer; of the list where nothing waits."""
    home = f"/projects/{project.key}/adjudicate"
    found = following(database, project, viewer.account.key, after)
    before = "" if after is None else f"?before={after}"
    return f"{home}{before}" if found is None else f"{home}/{found}{before}"


def _before(request: Request) -> str:
    """The answer that was settled just now, if the address names one."""
    found = request.query_params.get("before", "")
    return found if _AT.fullmatch(found) else ""


def _paged(request: Request, found: Sequence[Row]) -> tuple[int, int, Sequence[Row]]:
    """(page, pages, rows of the page): a page that does not exist is the nearest one."""
    pages = max(1, -(-len(found) // _PAGE))
    number = min(pages, page_number(request))
    return number, pages, found[(number - 1) * _PAGE : number * _PAGE]


def _prompts(database: Database, project: Project, places: Sequence[At]) -> dict[At, str]:
    """The prompt of each answer's turn."""
    with database.begin() as connection:
        items = task_items(connection, project.key, {at.task for at in places})
    return {at: items[at.task].turns[at.turn - 1] for at in places if at.turn <= len(items[at.task].turns)}


def _numbers(database: Database, project: Project, viewer: Viewer, places: Sequence[At]) -> dict[At, int]:
    """The number of each answer among several to one item, in a random order of this person's own."""
    with database.read() as connection:
        orders = {
            task: order_for(connection, project, task, viewer.account.key)
            for task in {at.task for at in places}
        }
    return {at: orders[at.task].index(at.candidate) + 1 for at in places if len(orders[at.task]) > 1}


def _filtered(
    database: Database, project: Project, found: Sequence[GoldLabel], asked: Mapping[str, str]
) -> list[GoldLabel]:
    """The labels that a search asks for."""
    kept = [one for one in found if not asked["how"] or one.how == asked["how"]]
    kept = [one for one in kept if not asked["level"] or one.level == asked["level"]]
    if not asked["q"]:
        return kept
    with database.begin() as connection:
        fits = search(connection, project.key, asked["q"])
    return [one for one in kept if fits(one.at)]


def _spread(project: Project, category: tuple[str, ...], levels: Mapping[int, str]) -> list[tuple[str, int]]:
    """How many people gave each level, the worst level first."""
    counted = Counter(levels.values())
    names = [level.name for level in label_scale(project, category).levels]
    return [(name, counted[name]) for name in names if counted[name]]


def _keys(names: Sequence[str]) -> Sequence[str]:
    """The key of each level as on the annotating page: its name where all are single digits, else 1 to 9 and 0 by place."""
    if all(len(name) == 1 and name in "0123456789" for name in names):
        return names
    return ["" if place > 10 else str(place % 10) for place in range(1, len(names) + 1)]
