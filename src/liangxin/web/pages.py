"""Pages put together: templates with autoescape, two languages, and what every page needs around it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from liangxin import __version__
from liangxin.specs import Category
from liangxin.text import templates, visible
from liangxin.web.asking import Viewer, language_of, site_of
from liangxin.words import category_title


def page(
    request: Request, viewer: Viewer | None, template: str, status: int = 200, **values: object
) -> HTMLResponse:
    """A page of the site in the reader's language; `viewer` is None before anyone has signed in."""
    language = viewer.language if viewer else language_of(request)
    environment: Environment = request.app.state.templates
    html = environment.get_template(template).render(
        viewer=viewer,
        language=language,
        csrf=viewer.csrf if viewer else "",
        path=request.url.path,
        address=_address(request),
        single_user=site_of(request).single_user,
        read_only=site_of(request).database.read_only,
        **values,
    )
    return HTMLResponse(html, status_code=status)


def redirect(path: str) -> RedirectResponse:
    """Lead on to another page of the site, after a form."""
    return RedirectResponse(path if path.startswith("/") and not path.startswith("//") else "/", 303)


def download(name: str, kind: str, content: bytes) -> Response:
    """A file to keep; its name may be Chinese."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in ".-_") else "_" for sign in name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=kind, headers={"Content-Disposition": disposition})


def environment() -> Environment:
    """The site's templates."""
    made = templates("liangxin.web")
    made.globals.update(t=_translated, csrf_field=_csrf_field, static=static, when=when, version=__version__)
    made.filters["visible"] = visible
    return made


def when(seconds: float | None) -> str:
    """A time for people, by the server's clock: 2026-11-23 08:20."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def static(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it."""
    return f"/static/{name}?v={_digest(name)}"


@lru_cache(maxsize=200)
def _digest(name: str) -> str:
    content = resources.files("liangxin.web").joinpath("static", name).read_bytes()
    return hashlib.sha256(content).hexdigest()[:12]


def _address(request: Request) -> str:
    """Path and query of this page, to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


@pass_context
def _translated(context: Context, zh: Any, en: Any) -> Any:
    return en if context["language"] == "en" else zh


@pass_context
def _csrf_field(context: Context) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(context["csrf"])


def category_words(taxonomy: Sequence[Category], viewer: Viewer) -> Callable[[Sequence[str]], str]:
    """Names a category path of this taxonomy in the viewer's language."""
    return lambda path: getattr(category_title(taxonomy, path), viewer.language)
