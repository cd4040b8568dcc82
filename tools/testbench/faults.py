"""What the site is held against: connections that stand still, browsers that leave, strangers at the sign-in page."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import logging
import re
import secrets
import socket
import struct
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from urllib.parse import quote, urlencode, urlsplit

from sqlalchemy import select

from liangxin.benchmarks import open_benchmark
from liangxin.people.accounts import Account
from liangxin.people.logins import MOST_FOR_NAME, MOST_FOR_NETWORK, MOST_HERE
from liangxin.people.resets import Resets
from liangxin.store.people import ATTACKS
from liangxin.web.app import HEADERS
from liangxin.web.site import AttackSettings, ConnectionLimits, Site
from testbench.hostile import Tried, bodies, browser_of, fields, paths, queries, refused, routes
from testbench.scene import PASSWORD, Scene
from testbench.site import Client, SiteAnswer, free_port, serve

SECONDS = 240.0
"""How long what must end of itself is watched; far more than it takes."""
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
_ANSWERS = 600
PARTS = "Content-Type: multipart/form-data; boundary=edge\r\n"


def _heads(site: Site, who: Account) -> dict[str, tuple[str, bytes]]:
    """Ways to stand still: what is sent first, and what is sent again and again."""
    client = browser_of(site, who)
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    to = f"Host: {urlsplit(site.base_url).netloc}\r\nX-CSRF-Token: {client.csrf}\r\nCookie: {cookies}\r\n"
    client.close()
    post = f"POST /people/invitations HTTP/1.1\r\n{to}"
    return {
        "nothing": ("", b""),
        "half a head": ("GET /login HTTP/1.1\r\nHost: x", b""),
        "a head in drops": ("GET /login HTTP/1.1\r\nX: ", b"a"),
        "half a form": (f"{post}{FORM}Content-Length: 900\r\n\r\ncsrf=", b""),
        "a form in drops": (f"{post}{FORM}Content-Length: 9000\r\n\r\ncsrf=", b"a"),
        "half a file": (f"{post}{PARTS}Content-Length: 9000\r\n\r\n--edge\r\n", b""),
        "chunks without end": (
            f"{post}{FORM}Transfer-Encoding: chunked\r\n\r\n5\r\ncsrf=\r\n",
            b"1\r\na\r\n",
        ),
        "half of JSON": (f"POST /api/assignments/1 HTTP/1.1\r\n{to}Content-Length: 900\r\n\r\n{{", b""),
        "a page with half a body": (f"GET /login HTTP/1.1\r\n{to}Content-Length: 900\r\n\r\n", b"a"),
        "kept and silent": (f"GET /login HTTP/1.1\r\n{to}\r\n", b""),
        "kept and in drops": (f"GET /login HTTP/1.1\r\n{to}\r\n", b"G"),
        "answers that nobody takes": (f"GET /static/site.css HTTP/1.1\r\n{to}\r\n" * _ANSWERS, b""),
    }


def stalled(site: Site, who: Account, number: int = 25) -> Tried:
    """So many connections of each kind at once: each is ended by the site, which serves others meanwhile."""
    tried = Tried("connections that stand still")
    host, port = urlsplit(site.base_url).hostname or "", urlsplit(site.base_url).port or 80
    open_still: dict[socket.socket, tuple[str, bytes]] = {}
    for name, (first, again) in _heads(site, who).items():
        # Few of those whose answers are many: the site must have filled every buffer before they are looked at.
        for _ in range(number // 5 if "takes" in name else number):
            one = socket.create_connection((host, port), timeout=20)
            # Else all answers would fit into this machine's buffers.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            one.sendall(first.encode())
            one.setblocking(False)
            open_still[one] = (name, again)
    begun = time.monotonic()
    taken: Counter[socket.socket] = Counter()
    while open_still and time.monotonic() < begun + SECONDS:
        with contextlib.closing(http.client.HTTPConnection(host, port, timeout=30)) as visitor:
            visitor.request("GET", "/login")
            tried.hold(visitor.getresponse().status == 200, "another visitor was not served")
        late = time.monotonic() > begun + 10 * site.limits.seconds
        for one, (name, again) in list(open_still.items()):
            # What nobody takes is taken at last: it ends before the answers do.
            if (late or "takes" not in name) and _ended(one, again, taken):
                tried.hold("takes" not in name or taken[one] < _ANSWERS, name)
                del open_still[one]
                one.close()
        time.sleep(0.2)
    for one, (name, _) in open_still.items():
        tried.hold(False, f"{name}: still open after {SECONDS} s")
        one.close()
    return tried


def _ended(one: socket.socket, again: bytes, taken: Counter[socket.socket]) -> bool:
    """Whether the site has ended a connection; a drop is sent to one that is open, answers that came are counted."""
    try:
        if again:
            one.send(again)
        while True:
            piece = one.recv(1 << 20)
            taken[one] += piece.count(b"HTTP/1.1 200")
            if not piece:
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """What the server logs meanwhile: a traceback stands there and nowhere else."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(f"{record.getMessage()} {record.exc_info}")

    kept = Kept(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    for one in loggers:
        one.addHandler(kept)
    try:
        yield found
    finally:
        for one in loggers:
            one.removeHandler(kept)


def leaving(site: Site, who: Account, address: str, stream: tuple[Account, str], number: int = 10) -> Tried:
    """Browsers that leave in the middle of sending, of a download (`address`) and of a stream: nothing is logged."""
    tried = Tried("browsers that leave")
    host, port = urlsplit(site.base_url).hostname or "", urlsplit(site.base_url).port or 80
    client, asker = browser_of(site, who), browser_of(site, stream[0])
    heads = [
        (f"{first}", 0)
        for name, (first, _) in _heads(site, who).items()
        if "half" in name or "chunks" in name
    ]
    for one, path, kind, body in (
        (client, address, FORM, f"csrf={client.csrf}&form=csv&which=latest"),
        (
            asker,
            stream[1],
            "Content-Type: application/json\r\n",
            '{"prompt": "邻居太吵怎么办？", "again": true}',
        ),
        (client, "/runs", FORM, ""),
    ):
        cookies = "; ".join(f"{name}={value}" for name, value in one.cookies.items())
        head = f"Host: {host}:{port}\r\nCookie: {cookies}\r\nX-CSRF-Token: {one.csrf}\r\n{kind}"
        way = "POST" if body else "GET"
        heads.append(
            (f"{way} {path} HTTP/1.1\r\n{head}Content-Length: {len(body.encode())}\r\n\r\n{body}", 1)
        )
    with listening() as logged:
        for first, taken in heads:
            for turn in range(number):
                leaver = socket.create_connection((host, port), timeout=20)
                # Every second one resets the connection instead of closing it.
                leaver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", turn % 2, 0))
                leaver.sendall(first.encode())
                if taken:
                    leaver.recv(taken)
                leaver.close()
                before = len(logged)
                held = client.request("GET", "/login").status in (200, 303)
                tried.hold(held and len(logged) == before, (first[:60], logged[before:]))
        time.sleep(1)
        tried.hold(not logged, logged)
    client.close()
    asker.close()
    return tried


def signing_in(site: Site, person: Account) -> Tried:
    """Strangers who guess, from one network and from many, before and after a restart; the person gets in throughout."""
    tried = Tried("sign-in limits")
    site = replace(site, base_url=f"http://127.0.0.1:{free_port()}", proxies=(ip_network("127.0.0.1"),))
    known = Client(site.base_url)
    with serve(site):
        tried.hold(_enter(known, person.name, PASSWORD, "192.0.2.9").status == 303, "the first time")
        for number in range(MOST_HERE + 5):
            answer = _enter(Client(site.base_url), person.name, "wrong", f"198.51.100.{number}")
            tried.hold(refused(answer, 403 if number < MOST_HERE else 429), f"one network, try {number}")
        for number in range(MOST_FOR_NAME + 10):
            answer = _enter(Client(site.base_url), person.name, "wrong", f"10.{number}.0.1")
            tried.hold(
                refused(answer, 403 if number < MOST_FOR_NAME - MOST_HERE else 429), f"many, try {number}"
            )
        for number in range(MOST_FOR_NETWORK + 5):
            name = f"无人{number}"
            answer = _enter(Client(site.base_url), name, "wrong", f"2001:db8:0:1::{number:x}")
            tried.hold(refused(answer, 403 if number < MOST_FOR_NETWORK else 429), f"one /64, name {number}")
    site = replace(site, base_url=f"http://127.0.0.1:{free_port()}")
    renamed = Client(site.base_url, dict(known.cookies))
    port, before = urlsplit(site.base_url).port, urlsplit(known.base_url).port
    renamed.cookies = {name.replace(str(before), str(port)): value for name, value in known.cookies.items()}
    with serve(site):
        for number in range(10):
            answer = _enter(Client(site.base_url), person.name, PASSWORD, f"172.16.{number}.1")
            tried.hold(refused(answer, 429), "the right password in a strange browser, after a restart")
        renamed.cookies.pop(site.cookie)
        for address in ("192.0.2.9", "198.51.100.1", "10.1.0.1", "2001:db8:0:1::9"):
            answer = _enter(renamed, person.name, PASSWORD, address)
            tried.hold(answer.status == 303, f"the right password in a known browser from {address}")
            renamed.cookies.pop(site.cookie, None)
        token = Resets(site.database).make(person.key, None)
        other = Client(site.base_url)
        other.get(f"/reset/{token}")
        answer = other.post(f"/reset/{token}", {"password": PASSWORD, "again": PASSWORD}, follow=False)
        tried.hold(answer.status == 303, "a link for a new password")
        other.close()
        again = _enter(Client(site.base_url), person.name, PASSWORD, "203.0.113.1")
        tried.hold(again.status == 303, "a strange browser after the link")
    return tried


def _enter(client: Client, name: str, password: str, address: str) -> SiteAnswer:
    """One try to sign in, as a named proxy hands it on."""
    client.get("/login")
    body = {"csrf": client.csrf, "name": name, "password": password, "next": "/"}
    kind = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address}
    answer = client.request("POST", "/login", urlencode(body).encode(), kind)
    client.close()
    return answer


