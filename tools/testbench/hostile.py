"""What a stranger, an annotator and an owner may type into every address and form of the site, and what it must answer."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes, urlencode

from sqlalchemy import select

from liangxin.annotation.desk.assignments import Assignments
from liangxin.annotation.outcome.adjudication import queue
from liangxin.choice_items.items import ChoiceFilter, ChoiceItems
from liangxin.people.accounts import Account
from liangxin.people.invitations import InvitationRequest, Invitations
from liangxin.people.resets import Resets
from liangxin.people.sessions import Sessions
from liangxin.store import Runs
from liangxin.store.people import ATTACKS
from liangxin.web.app import create_app
from liangxin.web.site import Site
from testbench.scene import Scene
from testbench.site import Client, SiteAnswer

NUMBERS = (
    "9223372036854775808", "18446744073709551616", "-9223372036854775809", "9" * 30, "9" * 5000,
    "--5", "5-", "٣", "１", "1e400", "1e3", "NaN", "Infinity", "-Infinity", "1_0", "0x10", "1.5", "²",
)  # fmt: skip
"""No whole numbers that a database holds; `int` takes some of them, and `isdigit` others."""
TEXTS = (b"a\0b", b"\0", b"\xed\xa0\x80", b"a\xed\xbf\xbf", b"\xff\xfe", b"\xc0\x80")
"""NUL, halves of surrogate pairs, no UTF-8."""
WORDS = (
    "page", "number", "limit", "person", "counted", "q", "how", "level", "text", "category", "status", "judge", "differ",
    "find", "next", "back", "done", "state", "after", "before", "token", "action", "run", "style", "model", "benchmark",
)  # fmt: skip
READ = {
    ("/runs", "number"), ("/runs/{name}", "number"), ("/people", "number"), ("/people", "person"), ("/attack", "page"),
    ("/attacks", "page"), ("/choices", "page"), ("/projects/{key}/adjudicate", "page"),
    ("/projects/{key}/adjudicate/labels", "page"), ("/api/projects/{key}/mine", "limit"),
    ("/api/projects/{key}/next", "counted"),
}  # fmt: skip
"""Where a number in the query is read as one."""
_KEYS = ("{key}", "{rank}", "{trial}", "{assignment_key}")


@dataclass
class Tried:
    """How often something was tried, and what went wrong, a sentence each."""

    name: str
    number: int = 0
    faults: list[str] = field(default_factory=list)

    def hold(self, held: bool, what: object) -> None:
        """Count one try."""
        self.number += 1
        if not held:
            self.faults.append(str(what))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileForm:
    """A form that would be taken as it stands; its numbers are those that the site reads as whole numbers."""

    path: str
    fields: Mapping[str, str | int]
    who: Account | None


def routes(site: Site) -> list[tuple[str, str]]:
    """Every method and path of the application, mounts aside."""
    found: list[tuple[str, str]] = []
    pending = list(create_app(site).routes)
    while pending:
        route = pending.pop()
        pending += getattr(getattr(route, "original_router", None), "routes", [])
        found += [(str(method), str(getattr(route, "path", ""))) for method in getattr(route, "methods", ())]
    assert ("GET", "/people") in found
    return sorted(set(found))


def said(answer: SiteAnswer) -> bool:
    """Whether a refusal is a clear sentence: a page in the reader's language, or JSON or lines in both."""
    if "application/json" in answer.headers["content-type"]:
        return bool(answer.json()["error"]["zh"] and answer.json()["error"]["en"])
    if "text/plain" in answer.headers["content-type"]:
        return len(answer.text.splitlines()) == 2
    return "notice bad" in answer.text


def refused(answer: SiteAnswer, *statuses: int) -> bool:
    """Whether it was refused with one of these, in a sentence; or led to the sign-in page, where 303 is among them."""
    return answer.status in statuses and (answer.status == 303 or said(answer))


def browser_of(site: Site, who: Account | None) -> Client:
    """A browser that this person is signed in with."""
    client = Client(site.base_url)
    if who is not None:
        opened = Sessions(site.database).open(who.key)
        client.cookies[site.cookie], client.csrf = opened.token, opened.csrf
    else:
        client.get("/login")
    return client


