"""The owner's page: who is here, invitations, roles, and the log of what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.annotation.projects import Projects
from liangxin.errors import NotThere, PeopleError
from liangxin.people import audit
from liangxin.people.accounts import ROLES, Account, Accounts, Role
from liangxin.people.invitations import MOST_DAYS, MOST_NOTE, InvitationRequest, Invitations
from liangxin.people.personal import Extent, export, remove
from liangxin.people.resets import Resets
from liangxin.web.asking import Form, Owning, Viewer
from liangxin.web.pages import page, redirect
from liangxin.web.people.signing_in import ROLE_NAMES, check_word, personal_file
from liangxin.web.site import Site
from liangxin.web.values import MOST_KEY, WholeNumber, page_number, whole_number

PAGE = 50
_INVITATIONS = 50
ACTION_NAMES = {
    "signed in": "登录",
    "sign-in failed": "登录失败",
    "signed out": "退出",
    "signed out everywhere": "退出所有浏览器",
    "password changed": "修改密码",
    "password reset offered": "发出重设密码的链接",
    "password reset": "重设密码",
    "invitation made": "发出邀请",
    "invitation accepted": "接受邀请",
    "invitation withdrawn": "撤回邀请",
    "role changed": "修改角色",
    "account closed": "关闭账号",
    "account reopened": "重新开放账号",
    "account deleted": "删除账号",
    "personal data exported": "导出个人数据",
    "project made": "新建项目",
    "project closed": "关闭项目",
    "project open": "重新开放项目",
    "members set": "设定标注员",
    "gold question set": "设金标准题",
    "gold question removed": "取消金标准题",
    "labels stored": "导入标签",
    "attacks exported": "导出红队题目",
    "choice items proposed": "提出选择题",
    "choice items exported": "导出选择题",
}
DETAIL_NAMES = {
    "invitation": "邀请",
    "role": "角色",
    "was": "原为",
    "of": "对象",
    "project": "项目",
    "task": "题",
    "tasks": "题数",
    "members": "标注员",
    "verdicts": "结论",
    "added": "新增",
    "known": "已有",
    "unfit": "不合",
    "rows": "文件行数",
    "seed": "种子",
    "count": "数量",
    "new": "新增",
    "corrected": "更正",
    "same": "未变",
    "benchmark": "基准",
    "kind": "格式",
}


def routes(site: Site) -> APIRouter:
    """`/people` and what is done there."""
    router = APIRouter()
    _add_page(router, site)
    _add_invitations(router, site)
    _add_accounts(router, site)
    return router


def _add_page(router: APIRouter, site: Site) -> None:
    @router.get("/people")
    def show(request: Request, viewer: Owning, action: str = "", person: str = "") -> Response:
        wanted = {"action": action, "person": person}
        return _page(request, site, viewer, wanted)


def _add_invitations(router: APIRouter, site: Site) -> None:
    invitations = Invitations(site.database)

    @router.post("/people/invitations")
    def invite(request: Request, viewer: Owning, fields: Form) -> Response:
        if site.single_user:
            raise PeopleError(
                "这个站点只给本机一个人用。要邀请别人，请以 liangxin serve --team 启动。",
                "This site is for one user on this machine. To invite others start it with liangxin serve --team.",
            )
        project = fields.whole("project", 0, MOST_KEY, default=0)
        wanted = InvitationRequest(
            role=cast("Role", fields.choice("role", ROLES)),
            days=fields.whole("days", 1, MOST_DAYS, default=7),
            project=project or None,
            note=fields.text("note", most=MOST_NOTE, required=False),
        )
        _, token = invitations.make(wanted, viewer.account.key)
        return _page(request, site, viewer, {}, link=f"{site.base_url}/invite/{token}")

    @router.post("/people/invitations/{key}/withdraw")
    def withdraw(key: WholeNumber, viewer: Owning, _fields: Form) -> Response:
        invitations.withdraw(key, viewer.account.key)
        return redirect("/people#invitations")


def _add_accounts(router: APIRouter, site: Site) -> None:
    accounts, resets = Accounts(site.database), Resets(site.database)

    @router.post("/people/{key}/role")
    def role(key: WholeNumber, viewer: Owning, fields: Form) -> Response:
        accounts.set_role(key, cast("Role", fields.choice("role", ROLES)), viewer.account.key)
        return redirect(f"/people#account-{key}")

    @router.post("/people/{key}/close")
    def close(key: WholeNumber, viewer: Owning, _fields: Form) -> Response:
        accounts.close(key, viewer.account.key)
        return redirect(f"/people#account-{key}")

    @router.post("/people/{key}/reopen")
    def reopen(key: WholeNumber, viewer: Owning, _fields: Form) -> Response:
        accounts.reopen(key, viewer.account.key)
        return redirect(f"/people#account-{key}")

    @router.post("/people/{key}/reset")
    def reset(request: Request, key: WholeNumber, viewer: Owning, _fields: Form) -> Response:
        account = _found(accounts, key)
        token = resets.make(key, viewer.account.key)
        link = f"{site.base_url}/reset/{token}"
        return _page(request, site, viewer, {}, link=link, link_of=account.name)

    @router.post("/people/{key}/export")
    def data(key: WholeNumber, viewer: Owning, _fields: Form) -> Response:
        account = _found(accounts, key)
        return personal_file(export(site.database, account, viewer.account.key), account)

    @router.get("/people/{key}/delete")
    def ask(request: Request, key: WholeNumber, viewer: Owning) -> Response:
        return page(request, viewer, "people/delete.html.jinja", account=_found(accounts, key), refused=None)

    @router.post("/people/{key}/delete")
    def delete(request: Request, key: WholeNumber, viewer: Owning, fields: Form) -> Response:
        account = _found(accounts, key)
        extent = cast("Extent", fields.choice("extent", ("keep", "erase")))
        try:
            check_word(fields)
            remove(site.database, account, extent, viewer.account.key)
        except PeopleError as error:
            values = {"account": account, "refused": error}
            return page(request, viewer, "people/delete.html.jinja", error.http_status, **values)
        return redirect("/people")


def _found(accounts: Accounts, key: int) -> Account:
    account = accounts.by_key(key)
    if account is None:
        raise NotThere("没有这个账号。", "There is no such account.")
    return account


def _page(
    request: Request,
    site: Site,
    viewer: Viewer,
    wanted: Mapping[str, str],
    *,
    link: str = "",
    link_of: str = "",
) -> Response:
    people = Accounts(site.database).all()
    by_key = {account.key: account for account in people}
    number = page_number(request, "number")
    person = whole_number(wanted.get("person", ""), 1, MOST_KEY)
    if wanted.get("person") and person is None:
        raise PeopleError("“person”应是成员的编号。", "'person' should be the number of a person.")
    found, count = audit.entries(
        site.database, action=wanted.get("action", ""), account=person, start=(number - 1) * PAGE, most=PAGE
    )
    invited, invitations = Invitations(site.database).all(most=_INVITATIONS)
    values: dict[str, Any] = {
        "people": people,
        "by_key": by_key,
        "link": link,
        "link_of": link_of,
        "invitations": invited,
        "more_invitations": invitations - len(invited),
        "projects": Projects(site.database).all(),
        "roles": ROLE_NAMES,
        "entries": found,
        "count": count,
        "number": number,
        "pages": max(1, -(-count // PAGE)),
        "actions": audit.actions(site.database),
        "action_names": ACTION_NAMES,
        "detail_names": DETAIL_NAMES,
        "action": wanted.get("action", ""),
        "person": person,
        "most_days": MOST_DAYS,
        "most_note": MOST_NOTE,
        "details": [_details(entry, by_key) for entry in found],
    }
    return page(request, viewer, "people/people.html.jinja", **values)


def _each(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _details(entry: audit.AuditEntry, people: Mapping[int, Account]) -> list[tuple[str, str]]:
    """What an entry says beside its action, accounts by name."""
    made = []
    for name, value in entry.content.items():
        known = people.get(value) if name in ("of", "account", "member") and isinstance(value, int) else None
        made.append((name, known.name if known else ", ".join(map(str, _each(value)))))
    return made
