"""Signing in and out, accepting an invitation, and a person's own account."""

from __future__ import annotations

import hmac
import math
import secrets
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from liangxin.annotation.projects import Projects
from liangxin.errors import NotAllowed, PeopleError
from liangxin.people import audit
from liangxin.people.accounts import MOST_NAME, Account, Accounts
from liangxin.people.invitations import Invitation, Invitations
from liangxin.people.logins import Logins
from liangxin.people.passwords import LEAST, MOST, Passwords
from liangxin.people.personal import Extent, export, remove
from liangxin.people.resets import Reset, Resets
from liangxin.people.sessions import OpenSession, Sessions
from liangxin.web.asking import (
    Fields,
    Form,
    NotSignedIn,
    Signed,
    Viewer,
    read_form,
    site_of,
    viewer_of,
)
from liangxin.web.pages import page, redirect
from liangxin.web.site import Site
from liangxin.web.values import MOST_KEY, whole_number

ROLE_NAMES = {
    "owner": ("负责人", "owner"),
    "adjudicator": ("裁决员", "adjudicator"),
    "annotator": ("标注员", "annotator"),
}
_STRANGERS_BYTES = 16 * 1024
_MOST_TYPED = 1000
_WORDS = ("删除", "DELETE")


async def _strangers_form(request: Request) -> AsyncIterator[Fields]:
    """A form of somebody who is not signed in: its token must be the one in their cookie."""
    async with read_form(request, _STRANGERS_BYTES) as fields:
        kept = request.cookies.get(_form_cookie(site_of(request)), "")
        if not kept or not hmac.compare_digest(kept.encode(), fields.text("csrf", required=False).encode()):
            raise NotAllowed(
                "这个表单不是由本页发出的，或已经过期。请刷新页面再试，没有任何改动。",
                "This form was not made by this page, or it is too old. Reload the page; nothing was changed.",
            )
        yield fields


StrangersForm = Annotated[Fields, Depends(_strangers_form)]


def routes(site: Site) -> APIRouter:
    """`/login`, `/logout`, `/enter`, `/invite/{token}`, `/reset/{token}` and `/account`."""
    router = APIRouter()
    passwords = Passwords()
    _add_signing_in(router, site, Logins(site.database, passwords))
    _add_entering(router, site)
    _add_invitations(router, Invitations(site.database, passwords))
    _add_resets(router, Resets(site.database, passwords))
    _add_account(router, site, Logins(site.database, passwords))
    return router


def _add_signing_in(router: APIRouter, site: Site, logins: Logins) -> None:
    @router.get("/login")
    def show(request: Request, next: str = "/") -> Response:
        if _viewer(request) is not None:
            return redirect(next)
        if site.token is not None:
            return _token_page(request, next)
        return _strangers_page(request, "people/login.html.jinja", name="", leads_to=next, wrong=None)

    @router.post("/login")
    def sign_in(request: Request, fields: StrangersForm) -> Response:
        name = fields.text("name", most=_MOST_TYPED, required=False)
        leads_to = fields.text("next", most=4000, required=False) or "/"
        try:
            password = _password(fields, "password")
            account = logins.sign_in(name, password, address_of(request), _devices(request))
        except PeopleError as error:
            values = {"name": name[:MOST_NAME], "leads_to": leads_to, "wrong": error}
            return _strangers_page(request, "people/login.html.jinja", error.http_status, **values)
        _open_session(request, account)
        return redirect(leads_to)

    @router.post("/logout")
    def sign_out(request: Request, viewer: Signed, _fields: Form) -> Response:
        Sessions(site.database).close(request.cookies.get(site.cookie, ""))
        with site.database.write() as connection:
            audit.note(connection, viewer.account.key, "signed out")
        return _without_cookie(redirect("/"), site)


def _add_entering(router: APIRouter, site: Site) -> None:
    @router.get("/enter")
    def enter(request: Request, token: str = "") -> Response:
        return _entered(request, site, token, "/")

    @router.post("/enter")
    def enter_again(request: Request, fields: StrangersForm) -> Response:
        # Whoever copies from the terminal takes the whole link.
        token = fields.text("token", most=_MOST_TYPED, required=False).rpartition("token=")[2]
        return _entered(request, site, token, fields.text("next", most=4000, required=False) or "/")


