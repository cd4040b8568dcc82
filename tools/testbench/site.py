"""The site on a real port of this machine, and a client that behaves as a browser does with cookies and forms."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvicorn

from liangxin.web.app import create_app
from liangxin.web.connections import server_options
from liangxin.web.site import Site

_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]*)">|name="csrf" value="([^"]*)"')


def free_port() -> int:
    """A port of loopback that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(site: Site) -> Iterator[str]:
    """Serve the site at its own address (http://127.0.0.1:PORT) until the context ends."""
    port = urlsplit(site.base_url).port
    options = server_options(create_app(site), site.limits)
    config = uvicorn.Config(**options, host="127.0.0.1", port=port or 80, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.01)
    if not server.started:
        raise RuntimeError(f"the site did not start at {site.base_url}")
    try:
        yield site.base_url
    finally:
        server.should_exit = True
        thread.join(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAnswer:
    """One answer of the site."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)


@dataclass
class Client:
    """One browser's worth of cookies; reads the CSRF token of the last page by itself."""

    base_url: str
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    connection: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> SiteAnswer:
        """One request as it is; cookies are kept."""
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        place = urlsplit(self.base_url)
        if self.connection is None:
            self.connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        try:
            self.connection.request(method, path, body, sent)
            got = self.connection.getresponse()
        except (http.client.HTTPException, ConnectionError):
            # The server closed a connection that was kept; a fresh one tells whether it is there.
            self.connection.close()
            self.connection.request(method, path, body, sent)
            got = self.connection.getresponse()
        answer = SiteAnswer(status=got.status, headers=dict(got.getheaders()), content=got.read())
        for line in got.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        if "text/html" in answer.headers.get("content-type", "") and (found := _TOKEN.search(answer.text)):
            self.csrf = found[1] or found[2] or ""
        return answer

    def get(self, path: str, *, follow: bool = True) -> SiteAnswer:
        """A page; redirects are followed unless told otherwise."""
        answer = self.request("GET", path)
        return self._followed(answer) if follow else answer

    def post(
        self,
        path: str,
        fields: Mapping[str, str | list[str]] | None = None,
        *,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        follow: bool = True,
    ) -> SiteAnswer:
        """A form with the CSRF token of the last page."""
        values = {"csrf": self.csrf, **(fields or {})}
        if files:
            kind, body = _multipart(values, files)
        else:
            kind, body = "application/x-www-form-urlencoded", urlencode(values, doseq=True).encode()
        answer = self.request("POST", path, body, {"Content-Type": kind, "Origin": self.base_url})
        return self._followed(answer) if follow else answer

    def post_json(self, path: str, body: object) -> SiteAnswer:
        """A call as a page's script makes it."""
        headers = {
            "Content-Type": "application/json",
            "X-CSRF-Token": self.csrf,
            "Origin": self.base_url,
        }
        return self.request("POST", path, json.dumps(body, ensure_ascii=False).encode(), headers)

    def sign_in(self, name: str, password: str) -> SiteAnswer:
        """Sign in through the sign-in page."""
        self.get("/login")
        answer = self.post("/login", {"name": name, "password": password})
        assert answer.status == 200, answer.text[:2000]
        return answer

    def close(self) -> None:
        """Give the connection back."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _followed(self, answer: SiteAnswer) -> SiteAnswer:
        for _ in range(5):
            if answer.status not in (302, 303):
                break
            answer = self.request("GET", answer.headers["location"].split("#")[0])
        return answer


def _multipart(
    values: Mapping[str, str | list[str]], files: Mapping[str, tuple[str, bytes]]
) -> tuple[str, bytes]:
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in values.items():
        for one in [value] if isinstance(value, str) else value:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            parts.append(head.encode() + one.encode() + b"\r\n")
    for name, (filename, content) in files.items():
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        parts.append(head.encode() + content + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join([*parts, f"--{boundary}--\r\n".encode()])
