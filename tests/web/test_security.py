"""Forged, stale and oversized requests: refused in both languages, and nothing in the store has changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest
from sqlalchemy import select

from liangxin.people.accounts import Accounts
from liangxin.people.invitations import InvitationRequest, Invitations
from liangxin.store import Database
from liangxin.store.people import LOGIN_FAILURES, PEOPLE, SESSIONS
from liangxin.store.schema import METADATA
from liangxin.web.app import HEADERS
from liangxin.web.site import Site
from testbench.hostile import routes, said
from testbench.site import Client

PASSWORD = "correct horse battery"
OPEN_TO_ALL = {"/login", "/enter", "/invite/{token}", "/language/{chosen}"}
Serving = Callable[[Site], Client]


@pytest.fixture
def owner(team_site: Site, serving: Serving) -> Client:
    """The owner of a team's site, signed in."""
    Accounts(team_site.database).create("负责人", PASSWORD, "owner")
    client = serving(team_site)
    client.sign_in("负责人", PASSWORD)
    client.get("/account")
    return client


def dump(database: Database) -> list[str]:
    """Everything in the store, but for sessions' `seen` and failed tries."""
    left_out = (SESSIONS, LOGIN_FAILURES)
    tables = [
        table for table in (*METADATA.tables.values(), *PEOPLE.tables.values()) if table not in left_out
    ]
    with database.begin() as connection:
        return [str(tuple(row)) for table in tables for row in connection.execute(select(table))]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "1", path)


def test_no_page_answers_a_stranger(team_site: Site, serving: Serving) -> None:
    client = serving(team_site)
    before = dump(team_site.database)
    for method, path in routes(team_site):
        if path in OPEN_TO_ALL or path.startswith("/static") or method == "HEAD":
            continue
        answer = client.request(method, filled(path), b"" if method == "POST" else None)
        led = answer.status == 303 and answer.headers["location"].startswith("/login")
        assert led or answer.status in (401, 403, 404, 422), (method, path, answer.status)
        if not led:
            assert said(answer), (method, path, answer.text[:500])
    assert dump(team_site.database) == before


def test_every_answer_carries_the_headers(owner: Client, team_site: Site) -> None:
    for method, path in routes(team_site):
        if method != "GET":
            continue
        answer = owner.get(filled(path), follow=False)
        for name, value in HEADERS.items():
            assert answer.headers.get(name.lower()) == value, (path, name)
        assert answer.headers["cache-control"] == "no-store", path
        if "text/html" in answer.headers.get("content-type", ""):
            assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", answer.text), path