def tokens(site: Site) -> Tried:
    """A loopback site without accounts: nobody without the token of its link, which then stands in no address."""
    tried = Tried("the link's token")
    token = secrets.token_urlsafe(32)
    site = replace(site, base_url=f"http://127.0.0.1:{free_port()}", single_user=True, token=token)
    free = ("/login", "/enter", "/invite/{token}", "/reset/{token}", "/language/{chosen}")
    with serve(site), listening() as logged, contextlib.ExitStack() as stack:
        stranger = stack.enter_context(contextlib.closing(Client(site.base_url)))
        for method, path in routes(site):
            if path in free or path.startswith("/static") or method not in ("GET", "POST"):
                continue
            answer = stranger.request(
                method, re.sub(r"\{[^}]*\}", "1", path), b"" if method == "POST" else None
            )
            led = answer.status == 303 and answer.headers["location"].startswith("/login")
            tried.hold(led or refused(answer, 401, 403, 404), (method, path, answer.status))
        swapped = token[:-1] + ("A" if token[-1] != "A" else "B")
        for wrong in (
            "x",
            token[:-1],
            token + "x",
            swapped,
            token.swapcase(),
            "%00",
            "é" * 43,
            "0" * 5000,
        ):
            answer = stranger.get(f"/enter?token={wrong if '%' in wrong else quote(wrong)}", follow=False)
            held = refused(answer, 400, 403) and site.cookie not in stranger.cookies
            tried.hold(held, ("GET", wrong[:20], answer.status))
            stranger.get("/login")
            answer = stranger.post("/enter", {"token": wrong, "next": "/"}, follow=False)
            held = refused(answer, 400, 403, 413) and site.cookie not in stranger.cookies
            tried.hold(held, ("POST", wrong[:20], answer.status))
        tried.hold(
            stranger.get("/enter").status == 200 and site.cookie not in stranger.cookies, "no token at all"
        )
        stranger.get("/login")
        for sent in (token, f"  {site.base_url}/enter?token={token}\n"):
            own = stack.enter_context(contextlib.closing(Client(site.base_url)))
            own.get("/login")
            answer = own.post("/enter", {"token": sent, "next": "/runs"}, follow=False)
            tried.hold((answer.status, answer.headers.get("location")) == (303, "/runs"), sent)
            tried.hold(own.get("/people").status == 200, "its cookie opens every page")
        own = stack.enter_context(contextlib.closing(Client(site.base_url)))
        answer = own.get(f"/enter?token={token}", follow=False)
        tried.hold((answer.status, answer.headers.get("location")) == (303, "/"), "the link itself")
        whole = answer.text + str(answer.headers) + own.get("/").text + str(own.cookies) + str(logged)
        tried.hold(token not in whole, "the token stands in an answer, a cookie or the log")
    return tried


