"""The agreement page: how far a project's annotators agree, computed anew at every request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.agreement.annotators import NAMES
from liangxin.annotation.outcome.against_gold import against_gold
from liangxin.annotation.outcome.agreement import AgreedShare, agreement_of
from liangxin.annotation.outcome.annotators import people
from liangxin.annotation.outcome.best import best_of
from liangxin.annotation.outcome.verdicts import labelled_answers
from liangxin.annotation.projects import Project, Projects
from liangxin.people.accounts import Accounts
from liangxin.store import Database, Runs
from liangxin.web.annotation.statistics_in_words import (
    DIFFERING,
    Words,
    coefficient_axis,
    percent,
    severity_axis,
    span,
)
from liangxin.web.asking import Adjudicating, Viewer
from liangxin.web.pages import category_words, page
from liangxin.web.site import Site
from liangxin.web.values import WholeNumber

_NONE = AgreedShare(hits=0, n=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """How a page calls somebody: an adjudicator reads no names."""

    alias: str
    name: str


def who_is(database: Database, viewer: Viewer) -> dict[int, Who]:
    """Everybody by account, as this viewer may know them."""
    return {
        account.key: Who(alias=account.alias, name=account.name if viewer.owns else "")
        for account in Accounts(database).all()
    }


class Known(dict[int, Who]):
    """People by account; one whose account is gone is a number."""

    def __missing__(self, key: int) -> Who:
        return Who(alias=f"#{key}", name="")


def routes(site: Site) -> APIRouter:
    """`/projects/{key}/agreement` and the part of it that renews itself."""
    router = APIRouter()

    @router.get("/projects/{key}/agreement")
    def show(request: Request, key: WholeNumber, viewer: Adjudicating) -> Response:
        project = Projects(site.database).by_key(key)
        values = _values(site.database, project, viewer)
        return page(request, viewer, "annotation/agreement.html.jinja", **values)

    @router.get("/projects/{key}/agreement/part")
    def part(request: Request, key: WholeNumber, viewer: Adjudicating) -> Response:
        project = Projects(site.database).by_key(key)
        values = _values(site.database, project, viewer)
        return page(request, viewer, "annotation/agreement_part.html.jinja", **values)

    return router


def _values(database: Database, project: Project, viewer: Viewer) -> dict[str, Any]:
    """Everything that the templates show."""
    with database.begin() as connection:
        judged = [labelled for labelled in labelled_answers(connection, project.key) if labelled.levels]
        persons = people(connection, project, judged, project.combining)
        best = best_of(connection, project) if project.kind == "expert" else None
    found = agreement_of(judged, project)
    gold = against_gold(database, project, judged)
    parts = (found.overall, *found.parts)
    estimates = [one for part in parts if part.reliability for one in part.reliability.estimates]
    names = {run.key: run.label for run in Runs(database).all()} if best and viewer.owns else {}
    return {
        "project": project,
        "words": Words(viewer.language),
        "title_of_category": category_words(project.benchmark.taxonomy, viewer),
        "found": found,
        "people": persons,
        "pairs": {(pair.one, pair.other): pair.share for pair in found.pairs},
        "gold": gold,
        "right": {one.account: gold.by.get(one.account, _NONE) for one in persons} if gold else {},
        "best": best,
        "run_names": names,
        "who": Known(who_is(database, viewer)),
        "statistics": NAMES,
        "axis": coefficient_axis(estimates),
        "severity": severity_axis([one.severity for one in persons if one.severity]),
        "differing": DIFFERING,
        "percent": percent,
        "span": span,
        "computed": time.strftime("%H:%M:%S"),
    }