def forms(scene: Scene) -> dict[str, HostileForm]:
    """Of every address that takes a form, one that fits the scene."""
    owner, adjudicator, annotator = scene.owner, scene.adjudicator, scene.annotators[0]
    database, flames = scene.database, scene.flames.key
    invited, token = Invitations(database).make(InvitationRequest(role="annotator"), owner.key)
    with database.begin() as connection:
        attacks = {row.state: row.key for row in connection.execute(select(ATTACKS.c.state, ATTACKS.c.key))}
    disputed = next(iter(queue(database, scene.flames, adjudicator.key))).labelled.at
    choice = ChoiceItems(database).page(ChoiceFilter(), start=0, most=1)[0][0].key
    run = Runs(database).all()[0].name or ""
    style: dict[str, str | int] = {
        "category": 0,
        "words": "",
        "style_choice": "other",
        "own": "直问",
        "follow_up": "",
    }
    person, other = scene.annotators[2].key, scene.annotators[1].key
    twice = {"password": "x" * 12, "again": "x" * 12}
    project: dict[str, str | int] = {
        "name": "新项目", "run": run, "kind": "grade", "subject": "primary", "take": "some", "levels": "", "guideline": "",
        "judge": "", "number": 5, "annotators": 1, "overlap": 100, "goal": 0, "seed": 0, "member": person,
    }  # fmt: skip
    made: list[tuple[str, str, Account | None, dict[str, str | int]]] = [
        ("/login", "", None, {"name": "王", "password": "x", "next": "/"}),
        ("/enter", "", None, {"token": "x", "next": "/"}),
        ("/invite/{token}", token, None, {"name": "甲", **twice}),
        ("/reset/{token}", Resets(database).make(person, owner.key), None, dict(twice)),
        ("/logout", "", owner, {}),
        ("/account/password", "", owner, {"old": "x", "new": "y" * 12, "again": "y" * 12}),
        ("/account/everywhere", "", owner, {}),
        ("/account/export", "", owner, {}),
        ("/account/delete", "", owner, {"extent": "keep", "password": "x"}),
        ("/runs/text", "", owner, {"show": "yes", "back": "/runs"}),
        ("/attack", "", owner, {"model": 0, "benchmark": 0}),
        ("/attack/{key}/submit", str(attacks["open"]), annotator, {"turn": 1, "note": "", **style}),
        ("/attack/{key}/judge", str(attacks["submitted"]), annotator, {}),
        ("/attack/{key}/withdraw", str(attacks["open"]), annotator, {}),
        ("/attacks/{key}/correct", str(attacks["submitted"]), adjudicator, style),
        ("/attacks/{key}/accept", str(attacks["submitted"]), adjudicator, {}),
        ("/attacks/{key}/reject", str(attacks["submitted"]), adjudicator, {"reason": "不合适"}),
        ("/attacks/export", "", adjudicator, {"kind": "own", "benchmark": 0}),
        ("/projects/new", "", owner, project),
        ("/projects/{key}/state", str(flames), owner, {"state": "open"}),
        ("/projects/{key}/members", str(flames), owner, {"member": person}),
        ("/projects/{key}/gold", str(flames), owner, {"task": 1, "reason": ""}),
        ("/projects/{key}/adjudicate/{place}", f"{flames} {disputed}", adjudicator,
         {"act": "decide", "level": "3", "reason": "看过", "base_version": 0}),
        ("/projects/{key}/labels/export", str(flames), owner, {"form": "csv", "which": "latest"}),
        ("/projects/{key}/labels/sheet", str(flames), owner, {"person": person}),
        ("/projects/{key}/labels/studio", str(flames), owner, {"kind": "tasks"}),
        ("/projects/{key}/labels/preview", str(flames), owner, {"file": ""}),
        ("/projects/{key}/labels/store", str(flames), owner, {"token": "x"}),
        ("/choices/export", "", adjudicator, {}),
        ("/choices/experts", "", owner, {"project": scene.expert.key}),
        ("/choices/runs", "", owner, {"run": run, "judge": "people:五维盲评"}),
        ("/choices/file", "", owner, {"most": 10, "seed": 0}),
        ("/choices/{key}", str(choice), adjudicator, {"action": "save", "difficulty": "", "category": "", "reason": ""}),
        ("/people/invitations", "", owner, {"role": "annotator", "days": 7, "project": 0, "note": ""}),
        ("/people/invitations/{key}/withdraw", str(invited.key), owner, {}),
        ("/people/{key}/role", str(other), owner, {"role": "annotator"}),
        ("/people/{key}/close", str(other), owner, {}),
        ("/people/{key}/reopen", str(other), owner, {}),
        ("/people/{key}/reset", str(other), owner, {}),
        ("/people/{key}/export", str(other), owner, {}),
        ("/people/{key}/delete", str(other), owner, {"extent": "keep", "word": "x"}),
    ]  # fmt: skip
    return {
        path: HostileForm(path=_filled(path, keys.split()), fields=fields, who=who)
        for path, keys, who, fields in made
    }