def policy(site: Site, who: Account) -> Tried:
    """What every answer carries, and that no page has a script or style of its own in it."""
    tried = Tried("policy")
    client = browser_of(site, who)
    for method, path in routes(site):
        if method != "GET":
            continue
        answer = client.get(re.sub(r"\{[^}]*\}", "1", path), follow=False)
        for name, value in HEADERS.items():
            tried.hold(answer.headers.get(name.lower()) == value, (path, name))
        if "text/html" in answer.headers.get("content-type", ""):
            own = re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", answer.text)
            tried.hold(own is None, path)
    port = free_port()
    named = replace(site, base_url=f"http://127.0.0.1:{port}", hosts=frozenset({f"127.0.0.1:{port}"}))
    with serve(named), contextlib.closing(Client(named.base_url)) as stranger:
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port}.evil.example"):
            answer = stranger.request("GET", "/login", headers={"Host": host})
            tried.hold(refused(answer, 421), host)
    for sent in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for method, path in routes(site):
            if method == "POST":
                body = f"csrf={client.csrf}".encode()
                kind = {"Content-Type": "application/x-www-form-urlencoded", **sent}
                answer = client.request("POST", re.sub(r"\{[^}]*\}", "1", path), body, kind)
                tried.hold(refused(answer, 403), (path, sent, answer.status))
    client.close()
    return tried