def _entered(request: Request, site: Site, token: str, leads_to: str) -> Response:
    """The one user of a loopback site gets a session for the token, which then stands in no address."""
    if site.token is None:
        return redirect(leads_to)
    if not token:
        return _token_page(request, leads_to)
    if not hmac.compare_digest(site.token.encode(), token.encode("utf-8", "replace")):
        wrong = NotAllowed(
            "这个链接不是正在运行的站点的。每次启动都有新链接，请用终端里最后印出的那个。",
            "This link is not of the site that runs now. Each start prints a new one; use the last in the terminal.",
        )
        return _token_page(request, leads_to, wrong)
    if site.database.read_only:
        request.state.opened = OpenSession(token=site.reader, csrf=site.reader_csrf, expires=math.inf)
    else:
        _open_session(request, Accounts(site.database).local_user())
    return redirect(leads_to)


def _token_page(request: Request, leads_to: str, wrong: PeopleError | None = None) -> Response:
    status = wrong.http_status if wrong else 200
    return _strangers_page(
        request, "people/enter.html.jinja", status, leads_to=leads_to, wrong=wrong, most=_MOST_TYPED
    )


def _add_invitations(router: APIRouter, invitations: Invitations) -> None:
    @router.get("/invite/{token}")
    def show(request: Request, token: str) -> Response:
        return _invitation_page(request, invitations.look(token), token)

    @router.post("/invite/{token}")
    def accept(request: Request, token: str, fields: StrangersForm) -> Response:
        name = fields.text("name", most=_MOST_TYPED, required=False)
        invitation = invitations.look(token)
        try:
            account = invitations.accept(token, name, _twice(fields))
        except PeopleError as error:
            return _invitation_page(request, invitation, token, name=name, wrong=error)
        _open_session(request, account)
        return redirect("/" if invitation.project is None else f"/projects/{invitation.project}")


def _add_resets(router: APIRouter, resets: Resets) -> None:
    @router.get("/reset/{token}")
    def show(request: Request, token: str) -> Response:
        return _reset_page(request, resets.look(token), token)

    @router.post("/reset/{token}")
    def use(request: Request, token: str, fields: StrangersForm) -> Response:
        reset = resets.look(token)
        try:
            account = resets.use(token, _twice(fields))
        except PeopleError as error:
            return _reset_page(request, reset, token, wrong=error)
        _open_session(request, account)
        return redirect("/")


def _add_account(router: APIRouter, site: Site, logins: Logins) -> None:
    sessions = Sessions(site.database)

    @router.get("/account")
    def show(request: Request, viewer: Signed, done: str = "") -> Response:
        return _account_page(request, viewer, done=done)

    @router.post("/account/password")
    def change(request: Request, viewer: Signed, fields: Form) -> Response:
        _check_protected(viewer.account)
        new = _password(fields, "new")
        try:
            if new != _password(fields, "again"):
                raise PeopleError(
                    "两次输入的新密码不一样，请再输一遍。", "The two new passwords differ; type them again."
                )
            token = request.cookies.get(site.cookie, "")
            old = _password(fields, "old")
            logins.change_password(viewer.account, old, new, keep=token)
            request.state.device = (viewer.account.key, logins.device(viewer.account))
        except PeopleError as error:
            return _account_page(request, viewer, error.http_status, wrong=error)
        return redirect("/account?done=password")

    @router.post("/account/everywhere")
    def sign_out_everywhere(viewer: Signed, _fields: Form) -> Response:
        sessions.close_all(viewer.account.key)
        with site.database.write() as connection:
            audit.note(connection, viewer.account.key, "signed out everywhere")
        return _without_cookie(redirect("/"), site)

    @router.post("/account/export")
    def own_data(viewer: Signed, _fields: Form) -> Response:
        return personal_file(export(site.database, viewer.account, viewer.account.key), viewer.account)

    @router.post("/account/delete")
    def delete(request: Request, viewer: Signed, fields: Form) -> Response:
        extent: Extent = "erase" if fields.choice("extent", ("keep", "erase")) == "erase" else "keep"
        try:
            if viewer.account.protected:
                logins.confirm(viewer.account, _password(fields, "password"))
            else:
                check_word(fields)
            remove(site.database, viewer.account, extent, viewer.account.key)
        except PeopleError as error:
            return _account_page(request, viewer, error.http_status, refused=error)
        return _without_cookie(page(request, None, "people/deleted.html.jinja", extent=extent), site)


def address_of(request: Request) -> str:
    """Where a request comes from: the last on its way that is none of the named proxies."""
    passed = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    way = [*filter(None, passed), request.client.host if request.client else ""]
    site = site_of(request)
    return next((hop for hop in reversed(way) if not site.is_proxy(hop)), way[0])


