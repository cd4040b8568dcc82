"""Choice items: proposals from three sources, their review, the accepted ones as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as fields_of
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.annotation.projects import Projects
from liangxin.benchmarks.cvalues import DOMAINS
from liangxin.choice_items.files import MOST_DRAWN, MOST_FILE, from_file
from liangxin.choice_items.items import (
    DIFFICULTIES,
    MOST_CATEGORY,
    MOST_REASON,
    STATES,
    ChoiceFilter,
    ChoiceItems,
    Proposed,
)
from liangxin.choice_items.sources import from_experts, from_runs, judges_of
from liangxin.errors import PeopleError
from liangxin.people.accounts import Accounts
from liangxin.store import Runs
from liangxin.store.life.states import shown_runs
from liangxin.web.asking import Adjudicating, Form, LargeForm, Owning, Viewer
from liangxin.web.pages import download, page, redirect
from liangxin.web.site import Site
from liangxin.web.values import MOST_KEY, WholeNumber, page_number
from liangxin.zh import clean_text

_PAGE = 20
_LONGEST = 200
_MOST_RUNS = 50
_DRAWN = 2000


def routes(site: Site) -> APIRouter:
    """`/choices`, `/choices/{key}`, the sources and the file."""
    router = APIRouter()
    items = ChoiceItems(site.database)
    _queue(router, site, items)
    _sources(router, site, items)
    _review(router, site, items)
    return router


def _queue(router: APIRouter, site: Site, items: ChoiceItems) -> None:
    @router.get("/choices")
    def queue(request: Request, viewer: Adjudicating) -> Response:
        return _listed(request, site, viewer, items)

    @router.post("/choices/export")
    def export(viewer: Adjudicating, fields: Form) -> Response:
        del fields
        return download("cvalues-choice.jsonl", "application/x-ndjson", items.export(viewer.account.key))


def _listed(
    request: Request,
    site: Site,
    viewer: Viewer,
    items: ChoiceItems,
    proposed: Proposed | None = None,
    drawn: Mapping[str, int] | None = None,
) -> Response:
    wanted = _filter(request)
    number = page_number(request)
    found, count = items.page(wanted, start=(number - 1) * _PAGE, most=_PAGE)
    runs = shown_runs(site.database)[:_MOST_RUNS] if viewer.owns else []
    return page(
        request,
        viewer,
        "choice_items/list.html.jinja",
        items=found,
        count=count,
        counts=items.counts(),
        categories=items.categories(),
        wanted=wanted,
        number=number,
        pages=max(1, -(-count // _PAGE)),
        query=_query(wanted),
        proposed=proposed,
        drawn=drawn,
        file_megabytes=MOST_FILE // (1024 * 1024),
        most_drawn=MOST_DRAWN,
        usually_drawn=_DRAWN,
        experts=[one for one in Projects(site.database).all() if one.kind == "expert"] if viewer.owns else [],
        runs=[run for run in runs if judges_of(site.database, [run])],
        judges=sorted({judge for run in runs for judge in judges_of(site.database, [run])}),
    )


def _sources(router: APIRouter, site: Site, items: ChoiceItems) -> None:
    @router.post("/choices/experts")
    def experts(request: Request, viewer: Owning, fields: Form) -> Response:
        project = Projects(site.database).by_key(fields.whole("project", 1, MOST_KEY))
        made = items.propose(list(from_experts(site.database, project)), viewer.account.key)
        return _listed(request, site, viewer, items, made)

    @router.post("/choices/runs")
    def runs(request: Request, viewer: Owning, fields: Form) -> Response:
        named = fields.many("run")[:_MOST_RUNS]
        if not named:
            raise PeopleError("请至少选一次运行。", "Choose at least one run.")
        chosen = [Runs(site.database).find(name) for name in named]
        judge = fields.text("judge", most=300)
        made = items.propose(list(from_runs(site.database, chosen, judge)), viewer.account.key)
        return _listed(request, site, viewer, items, made)

    @router.post("/choices/file")
    def file(request: Request, viewer: Owning, fields: LargeForm) -> Response:
        upload = fields.file("file")
        if upload is None:
            raise PeopleError("请先选择一个文件。", "Choose a file first.")
        most = fields.whole("most", 1, MOST_DRAWN, _DRAWN)
        seed = fields.whole("seed", 0, MOST_KEY, 0)
        pairs = from_file(upload.name, upload.stream, most=most, seed=seed)
        drawn = {"rows": pairs.rows, "seed": seed} if pairs.rows > most else {}
        made = items.propose(pairs.proposals, viewer.account.key, drawn)
        return _listed(request, site, viewer, items, made, drawn)


def _review(router: APIRouter, site: Site, items: ChoiceItems) -> None:
    @router.get("/choices/{key}")
    def review(request: Request, key: WholeNumber, viewer: Adjudicating) -> Response:
        wanted = _filter(request)
        return page(
            request,
            viewer,
            "choice_items/review.html.jinja",
            item=items.find(key),
            next_key=items.following(wanted, key),
            query=_query(wanted),
            difficulties=DIFFICULTIES,
            domains=DOMAINS,
            aliases={one.key: one.alias for one in Accounts(site.database).all()},
            most_reason=MOST_REASON,
            most_category=MOST_CATEGORY,
        )

    @router.post("/choices/{key}")
    def decide(request: Request, key: WholeNumber, viewer: Adjudicating, fields: Form) -> Response:
        action = fields.choice("action", ("save", "accept", "reject"))
        wanted, by = _filter(request), viewer.account.key
        if action == "reject":
            items.reject(key, by, fields.text("reason", most=MOST_REASON, required=False))
        else:
            difficulty = fields.choice("difficulty", ("", *DIFFICULTIES))
            category = fields.text("category", most=MOST_CATEGORY, required=False)
            items.correct(key, by, difficulty=difficulty, category=category)
            if action == "accept":
                items.accept(key, by)
        onward = items.following(wanted, key) if action != "save" else key
        return redirect(f"/choices/{onward}?{_query(wanted)}" if onward else "/choices")


def _filter(request: Request) -> ChoiceFilter:
    asked = request.query_params
    names = [one.name for one in fields_of(ChoiceFilter) if one.name != "state"]
    given = {name: clean_text(asked.get(name, "")).strip()[:_LONGEST] for name in names}
    state = asked.get("state", STATES[0])
    return ChoiceFilter(state=state if state in STATES else "", **given)


def _query(wanted: ChoiceFilter) -> str:
    kept = {one.name: getattr(wanted, one.name) for one in fields_of(ChoiceFilter)}
    return urlencode(
        {**{name: value for name, value in kept.items() if value}, "state": wanted.state or "all"}
    )