def _filled(path: str, keys: list[str]) -> str:
    for key in [*keys, *["1"] * path.count("{")]:
        before, brace, after = path.partition("{")
        path = before + key + after.partition("}")[2] if brace else path
    return path


def paths(site: Site, people: Mapping[str, Account | None]) -> Tried:
    """Every part of every path, as everybody."""
    tried = Tried("paths")
    values = [*(one.encode() for one in NUMBERS), *TEXTS]
    for name, who in people.items():
        client = browser_of(site, who)
        for method, path in routes(site):
            parts = re.findall(r"\{[^}]*\}", path)
            for part in parts if method in ("GET", "POST") else ():
                for value in values:
                    address = _filled(path.replace(part, quote_from_bytes(value, safe="")), [])
                    sent = f"csrf={client.csrf}".encode() if method == "POST" else None
                    answer = client.request(method, address, sent, _headers(client))
                    exact = name == "owner" and part in _KEYS
                    fits = (400, 404) if exact else (303, 400, 401, 403, 404)
                    tried.hold(refused(answer, *fits), (name, method, path, value[:30], answer.status))
        client.close()
    return tried


def queries(site: Site, scene: Scene, people: Mapping[str, Account | None]) -> Tried:
    """Every word that any page reads, at every page, as everybody; an unreadable one is refused everywhere."""
    tried = Tried("queries")
    keys = {"/runs": str(Runs(site.database).all()[0].id)}
    for name, who in people.items():
        client = browser_of(site, who)
        for method, path in routes(site):
            if method != "GET" or path.startswith("/static"):
                continue
            address = _filled(
                path, [next((keys[one] for one in keys if path.startswith(one + "/")), str(scene.flames.key))]
            )
            for word in WORDS:
                for value in TEXTS if who is None else TEXTS[1:3]:
                    answer = client.request("GET", f"{address}?{word}={quote_from_bytes(value, safe='')}")
                    tried.hold(refused(answer, 400), (name, path, word, value, answer.status))
            for word in WORDS[:5]:
                for number in NUMBERS if name == "owner" else NUMBERS[::4]:
                    answer = client.request("GET", f"{address}?{urlencode({word: number})}")
                    exact = name == "owner" and (path, word) in READ and "api" not in path
                    held = refused(answer, 400) if exact else answer.status < 500
                    tried.hold(held, (name, path, word, number[:30], answer.status))
        client.close()
    return tried


def fields(site: Site, scene: Scene, people: Mapping[str, Account | None]) -> Tried:
    """Every field of every form: a hostile number in each that is a number, a hostile text in each and as its name."""
    tried = Tried("fields")
    for form in forms(scene).values():
        owner = browser_of(site, form.who)
        for name, value in form.fields.items():
            for number in NUMBERS if isinstance(value, int) else ():
                answer = _posted(owner, form, {**_plain(form), name.encode(): number.encode()})
                tried.hold(
                    refused(answer, 400), (form.path, name, number[:30], answer.status, answer.text[-300:])
                )
        owner.close()
        for who in people.values():
            client = browser_of(site, who)
            for name, text in [(one, text) for one in (*form.fields, "more") for text in TEXTS[:3]]:
                for whole in ({**_plain(form), name.encode(): text}, {**_plain(form), text: b"x"}):
                    for parts in (False, True):
                        answer = _posted(client, form, whole, parts=parts)
                        may = who == form.who or form.who is None
                        fits = (400, 404) if may else (400, 401, 403, 404)
                        tried.hold(refused(answer, *fits), (form.path, name, text, parts, answer.status))
            client.close()
    return tried


