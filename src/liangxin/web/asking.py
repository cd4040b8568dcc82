"""What a request brings: who asks, and the fields of a form or a JSON body, checked before any handler."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal, cast

from fastapi import Depends, Request
from starlette.types import Message, Receive

from liangxin.errors import NotAllowed, PeopleError, TooLarge
from liangxin.files import parse_json
from liangxin.people.accounts import LOCAL, Account, Accounts
from liangxin.people.sessions import Sessions
from liangxin.web.site import Site

Language = Literal["zh", "en"]
LANGUAGE_COOKIE = "liangxin_language"
JSON_BYTES = 256 * 1024
FORM_BYTES = 24 * 1024 * 1024
LARGE_FORM_BYTES = 410 * 1024 * 1024
"""Of the owner's forms that take a whole data set."""
_FIELD_BYTES = 1024 * 1024


READER = Account(key=0, name=LOCAL, alias=LOCAL, role="owner", created=0.0)
"""Who looks at a store that can only be read: nobody's account, and nothing of it is stored."""


class NotSignedIn(Exception):
    """Nobody is signed in: a page leads to the sign-in page, an API answers 401."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks."""

    account: Account
    csrf: str
    language: Language

    @property
    def owns(self) -> bool:
        """Whether this person runs the site."""
        return self.account.role == "owner"

    @property
    def adjudicates(self) -> bool:
        """Whether this person may settle disagreements."""
        return self.account.role in ("owner", "adjudicator")


def site_of(request: Request) -> Site:
    """The site that the request came to."""
    return cast("Site", request.app.state.site)


def language_of(request: Request) -> Language:
    """The reader's language: Chinese unless the switch was set to English."""
    return "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "zh"


def viewer_of(request: Request) -> Viewer:
    """Who is signed in.

    Raises:
        NotSignedIn: nobody.
    """
    known = getattr(request.state, "viewer", None)
    if known is not None:
        return cast("Viewer", known)
    site = site_of(request)
    if site.single_user and site.database.read_only:
        if _from_elsewhere(request):
            raise NotSignedIn
        return Viewer(account=READER, csrf=site.reader_csrf, language=language_of(request))
    token = request.cookies.get(site.cookie, "")
    found = Sessions(site.database).person(token) if token else None
    account, csrf = (found[1], found[0].csrf) if found else (None, "")
    if account is None and site.single_user and _may_open(request):
        account = Accounts(site.database).local_user()
        if account.closed is None:
            opened = Sessions(site.database).open(account.key)
            request.state.opened, csrf = opened, opened.csrf
    if account is None or account.closed is not None:
        raise NotSignedIn
    viewer = Viewer(account=account, csrf=csrf, language=language_of(request))
    request.state.viewer = viewer
    return viewer


def _may_open(request: Request) -> bool:
    """Whether the one user of a loopback site comes anew: not a picture or frame of a page elsewhere."""
    return request.method == "GET" and not _from_elsewhere(request)


def _from_elsewhere(request: Request) -> bool:
    elsewhere = request.headers.get("sec-fetch-site", "") in ("cross-site", "same-site")
    return elsewhere and request.headers.get("sec-fetch-mode", "") != "navigate"


def _adjudicating(request: Request) -> Viewer:
    viewer = viewer_of(request)
    if not viewer.adjudicates:
        raise NotAllowed(
            "这一页只给裁决员和负责人看。", "This page is for adjudicators and the owner of the site."
        )
    return viewer


def _owning(request: Request) -> Viewer:
    viewer = viewer_of(request)
    if not viewer.owns:
        raise NotAllowed("这一页只给负责人看。", "This page is for the owner of the site.")
    return viewer


Signed = Annotated[Viewer, Depends(viewer_of)]
"""Anyone who is signed in."""
Adjudicating = Annotated[Viewer, Depends(_adjudicating)]
"""An adjudicator or the owner."""
Owning = Annotated[Viewer, Depends(_owning)]
"""The owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An uploaded file; it is open while the request is answered, a large one on disk."""

    name: str
    stream: BinaryIO

    @property
    def content(self) -> bytes:
        """The file, whole."""
        self.stream.seek(0)
        return self.stream.read()