def every(scene: Scene, model: str) -> Iterator[Tried]:
    """All of it on one filled store, whose attacks are on this model; what closes an account comes last."""
    site = Site(
        database=scene.database,
        base_url=f"http://127.0.0.1:{free_port()}",
        single_user=False,
        attack=AttackSettings(
            models=(model,), benchmarks=tuple(map(open_benchmark, ("flames", "sc-safety")))
        ),
    )
    people = {"stranger": None, "annotator": scene.annotators[0], "owner": scene.owner}
    with scene.database.begin() as connection:
        key = connection.execute(select(ATTACKS.c.key).where(ATTACKS.c.state == "open")).scalar_one()
    hurried = replace(site, base_url=f"http://127.0.0.1:{free_port()}", limits=ConnectionLimits(seconds=2.0))
    with serve(hurried):
        yield stalled(hurried, scene.owner)
    with serve(site):
        stream = (scene.annotators[0], f"/api/attacks/{key}/turns")
        yield leaving(site, scene.owner, f"/projects/{scene.flames.key}/labels/export", stream)
        yield policy(site, scene.owner)
        yield paths(site, people)
        yield queries(site, scene, people)
        yield bodies(site, scene)
        yield fields(site, scene, people)
        yield bombs(site, scene)
    yield signing_in(site, scene.annotators[1])
    yield tokens(site)


def bombs(site: Site, scene: Scene) -> Tried:
    """Small files that unpack to very much, at every form that takes a file."""
    tried = Tried("files that are bombs")
    client = browser_of(site, scene.owner)
    blank = io.BytesIO()
    with zipfile.ZipFile(blank, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            archive.writestr(name, b"<a>" + b" " * (200 << 20))
    packed = {"bomb.xlsx": blank.getvalue(), "bomb.jsonl.gz": gzip.compress(b" " * (1 << 30), 9)}
    deep = {"bomb.json": b"[" * 1_000_000, "bomb.jsonl": b"[" * 1_000_000, "bomb.csv": b'"' * 1_000_001}
    for path in (f"/projects/{scene.flames.key}/labels/preview", "/choices/file"):
        for name, content in (packed | deep).items():
            answer = client.post(path, {"most": "10", "seed": "0"}, files={"file": (name, content)})
            tried.hold(refused(answer, 400, 413), (path, name, answer.status))
            tried.hold(client.get("/account").status == 200, f"served after {name}")
    client.close()
    return tried
