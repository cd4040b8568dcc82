"""The application: routes, what every answer carries, and errors said in the reader's language."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from os import PathLike
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from liangxin.errors import LiangxinError, PeopleError, StoreReadOnly
from liangxin.people.devices import LASTS
from liangxin.web import choice_items, home, runs
from liangxin.web.annotation import adjudicate, agreement, annotate, labels, projects
from liangxin.web.asking import NotSignedIn, Viewer, viewer_of
from liangxin.web.connections import Paced
from liangxin.web.pages import environment, page, redirect
from liangxin.web.people import owner_page, signing_in
from liangxin.web.redteam import chat, review
from liangxin.web.site import Site
from liangxin.web.values import readable

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")

NO_PAGE = (
    "没有这一页。请检查地址，或从首页进入。",
    "There is no such page. Check the address, or begin at the home page.",
)
UNREADABLE = (
    "地址里有不能读的字符（不是 UTF-8，或有 NUL）。",
    "The address has characters that cannot be read (no UTF-8, or NUL).",
)

THREADS = 3
"""How many requests work at once (docs/decisions/0014)."""

Routes = Callable[[Site], APIRouter]
ROUTES: tuple[Routes, ...] = (
    home.routes,
    signing_in.routes,
    owner_page.routes,
    runs.routes,
    projects.routes,
    chat.routes,
    review.routes,
    agreement.routes,
    adjudicate.routes,
    annotate.routes,
    labels.routes,
    choice_items.routes,
)
"""The site's parts, each with its own module."""


def create_app(site: Site) -> FastAPI:
    """The site as an ASGI application."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_few_threads)
    app.state.site = site
    app.state.templates = environment()
    app.mount("/static", _Kept(packages=[("liangxin.web", "static")]), name="static")
    for routes in ROUTES:
        app.include_router(routes(site))
    app.add_middleware(Paced, limits=site.limits)
    app.add_middleware(_Carried, site=site)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(LiangxinError, _stated)
    app.add_exception_handler(HTTPException, _not_found)
    app.add_exception_handler(RequestValidationError, _not_found)
    app.add_exception_handler(Exception, _broken)
    return app


@asynccontextmanager
async def _few_threads(app: FastAPI) -> AsyncIterator[None]:
    """Answer with few threads at once: more of them only wait for one another, and a save then takes seconds."""
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    app.state.site.kept.close()


class _Kept(StaticFiles):
    """Static files that browsers may keep where their address changes with their content (`?v=…`).

    A module that another one imports has no version in its address: browsers ask for it again by its ETag.
    """

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response


class _Carried:
    """Checks where a request was sent to, and puts on every answer what it must carry."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def carried(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._site.secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                headers.setdefault("Cache-Control", "no-store")
                if (opened := state.get("opened")) is not None:
                    headers.append("Set-Cookie", self._cookie(self._site.cookie, opened.token))
                if (device := state.get("device")) is not None:
                    name = self._site.device_cookie(device[0])
                    headers.append("Set-Cookie", self._cookie(name, device[1], f"; Max-Age={LASTS}"))
            await send(message)

        refused = self._misdirected(scope, Headers(scope=scope))
        await (self._app if refused is None else refused)(scope, receive, carried)

    def _misdirected(self, scope: Scope, headers: Headers) -> Response | None:
        path_fits, query_fits = readable(scope["path"], scope.get("query_string", b""))
        if not path_fits:
            return _refused(scope, 404, *NO_PAGE)
        if not query_fits:
            return _refused(scope, 400, *UNREADABLE)
        if self._site.hosts and headers.get("host", "") not in self._site.hosts:
            here = self._site.base_url
            return _refused(
                scope,
                421,
                f"这个站点不在这个地址上。请打开 {here}",
                f"This site is not at this address. Open {here}",
            )
        # Behind a proxy everybody would come from this machine, and be its one user.
        if self._site.single_user and any(name in headers for name in _FORWARDED):
            return _refused(
                scope,
                403,
                "这个站点只给本机的一个人用；要通过代理给团队用，请以 --public-url 启动。",
                "This site is for one user on this machine; to serve a team through a proxy start it with --public-url.",
            )
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and self._is_elsewhere(headers):
            return _refused(
                scope,
                403,
                "这个请求是别的网站发来的，没有任何改动。请回到本站的页面再操作。",
                "This request came from another site; nothing was changed. Go back to a page of this site.",
            )
        return None

    def _is_elsewhere(self, headers: Headers) -> bool:
        """Whether a browser says that another site's page sends this."""
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return True
        origin = headers.get("origin")
        # A proxy may rewrite Host, and on every address (0.0.0.0) people come by names unknown here.
        return origin is not None and origin not in {
            self._site.base_url,
            f"{urlsplit(self._site.base_url).scheme}://{headers.get('host', '')}",
        }

    def _cookie(self, name: str, token: str, kept: str = "") -> str:
        secure = "; Secure" if self._site.secure else ""
        return f"{name}={token}; Path=/; HttpOnly; SameSite=Lax{kept}{secure}"


