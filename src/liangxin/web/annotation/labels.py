"""Labels in and out: `/projects/{key}/labels`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.annotation.labels.incoming import preview, store_file
from liangxin.annotation.labels.label_studio import config_xml, tasks_json
from liangxin.annotation.labels.rows import WHICH, Which, label_rows
from liangxin.annotation.labels.sheet_writing import write_sheet
from liangxin.annotation.labels.uploads import HandedIn, drop, keep, kept
from liangxin.annotation.projects import Project, Projects
from liangxin.errors import NotAllowed, PeopleError
from liangxin.files.writing import FORMATS, KINDS, write_rows
from liangxin.people import audit
from liangxin.people.accounts import Account
from liangxin.web.asking import Fields, Form, Owning, Signed, Viewer
from liangxin.web.pages import download, page
from liangxin.web.site import Site


def routes(site: Site) -> APIRouter:
    """The page and its files."""
    router = APIRouter()
    _page(router, site)
    _out(router, site)
    _in(router, site)
    return router


def _page(router: APIRouter, site: Site) -> None:
    @router.get("/projects/{key}/labels")
    def labels(request: Request, key: int, viewer: Signed) -> Response:
        return _shown(request, site, viewer, _project(site, key, viewer))


def _out(router: APIRouter, site: Site) -> None:
    @router.post("/projects/{key}/labels/export")
    def export(key: int, viewer: Signed, fields: Form) -> Response:
        project = _project(site, key, viewer)
        form = fields.choice("form", FORMATS)
        which = fields.choice("which", WHICH if viewer.owns else WHICH[:2])
        rows = list(
            label_rows(site.database, project, _which(which), None if viewer.owns else viewer.account.key)
        )
        if not rows:
            raise PeopleError("还没有可以导出的标注。", "There is no label to export yet.")
        with site.database.write() as connection:
            audit.note(
                connection,
                viewer.account.key,
                "labels exported",
                project=project.name,
                which=which,
                count=len(rows),
            )
        ending = next(one for one in FORMATS if one == form)
        return download(f"{project.name}.{which}.{ending}", KINDS[ending], write_rows(rows, ending))

    @router.post("/projects/{key}/labels/sheet")
    def sheet(key: int, viewer: Signed, fields: Form) -> Response:
        project = _project(site, key, viewer)
        person = _person(site, project, viewer, fields)
        return download(
            f"{project.name}.{person.alias}.xlsx", KINDS["xlsx"], write_sheet(site.database, project, person)
        )

    @router.post("/projects/{key}/labels/studio")
    def studio(key: int, viewer: Owning, fields: Form) -> Response:
        project = _project(site, key, viewer)
        if fields.choice("kind", ("tasks", "config")) == "tasks":
            content = tasks_json(site.database, project)
            return download(f"{project.name}.label-studio.json", "application/json", content)
        return download(
            f"{project.name}.label-studio.xml", "application/xml", config_xml(site.database, project)
        )


def _in(router: APIRouter, site: Site) -> None:
    @router.post("/projects/{key}/labels/preview")
    def look(request: Request, key: int, viewer: Signed, fields: Form) -> Response:
        project = _project(site, key, viewer)
        upload = fields.file("file")
        if upload is None or not upload.content:
            raise PeopleError("请先选择一个文件。", "Choose a file first.")
        file = HandedIn(upload.name, upload.content)
        try:
            found = preview(site.database, project, file, viewer.account)
        except PeopleError as error:
            said = error.zh if viewer.language == "zh" else str(error)
            return _shown(
                request, site, viewer, project, wrong=said, status=error.http_status, name=upload.name
            )
        token = keep(site.database, project.key, viewer.account.key, file)
        return _shown(request, site, viewer, project, preview=found, token=token, name=upload.name)

    @router.post("/projects/{key}/labels/store")
    def stored(request: Request, key: int, viewer: Signed, fields: Form) -> Response:
        project = _project(site, key, viewer)
        token = fields.text("token", most=64)
        file = kept(site.database, project.key, viewer.account.key, token)
        made = store_file(site.database, project, file, viewer.account)
        drop(site.database, token)
        return _shown(request, site, viewer, project, stored=made, name=file.name)


def _shown(
    request: Request, site: Site, viewer: Viewer, project: Project, *, status: int = 200, **more: object
) -> Response:
    people = Projects(site.database).members(project) if viewer.owns else [viewer.account]
    values: dict[str, object] = {
        "preview": None,
        "token": "",
        "name": "",
        "wrong": "",
        "stored": None,
        **more,
    }
    return page(
        request, viewer, "annotation/labels.html.jinja", status, project=project, people=people, forms=FORMATS,
        which=WHICH if viewer.owns else WHICH[:2], **values,
    )  # fmt: skip


def _project(site: Site, key: int, viewer: Viewer) -> Project:
    projects = Projects(site.database)
    project = projects.by_key(key)
    if not viewer.owns:
        projects.check_member(project, viewer.account.key)
    return project


def _person(site: Site, project: Project, viewer: Viewer, fields: Fields) -> Account:
    if not viewer.owns:
        return viewer.account
    number = fields.whole("person", 1, (1 << 31) - 1, viewer.account.key)
    found = next((one for one in Projects(site.database).members(project) if one.key == number), None)
    if found is None:
        raise NotAllowed("这个人不是项目成员。", "This person is not a member of the project.")
    return found


def _which(name: str) -> Which:
    return next(one for one in WHICH if one == name)