def test_every_form_wants_this_sessions_token(owner: Client, team_site: Site) -> None:
    before = dump(team_site.database)
    right = owner.csrf
    for method, path in routes(team_site):
        if method != "POST" or path in OPEN_TO_ALL:
            continue
        for wrong in ("", "x", right[:-1], right + "x"):
            owner.csrf = wrong
            call = owner.post_json if path.startswith("/api/") else owner.post
            answer = call(filled(path), {})
            assert answer.status in (403, 422), (path, answer.status, answer.text[-400:])
    assert dump(team_site.database) == before
    owner.csrf = right
    assert owner.post("/people/invitations", {"role": "annotator"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_another_sites_page_sends_nothing(owner: Client, team_site: Site, headers: dict[str, str]) -> None:
    before = dump(team_site.database)
    body = f"csrf={owner.csrf}&role=annotator".encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    answer = owner.request("POST", "/people/invitations", body, sent)
    assert answer.status == 403
    assert said(answer)
    assert dump(team_site.database) == before


def test_a_sign_in_form_of_another_browser_is_refused(owner: Client, team_site: Site) -> None:
    stranger = Client(team_site.base_url)
    stranger.get("/login")
    before = dump(team_site.database)
    answer = stranger.post("/login", {"csrf": "x" * 43, "name": "负责人", "password": PASSWORD})
    assert (answer.status, said(answer)) == (403, True)
    stranger.cookies.clear()
    answer = stranger.post("/login", {"csrf": "", "name": "负责人", "password": PASSWORD})
    assert answer.status == 403
    assert dump(team_site.database) == before
    stranger.close()


def test_a_session_that_was_planted_is_worth_nothing(owner: Client, team_site: Site) -> None:
    client = Client(team_site.base_url)
    client.cookies[team_site.cookie] = planted = "p" * 43
    client.sign_in("负责人", PASSWORD)
    first = client.cookies[team_site.cookie]
    assert first != planted
    client.get("/account")
    client.post("/logout", {})
    assert team_site.cookie not in client.cookies
    client.cookies[team_site.cookie] = first
    assert client.get("/account", follow=False).status == 303, "signed out on the server, too"
    client.close()


def test_the_session_cookie_is_out_of_scripts_reach(team_site: Site, serving: Serving) -> None:
    Accounts(team_site.database).create("负责人", PASSWORD, "owner")
    site = replace(team_site, secure=True)
    client = serving(site)
    client.get("/login")
    answer = client.post("/login", {"name": "负责人", "password": PASSWORD}, follow=False)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-liangxin_")
    for flag in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/"):
        assert flag in cookie.split("; ")
    assert "Domain" not in cookie
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert team_site.cookie.endswith(team_site.base_url.rsplit(":", 1)[1])


def test_links_that_are_no_good_say_so(owner: Client, team_site: Site) -> None:
    invitations = Invitations(team_site.database)
    made, withdrawn = invitations.make(InvitationRequest(role="annotator"), None)
    invitations.withdraw(made.key, None)
    for token, sentence in (
        (withdrawn, "已被撤回"),
        ("x", "没有这个邀请"),
        ("%27%20OR%201=1", "没有这个邀请"),
    ):
        answer = owner.get(f"/invite/{token}")
        assert answer.status == 404
        assert sentence in answer.text


def test_a_huge_body_is_refused(owner: Client, team_site: Site) -> None:
    before = dump(team_site.database)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    announced = owner.request("POST", "/people/invitations", b"x", {**kind, "Content-Length": "99999999"})
    assert (announced.status, said(announced)) == (413, True)
    owner.close()
    answer = owner.post("/people/invitations", {"role": "annotator", "note": "长" * 5000})
    assert (answer.status, said(answer)) == (413, True)
    stranger = Client(team_site.base_url)
    stranger.get("/login")
    assert stranger.post("/login", {"name": "x" * 20000, "password": "y"}).status == 413
    stranger.close()
    assert dump(team_site.database) == before


def test_sql_in_a_filter_is_a_word(owner: Client, team_site: Site) -> None:
    before = dump(team_site.database)
    assert owner.get("/people?action=%27%20OR%201%3D1--").status == 200
    for query in ("person=1%20OR%201=1", "number=-1", "number=" + "9" * 30):
        answer = owner.get(f"/people?{query}")
        assert (answer.status, said(answer)) == (400, True)
    assert "没有符合条件的记录" in owner.get("/people?action=%27%20OR%201%3D1--").text
    assert dump(team_site.database) == before


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        (("127.0.0.1/32",), "6.6.6.6, 10.9.8.7", "10.9.8.0/24"),
        (("127.0.0.0/8", "10.9.8.7/32"), "6.6.6.6, 172.16.1.1, 10.9.8.7", "172.16.1.0/24"),
        (("127.0.0.1/32",), "2001:db8:1:2::7", "2001:db8:1:2::/64"),
        (("127.0.0.1/32",), "10.9.8.7, no address", "unknown"),
        (("127.0.0.1/32",), "", "127.0.0.0/24"),
        (("127.0.0.1/32",), "127.0.0.1", "127.0.0.0/24"),
        (("10.9.8.7/32",), "6.6.6.6, 10.9.8.7", "127.0.0.0/24"),
        ((), "6.6.6.6", "127.0.0.0/24"),
    ],
)
def test_a_forwarded_address_counts_from_named_proxies_only(
    team_site: Site, serving: Serving, proxies: tuple[str, ...], forwarded: str, counted: str
) -> None:
    site = replace(team_site, proxies=tuple(map(ip_network, proxies)))
    client = serving(site)
    client.get("/login")
    body = f"csrf={client.csrf}&name=x&password=y".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    client.request("POST", "/login", body, {**kind, "X-Forwarded-For": forwarded})
    with site.database.begin() as connection:
        assert connection.execute(select(LOGIN_FAILURES.c.address)).scalar_one() == counted


def test_what_a_proxy_says_of_the_way_is_never_believed(team_site: Site, serving: Serving) -> None:
    client = serving(replace(team_site, proxies=(ip_network("127.0.0.1/32"),)))
    said_by_it = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "host=evil.example",
    }
    answer = client.request("GET", "/login", headers=said_by_it)
    assert "; Secure" not in answer.headers["set-cookie"]
    assert "strict-transport-security" not in answer.headers
    assert "evil.example" not in answer.text


def test_a_picture_elsewhere_opens_no_session(client: Client, site: Site) -> None:
    stranger = Client(site.base_url)
    answer = stranger.request(
        "GET", "/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    )
    assert "set-cookie" not in answer.headers
    stranger.close()