def _refused(scope: Scope, status: int, zh: str, en: str) -> Response:
    """Why a request is not even looked at: as JSON for scripts, as plain text for people."""
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": {"zh": zh, "en": en}}, status)
    return PlainTextResponse(f"{zh}\n{en}\n", status)


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _not_signed_in(request: Request, _error: Exception) -> Response:
    if _wants_json(request) or request.method != "GET":
        said = {
            "zh": "登录已过期。请在另一个标签页重新登录，这里的内容不会丢。",
            "en": "You are signed out. Sign in again in another tab; nothing here is lost.",
        }
        return _said(request, 401, said["zh"], said["en"])
    from urllib.parse import quote

    query = f"?{request.url.query}" if request.url.query else ""
    return redirect(f"/login?next={quote(request.url.path + query, safe='')}")


def _stated(request: Request, error: Exception) -> Response:
    if isinstance(error, PeopleError):
        return _said(request, error.http_status, error.zh, error.en)
    if isinstance(error, StoreReadOnly):
        return _said(
            request,
            403,
            "这个库只能读，这一步要写入它，所以没有做；浏览不受影响。",
            "The store can only be read here and this step writes to it, so nothing was done; browsing goes on.",
        )
    return _said(request, 400, str(error), str(error))


def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if isinstance(error, RequestValidationError):
        wrong = [str(one["loc"][-1]) for one in error.errors() if one["loc"][0] == "query"]
        if wrong:
            return _said(
                request,
                400,
                f"地址里的“{wrong[0]}”不能读：应是整数或开关。",
                f"{wrong[0]!r} in the address cannot be read: it should be a whole number or a switch.",
            )
    if status == 405:
        return _said(request, 405, "这个地址不接受这种请求。", "This address does not take such a request.")
    if status == 404:
        return _said(request, 404, *NO_PAGE)
    return _said(request, status, f"请求无法读取（{status}）。", f"The request cannot be read ({status}).")


def _left(request: Request, _error: Exception) -> Response:
    """The sender left in the middle, which concerns nobody else; or was too slow, which is said."""
    late = getattr(request.state, "late", False)
    answer = _said(
        request,
        408 if late else 400,
        "请求在途中停住了，没有收完；没有任何改动。请再试一次。",
        "The request stood still before all of it had come; nothing was changed. Try again.",
    )
    answer.headers["Connection"] = "close"
    return answer


def _broken(request: Request, _error: Exception) -> Response:
    """A defect of ours: its traceback stands in the server's own log, never on a page."""
    zh = "站点出错了，已记在服务器的日志里；没有存的内容请再存一次。"
    en = "The site failed; the server's log holds the details. Save again what was not saved."
    if _wants_json(request):
        return JSONResponse({"error": {"zh": zh, "en": en}}, 500)
    return page(request, None, "error.html.jinja", 500, zh=zh, en=en, http_status=500)


def _said(request: Request, status: int, zh: str, en: str) -> Response:
    """An error as JSON for scripts, as a page for people."""
    if _wants_json(request):
        return JSONResponse({"error": {"zh": zh, "en": en}}, status)
    viewer: Viewer | None = None
    try:
        viewer = viewer_of(request)
    except (NotSignedIn, LiangxinError):
        viewer = None
    return page(request, viewer, "error.html.jinja", status, zh=zh, en=en, http_status=status)
