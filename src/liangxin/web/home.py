"""The home page by role, and the language switch."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.web.asking import LANGUAGE_COOKIE, Signed, site_of
from liangxin.web.pages import page, redirect
from liangxin.web.site import Site
from liangxin.web.waiting import waiting


def routes(site: Site) -> APIRouter:
    """`/` and `/language/{zh,en}`."""
    router = APIRouter()

    @router.get("/")
    def home(request: Request, viewer: Signed) -> Response:
        counted = waiting(site.database, viewer.account, single_user=site.single_user)
        return page(request, viewer, "home.html.jinja", waiting=counted)

    @router.get("/language/{chosen}")
    def language(request: Request, chosen: str, back: str = "/") -> Response:
        response = redirect(back)
        response.set_cookie(
            LANGUAGE_COOKIE,
            "en" if chosen == "en" else "zh",
            max_age=31536000,
            samesite="lax",
            secure=site_of(request).secure,
        )
        return response

    return router