class Fields:
    """A form's fields; reading one says in both languages what is wrong with it."""

    def __init__(self, values: Mapping[str, Sequence[str]], files: Mapping[str, Upload]) -> None:
        self._values = values
        self._files = files

    def text(self, name: str, *, most: int = 2000, required: bool = True) -> str:
        """One text without blanks around it; at most `most` characters."""
        found = (self._values.get(name) or [""])[0].replace("\r\n", "\n").strip()
        if required and not found:
            raise PeopleError(f"“{name}”不能为空。", f"The field {name!r} is empty; fill it in.")
        if len(found) > most:
            raise TooLarge(
                f"“{name}”有 {len(found)} 个字符，最多 {most} 个。",
                f"The field {name!r} has {len(found)} characters; at most {most} are taken.",
            )
        return found

    def many(self, name: str) -> list[str]:
        """Every value of a field that may stand several times."""
        return list(self._values.get(name) or [])

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`; `default` where the field is empty."""
        found = (self._values.get(name) or [""])[0].strip()
        if not found and default is not None:
            return default
        if not found.isascii() or not found.lstrip("-").isdigit() or not low <= int(found[:12]) <= high:
            raise PeopleError(
                f"“{name}”应是 {low} 到 {high} 之间的整数。",
                f"The field {name!r} should be a whole number from {low} to {high}.",
            )
        return int(found)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """One of `allowed`."""
        found = (self._values.get(name) or [""])[0]
        if found not in allowed:
            raise PeopleError(
                f"“{name}”应是其中之一：{'、'.join(allowed)}。",
                f"The field {name!r} should be one of: {', '.join(allowed)}.",
            )
        return found

    def flag(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool((self._values.get(name) or [""])[0])

    def file(self, name: str) -> Upload | None:
        """An uploaded file, or None where none was chosen."""
        return self._files.get(name)


async def posted_form(request: Request) -> AsyncIterator[Fields]:
    """The form of a signed-in person, its CSRF token checked; its files are open until the answer is sent.

    Raises:
        NotSignedIn: nobody is signed in.
        NotAllowed: the form was not made by this site for this session.
        TooLarge: more than the site takes at once.
    """
    async with _checked_form(request, FORM_BYTES) as fields:
        yield fields


async def _large_form(request: Request) -> AsyncIterator[Fields]:
    async with _checked_form(request, LARGE_FORM_BYTES) as fields:
        yield fields


@asynccontextmanager
async def _checked_form(request: Request, most: int) -> AsyncIterator[Fields]:
    viewer = await _signed(request)
    async with read_form(request, most) as fields:
        check_token(viewer.csrf, (fields.many("csrf") or [""])[0])
        yield fields


@asynccontextmanager
async def read_form(request: Request, most: int) -> AsyncIterator[Fields]:
    """A form of at most so many bytes as it came, without any check of who sent it.

    Raises:
        TooLarge: more bytes came, announced or not.
    """
    _check_size(request, most)
    values: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    counted = Request(request.scope, _counted(request.receive, most))
    async with counted.form(max_files=4, max_fields=5000, max_part_size=_FIELD_BYTES) as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                values.setdefault(name, []).append(value)
            elif value.filename:
                files[name] = Upload(name=value.filename, stream=value.file)
        yield Fields(values, files)


async def posted_json(request: Request) -> Mapping[str, Any]:
    """The JSON object that a page's script sent, its CSRF token checked; errors as `posted_form`."""
    viewer = await _signed(request)
    check_token(viewer.csrf, request.headers.get("x-csrf-token", ""))
    _check_size(request, JSON_BYTES)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > JSON_BYTES:
            raise _too_large(JSON_BYTES)
    try:
        found = parse_json(body.decode())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise PeopleError("发送的内容不是 JSON 对象。", "What was sent is not a JSON object.")
    return found


Form = Annotated[Fields, Depends(posted_form)]
LargeForm = Annotated[Fields, Depends(_large_form)]
"""A form with a file of a whole data set: only behind `Owning`, which is asked first."""
Json = Annotated[Mapping[str, Any], Depends(posted_json)]


def check_token(expected: str, given: str) -> None:
    """Refuse a form or call that this site did not make for this session.

    Raises:
        NotAllowed: the tokens differ.
    """
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise NotAllowed(
            "这个表单不是由本页发出的，或登录已更新。请刷新页面再试，没有任何改动。",
            "This form was not made by this page, or you signed in anew. Reload the page; nothing was changed.",
        )


async def _signed(request: Request) -> Viewer:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(viewer_of, request)


def _counted(receive: Receive, most: int) -> Receive:
    """What comes in, until it is too much: a body in pieces announces no length."""
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _too_large(most)
        return message

    return counted


def _check_size(request: Request, most: int) -> None:
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length[:15]) > most:
        raise _too_large(most)


def _too_large(most: int) -> TooLarge:
    return TooLarge(
        f"发送的内容太大，最多 {most // 1024} KB。没有任何改动。",
        f"Too much was sent at once; at most {most // 1024} kB are taken. Nothing was changed.",
    )