def check_word(fields: Fields) -> None:
    """Have a deletion meant.

    Raises:
        PeopleError: the word for it was not typed.
    """
    if fields.text("word", most=_MOST_TYPED, required=False) not in _WORDS:
        raise PeopleError(
            "请输入“删除”二字以确认，没有任何改动。", "Type DELETE to confirm; nothing was changed."
        )


def personal_file(text: str, account: Account) -> Response:
    """What `personal.export` wrote, as a file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="liangxin-{quote(account.alias)}.json"'}
    return Response(text, media_type="application/json", headers=headers)


def _viewer(request: Request) -> Viewer | None:
    try:
        return viewer_of(request)
    except NotSignedIn:
        return None


def _password(fields: Fields, name: str) -> str:
    """A password as it was typed: blanks around it are part of it."""
    typed = (fields.many(name) or [""])[0]
    return typed[: MOST + 1]


def _twice(fields: Fields) -> str:
    """A new password, typed the same twice.

    Raises:
        PeopleError: the two differ.
    """
    password = _password(fields, "password")
    if password != _password(fields, "again"):
        raise PeopleError("两次输入的密码不一样，请再输一遍。", "The two passwords differ; type them again.")
    return password


def _check_protected(account: Account) -> None:
    if not account.protected:
        raise PeopleError(
            "这个账号没有密码，不用修改。", "This account has no password that could be changed."
        )


def _open_session(request: Request, account: Account) -> None:
    """Sign in with a session of its own: whatever token the browser brought is worth nothing afterwards."""
    site = site_of(request)
    sessions = Sessions(site.database)
    if before := request.cookies.get(site.cookie):
        sessions.close(before)
    request.state.opened = sessions.open(account.key)
    if account.protected:
        request.state.device = (account.key, Logins(site.database).device(account))


def _devices(request: Request) -> dict[int, str]:
    """What this browser keeps of people who signed in with it, by account."""
    before = site_of(request).device_cookie("")
    found = {
        whole_number(name.removeprefix(before), 1, MOST_KEY): value
        for name, value in request.cookies.items()
        if name.startswith(before)
    }
    return {key: value for key, value in found.items() if key is not None}


def _without_cookie(response: Response, site: Site) -> Response:
    response.delete_cookie(site.cookie, path="/", secure=site.secure, httponly=True, samesite="lax")
    return response


def _form_cookie(site: Site) -> str:
    return f"{site.cookie}_form"


def _strangers_page(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A page with a form for somebody who is not signed in, and the cookie that its token must match."""
    site = site_of(request)
    kept = request.cookies.get(_form_cookie(site), "")
    token = kept if len(kept) == 43 else secrets.token_urlsafe(32)
    response = page(request, None, template, status, form_token=token, **values)
    response.set_cookie(_form_cookie(site), token, httponly=True, samesite="lax", secure=site.secure)
    return response


def _invitation_page(
    request: Request, invitation: Invitation, token: str, *, name: str = "", wrong: PeopleError | None = None
) -> Response:
    project = ""
    if invitation.project is not None:
        project = Projects(site_of(request).database).by_key(invitation.project).name
    viewer = _viewer(request)
    values = {
        "token": token,
        "invitation": invitation,
        "role": ROLE_NAMES[invitation.role],
        "project": project,
        "name": name[:MOST_NAME],
        "wrong": wrong,
        "signed_in": viewer.account.name if viewer else "",
        "least": LEAST,
        "most_name": MOST_NAME,
    }
    return _strangers_page(request, "people/invite.html.jinja", wrong.http_status if wrong else 200, **values)


def _reset_page(request: Request, reset: Reset, token: str, *, wrong: PeopleError | None = None) -> Response:
    values = {"token": token, "name": reset.account.name, "expires": reset.expires, "least": LEAST}
    status = wrong.http_status if wrong else 200
    return _strangers_page(request, "people/reset.html.jinja", status, wrong=wrong, **values)


def _account_page(
    request: Request,
    viewer: Viewer,
    status: int = 200,
    *,
    done: str = "",
    wrong: PeopleError | None = None,
    refused: PeopleError | None = None,
) -> Response:
    sessions = Sessions(site_of(request).database)
    values = {
        "role": ROLE_NAMES[viewer.account.role],
        "browsers": sessions.count(viewer.account.key),
        "done": done,
        "wrong": wrong,
        "refused": refused,
        "least": LEAST,
    }
    return page(request, viewer, "people/account.html.jinja", status, **values)
