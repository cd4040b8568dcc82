"""Projects: the list for everybody, and for the owner the form to make one and the page to run it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.annotation.desk.assignments import Assignments
from liangxin.annotation.desk.candidates import candidates_of
from liangxin.annotation.desk.overview import overview
from liangxin.annotation.outcome.adjudication import disputes
from liangxin.annotation.outcome.gold import find_tasks, gold_of, remove_gold, set_gold
from liangxin.annotation.projects import Kind, Project, Projects, ProjectSpec, Subject
from liangxin.annotation.task_selection import Take
from liangxin.engine.stored import benchmark_of
from liangxin.errors import LiangxinError, NotThere, PeopleError
from liangxin.people.accounts import Accounts
from liangxin.records import Level
from liangxin.store import Database, Runs
from liangxin.store.life.states import shown_runs
from liangxin.web.asking import Fields, Form, Owning, Signed, Viewer
from liangxin.web.pages import page, redirect
from liangxin.web.site import Site
from liangxin.web.values import MOST_KEY, WholeNumber, whole_number

KINDS: tuple[Kind, ...] = ("grade", "expert")
SUBJECTS: tuple[Subject, ...] = ("primary", "safety", "refusal", "own")
TAKES: tuple[Literal["all", "some", "sample"], ...] = ("all", "some", "sample")
_LEVEL = re.compile(r"\s*[|｜]\s*")
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRow:
    """One project in the list."""

    project: Project
    progress: Any


def routes(site: Site) -> APIRouter:
    """`/projects` and what is below it, bar annotating, agreement, adjudication and labels."""
    router = APIRouter()
    _add_making(router, site.database)
    _add_lists(router, site.database)
    _add_running(router, site.database)
    _add_gold(router, site.database)
    return router


def _add_lists(router: APIRouter, database: Database) -> None:
    @router.get("/projects")
    def show(request: Request, viewer: Signed) -> Response:
        projects = Projects(database)
        mine = {project.key: project for project in projects.of(viewer.account)}
        rows = [
            ProjectRow(project=project, progress=Assignments(database).progress(project, viewer.account.key))
            for project in mine.values()
        ]
        others = (
            [project for project in projects.all() if project.key not in mine] if viewer.adjudicates else []
        )
        wholes = (
            {one.key: overview(database, one) for one in [*mine.values(), *others]} if viewer.owns else {}
        )
        disputed = (
            disputes(database, [*mine.values(), *others], viewer.account.key) if viewer.adjudicates else {}
        )
        return page(
            request,
            viewer,
            "annotation/projects.html.jinja",
            rows=rows,
            others=others,
            wholes=wholes,
            disputed=disputed,
        )

    @router.get("/projects/{key}")
    def project(request: Request, key: WholeNumber, viewer: Signed, find: str = "") -> Response:
        found = Projects(database).by_key(key)
        if not viewer.owns:
            return redirect(f"/projects/{key}/annotate")
        return _owner_page(request, database, viewer, found, find[:200])


def _add_making(router: APIRouter, database: Database) -> None:
    @router.get("/projects/new")
    def form(request: Request, viewer: Owning) -> Response:
        chosen = request.query_params.getlist("run")
        return _form_page(request, database, viewer, {"run": chosen})

    @router.post("/projects/new")
    def make(request: Request, viewer: Owning, fields: Form) -> Response:
        try:
            chosen = [_account(database, one) for one in fields.many("member")]
            project = Projects(database).create(_spec(fields), viewer.account)
        except LiangxinError as error:
            return _form_page(request, database, viewer, _entered(fields), error)
        Projects(database).set_members(project, chosen, viewer.account.key)
        return redirect(f"/projects/{project.key}")


def _add_running(router: APIRouter, database: Database) -> None:
    @router.post("/projects/{key}/state")
    def state(key: WholeNumber, viewer: Owning, fields: Form) -> Response:
        projects = Projects(database)
        wanted = fields.choice("state", ("open", "closed"))
        change = projects.reopen if wanted == "open" else projects.close
        change(projects.by_key(key), viewer.account.key)
        return redirect(f"/projects/{key}")

    @router.post("/projects/{key}/members")
    def members(key: WholeNumber, viewer: Owning, fields: Form) -> Response:
        project = Projects(database).by_key(key)
        chosen = [_account(database, one) for one in fields.many("member")]
        Projects(database).set_members(project, chosen, viewer.account.key)
        return redirect(f"/projects/{key}#members")


def _add_gold(router: APIRouter, database: Database) -> None:
    @router.post("/projects/{key}/gold")
    def gold(key: WholeNumber, viewer: Owning, fields: Form) -> Response:
        project = Projects(database).by_key(key)
        task = fields.whole("task", 1, MOST_KEY)
        if fields.flag("remove"):
            remove_gold(database, project, task, viewer.account.key)
        else:
            found = candidates_of(database, project, task)
            levels = {
                (candidate.number, turn.turn): level
                for candidate in found.candidates
                for turn in candidate.turns
                if (level := fields.text(f"level-{candidate.number}-{turn.turn}", most=80, required=False))
            }
            reason = fields.text("reason", most=2000, required=False)
            set_gold(database, project, task, levels, viewer.account.key, reason)
        return redirect(f"/projects/{key}#gold")


def _owner_page(
    request: Request, database: Database, viewer: Viewer, project: Project, find: str
) -> Response:
    members = Projects(database).members(project)
    keys = {account.key for account in members}
    found = find_tasks(database, project, find, _SHOWN) if find.strip() else []
    return page(
        request,
        viewer,
        "annotation/project.html.jinja",
        project=project,
        whole=overview(database, project),
        members=members,
        people=[one for one in Accounts(database).all() if one.closed is None or one.key in keys],
        each={one.key: Assignments(database).progress(project, one.key) for one in members},
        gold=gold_of(database, project),
        find=find,
        found=[(task, candidates_of(database, project, task)) for task in found],
        scale_for=project.scale_for,
        secret=bool(project.benchmark.declaration and project.benchmark.declaration.secret),
    )


def _form_page(
    request: Request,
    database: Database,
    viewer: Viewer,
    entered: Mapping[str, Any],
    error: LiangxinError | None = None,
) -> Response:
    runs = shown_runs(database)
    judges = {judge.spec for run in runs for judge in Runs(database).judges(run) if not judge.traits.people}
    people = [one for one in Accounts(database).all() if one.closed is None]
    said = (
        (error.zh, error.en)
        if isinstance(error, PeopleError)
        else (str(error), str(error))
        if error
        else None
    )
    return page(
        request,
        viewer,
        "annotation/project_new.html.jinja",
        status=400 if error else 200,
        runs=runs,
        titles={run.key: benchmark_of(run).title for run in runs},
        judges=sorted(judges),
        people=people,
        entered=entered,
        error=said,
    )


def _spec(fields: Fields) -> ProjectSpec:
    subject = cast("Subject", fields.choice("subject", SUBJECTS))
    how = cast("Literal['all', 'some', 'sample']", fields.choice("take", TAKES))
    number = fields.whole("number", 0, 10_000_000, default=0)
    return ProjectSpec(
        name=fields.text("name", most=60),
        runs=tuple(fields.many("run")),
        kind=cast("Kind", fields.choice("kind", KINDS)),
        subject=subject,
        levels=_levels(fields.text("levels", most=4000)) if subject == "own" else (),
        guideline=fields.text("guideline", most=20_000, required=False),
        take=Take(how=how, number=number, judge=fields.text("judge", most=400, required=False)),
        annotators=fields.whole("annotators", 1, 50, default=1),
        overlap=fields.whole("overlap", 0, 100, default=100) / 100,
        goal=fields.whole("goal", 0, 10_000, default=0),
        seed=fields.whole("seed", 0, MOST_KEY, default=0),
    )


def _levels(text: str) -> tuple[Level, ...]:
    """A scale of the owner's own: a level a line, worst first, `name | 中文 | English`; the line's number is its points."""
    made = []
    for points, line in enumerate(one for one in text.splitlines() if one.strip()):
        parts = [part for part in _LEVEL.split(line.strip()) if part]
        if not 1 <= len(parts) <= 3:
            raise PeopleError(
                f"量表第 {points + 1} 行应是“名称 | 中文 | English”，后两项可省。",
                f"Line {points + 1} of the scale should be `name | Chinese | English`; the last two may be left out.",
            )
        name = parts[0]
        zh = parts[1] if len(parts) > 1 else name
        en = parts[2] if len(parts) > 2 else zh
        made.append(Level(name=name, points=points, zh=zh, en=en))
    return tuple(made)


def _entered(fields: Fields) -> dict[str, Any]:
    """What the person had entered, to be shown again beside what is wrong."""
    single = (
        "name", "kind", "subject", "levels", "guideline", "take", "number", "judge", "annotators", "overlap", "goal"
    )  # fmt: skip
    return {name: (fields.many(name) or [""])[0] for name in single} | {
        "run": fields.many("run"),
        "member": fields.many("member"),
    }


def _account(database: Database, key: str) -> int:
    """The key of an account that a form names."""
    number = whole_number(key, 1, MOST_KEY)
    if number is None:
        raise PeopleError("“member”应是成员的编号。", "The field 'member' should be the number of a person.")
    account = Accounts(database).by_key(number)
    if account is None or account.closed is not None:
        raise NotThere("没有这个人，或其账户已关闭。", "There is no such person, or the account is closed.")
    return account.key
