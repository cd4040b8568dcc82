"""The annotating page and the calls that its script makes: take a task, save it, correct it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.annotation.desk.assignments import AnnotatorProgress, Assignment, Assignments
from liangxin.annotation.desk.finished import finished, number_of
from liangxin.annotation.desk.saving import save
from liangxin.annotation.desk.tasks import task_view
from liangxin.annotation.projects import Project, Projects
from liangxin.store import Database
from liangxin.web.annotation.submission import read_submission
from liangxin.web.asking import Json, Signed, Viewer
from liangxin.web.pages import page
from liangxin.web.site import Site
from liangxin.web.values import WholeNumber

SKIP_REASONS = (
    ("看不懂题目或回答", "I do not understand the question or the answer"),
    ("题目或回答不完整", "The question or the answer is incomplete"),
    ("类别或量表不适用", "The category or the scale does not fit"),
    ("需要专业知识", "It needs expert knowledge"),
    ("内容令人不适，不想判断", "The content distresses me; I would rather not judge it"),
)
"""The Chinese text is what is stored, so that reasons can be counted."""

KEYS = (
    (
        ("1–9", "0"),
        "按钮上标的数字就是它的键；判完自动到下一处",
        "each button's key is the digit on it; then comes the next",
    ),
    (("Tab", "↓", "J"), "下一处要判的", "the next one to judge"),
    (("↑", "K"), "上一处要判的", "the one before"),
    (
        ("Enter", "Ctrl+Enter"),
        "保存，下一题（输入框里用 Ctrl+Enter）",
        "save and go on (in a field: Ctrl+Enter)",
    ),
    (
        ("Z",),
        "撤销一步；没有可撤销的就回到上一题",
        "undo one step; with nothing to undo, go back to the task before",
    ),
    (("M",), "把选中的文字标为依据", "mark the selected text as evidence"),
    (("C",), "写备注", "comment"),
    (("S",), "跳过并说明原因", "skip with a reason"),
    (("G",), "打开或收起指南", "show or hide the guideline"),
    (("Esc",), "离开输入框，关闭窗口", "leave a field, close a dialog"),
    (("?",), "这张表", "this list"),
)
LISTED = 50


def routes(site: Site) -> APIRouter:
    """`/projects/{key}/annotate`, `/api/projects/{key}/…` and `/api/assignments/{assignment}…`."""
    router = APIRouter()
    _add_project(router, site.database)
    _add_assignments(router, site.database)
    return router


def _add_project(router: APIRouter, database: Database) -> None:
    @router.get("/projects/{key}/annotate")
    def show(request: Request, key: WholeNumber, viewer: Signed) -> Response:
        project = _project(database, key, viewer)
        return page(
            request,
            viewer,
            "annotation/annotate.html.jinja",
            project=project,
            reasons=SKIP_REASONS,
            key_list=KEYS,
        )

    @router.get("/api/session")
    def session(viewer: Signed) -> dict[str, Any]:
        return {"person": viewer.account.alias, "csrf": viewer.csrf}

    @router.get("/api/projects/{key}/next")
    def take(key: WholeNumber, viewer: Signed, counted: bool = False) -> dict[str, Any]:
        project = Projects(database).by_key(key)
        assignments = Assignments(database)
        assignment = assignments.take(project, viewer.account.key)
        known = counted and assignment is not None
        return {
            "person": viewer.account.alias,
            "task": _task(database, project, assignment) if assignment else None,
            "progress": None if known else _progress(assignments.progress(project, viewer.account.key)),
        }

    @router.get("/api/projects/{key}/mine")
    def mine(key: WholeNumber, viewer: Signed, limit: WholeNumber = LISTED) -> dict[str, Any]:
        project = _project(database, key, viewer)
        found = finished(database, project, viewer.account.key, max(1, min(limit, LISTED)))
        return {"done": [asdict(one) for one in found]}


def _add_assignments(router: APIRouter, database: Database) -> None:
    @router.get("/api/assignments/{assignment_key}")
    def open_assignment(assignment_key: WholeNumber, viewer: Signed) -> dict[str, Any]:
        project, assignment = _assignment(database, assignment_key, viewer)
        task = _task(database, project, assignment)
        with database.begin() as connection:
            task["number"] = number_of(connection, assignment) or task["number"]
        return {"person": viewer.account.alias, "task": task}

    # The second address is that of a page which was opened before the site was renewed: its save must not be lost.
    @router.post("/api/assignments/{assignment_key}")
    @router.post("/api/seats/{assignment_key}")
    def save_assignment(assignment_key: WholeNumber, viewer: Signed, body: Json) -> dict[str, Any]:
        project, assignment = _assignment(database, assignment_key, viewer)
        saved = save(database, project, assignment, viewer.account.key, read_submission(body))
        return {
            "saved": True,
            "version": saved.version,
            "repeated": saved.repeated,
            "progress": _progress(Assignments(database).progress(project, viewer.account.key)),
        }

    @router.post("/api/assignments/{assignment_key}/keep")
    def keep_assignment(assignment_key: WholeNumber, viewer: Signed, _body: Json) -> dict[str, Any]:
        _, assignment = _assignment(database, assignment_key, viewer)
        return {"until": Assignments(database).extend(assignment).until}


def _project(database: Database, key: int, viewer: Viewer) -> Project:
    """The project, for its members."""
    projects = Projects(database)
    project = projects.by_key(key)
    projects.check_member(project, viewer.account.key)
    return project


def _assignment(database: Database, key: int, viewer: Viewer) -> tuple[Project, Assignment]:
    """A person's own assignment, with its project."""
    assignment = Assignments(database).assignment(key, viewer.account.key)
    return Projects(database).by_key(assignment.project), assignment


def _task(database: Database, project: Project, assignment: Assignment) -> dict[str, Any]:
    return asdict(task_view(database, project, assignment))


def _progress(progress: AnnotatorProgress) -> dict[str, int]:
    return asdict(progress)
