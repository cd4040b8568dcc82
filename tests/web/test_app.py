"""What every answer carries, the language switch, and errors in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from liangxin.web.app import HEADERS
from liangxin.web.site import Site
from testbench.site import Client


def test_the_home_page_greets_in_chinese_and_in_english(client: Client) -> None:
    chinese = client.get("/")
    assert chinese.status == 200
    assert '<html lang="zh-CN">' in chinese.text
    english = client.get("/language/en?back=/")
    assert '<html lang="en">' in english.text
    assert "Welcome" in english.text
    assert "你好" in client.get("/language/zh?back=/").text


def test_the_switch_leads_back_on_this_site_only(client: Client) -> None:
    assert client.get("/language/en?back=//evil.example/", follow=False).headers["location"] == "/"
    assert client.get("/language/en?back=https://evil.example/", follow=False).headers["location"] == "/"


def test_every_answer_carries_the_headers(client: Client) -> None:
    for path in ("/", "/nothing-here", "/static/site.css", "/static/none.css"):
        answer = client.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name.lower()] == value, (path, name)
    assert client.get("/").headers["cache-control"] == "no-store"
    assert "immutable" in client.get("/static/site.css?v=1").headers["cache-control"]
    assert client.get("/static/site.js").headers["cache-control"] == "no-cache"


def test_an_unknown_page_says_so(client: Client) -> None:
    answer = client.get("/nothing-here")
    assert answer.status == 404
    assert "没有这一页" in answer.text
    assert client.get("/api/nothing-here").json()["error"]["en"].startswith("There is no such page")


def test_another_host_is_not_answered(site: Site, serving: Callable[[Site], Client]) -> None:
    """A page elsewhere whose name was turned to 127.0.0.1 must not read the site."""
    client = serving(replace(site, hosts=frozenset({site.base_url.removeprefix("http://")})))
    assert client.get("/").status == 200
    answer = client.request("GET", "/", headers={"Host": "evil.example"})
    assert (answer.status, answer.headers["content-type"]) == (421, "text/plain; charset=utf-8")
    assert (
        answer.text
        == f"这个站点不在这个地址上。请打开 {site.base_url}\nThis site is not at this address. Open {site.base_url}\n"
    )
    script = client.request("GET", "/api/x", headers={"Host": "evil.example"})
    assert (script.status, script.json()["error"]["zh"][:4]) == (421, "这个站点")


def test_nobody_signed_in_is_led_to_the_sign_in_page(
    team_site: Site, serving: Callable[[Site], Client]
) -> None:
    client = serving(team_site)
    answer = client.get("/?a=1", follow=False)
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=%2F%3Fa%3D1")
    assert client.get("/api/nothing", follow=False).status == 404