def bodies(site: Site, scene: Scene) -> Tried:
    """Every number of what a page's script sends, and JSON that is a bomb."""
    tried = Tried("JSON")
    person = scene.annotators[1]
    assignment = Assignments(site.database).take(scene.flames, person.key)
    assert assignment is not None
    client = browser_of(site, person)
    plain = {
        "token": secrets.token_hex(16),
        "skip": "需要专业知识",
        "levels": {},
        "seconds": 1,
        "base_version": 0,
    }
    address = f"/api/assignments/{assignment.key}"
    wrong = (
        "9223372036854775808",
        "9" * 5000,
        "-1",
        '"--5"',
        '"٣"',
        "1e400",
        "-1e400",
        "NaN",
        "1.5",
        "true",
        "null",
        "[]",
        "{}",
    )
    for name in ("base_version", "points", "seconds", "best", "spans"):
        for value in wrong:
            if (name, value) in (
                ("points", "null"),
                ("seconds", "9223372036854775808"),
                ("seconds", "-1"),
                ("seconds", "1.5"),
                ("best", "[]"),
                ("spans", "[]"),
            ):
                continue
            item = (
                f'[{{"place": 0, "turn": 1, "start": 0, "end": {value}}}]'
                if name == "spans" and value != "[]"
                else value
            )
            tried.hold(
                _sent(client, address, plain, name, f"[{value}]" if name == "best" else item),
                (name, value[:30]),
            )
    bombs = [
        "[" * 200_000,
        '{"a":' * 50_000,
        '"' + "x" * 300_000 + '"',
        "{" + '"a":1,' * 30_000 + '"a":1}',
        "",
        "\0",
        "\ud800",
    ]
    for bomb in bombs:
        for path in (address, f"{address}/keep", "/api/attacks/1/turns", "/api/attacks/1/stop"):
            answer = client.request(
                "POST", path, bomb.encode("utf-8", "surrogatepass"),
                _headers(client, "application/json"),
            )  # fmt: skip
            fits = answer.status < 500 if bomb.startswith('{"a":1') else refused(answer, 400, 404, 413)
            tried.hold(fits, (path, bomb[:20], answer.status))
    client.close()
    return tried


def _sent(client: Client, path: str, plain: Mapping[str, object], name: str, value: str) -> bool:
    body = json.dumps({**plain, name: "HERE"}).replace('"HERE"', value)
    return refused(client.request("POST", path, body.encode(), _headers(client, "application/json")), 400)


def _headers(client: Client, kind: str = "application/x-www-form-urlencoded") -> dict[str, str]:
    return {"Content-Type": kind, "X-CSRF-Token": client.csrf, "Origin": client.base_url}


def _plain(form: HostileForm) -> dict[bytes, bytes]:
    return {name.encode(): str(value).encode() for name, value in form.fields.items()}


def _posted(
    client: Client, form: HostileForm, values: Mapping[bytes, bytes], *, parts: bool = False
) -> SiteAnswer:
    """A form as bytes, by either of the two ways that a browser sends one."""
    whole = {b"csrf": client.csrf.encode(), **values}
    if parts:
        kind, body = "multipart/form-data; boundary=edge; charset=utf-7", b"".join(_parts(whole))
    else:
        pairs = (f"{quote_from_bytes(name)}={quote_from_bytes(value)}" for name, value in whole.items())
        kind, body = "application/x-www-form-urlencoded", "&".join(pairs).encode()
    return client.request("POST", form.path, body, _headers(client, kind))


def _parts(values: Mapping[bytes, bytes]) -> Iterator[bytes]:
    for name, value in values.items():
        yield b'--edge\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"
    yield b"--edge--\r\n"
