"""Sign-in, invitation and account pages, as a browser goes through them."""

from __future__ import annotations

from collections.abc import Callable

from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.people.accounts import Accounts
from liangxin.people.invitations import InvitationRequest, Invitations
from liangxin.people.logins import MOST_HERE
from liangxin.records import Item, Reply
from liangxin.web.site import Site
from testbench.desk import Desk, stored_run
from testbench.site import Client

PASSWORD = "correct horse battery"
Serving = Callable[[Site], Client]


def joined(site: Site, client: Client, name: str = "王芳") -> str:
    """Accept an invitation; gives the link's path."""
    path = f"/invite/{Invitations(site.database).make(InvitationRequest(role='annotator'), None)[1]}"
    assert "你被邀请了" in client.get(path).text
    answer = client.post(path, {"name": name, "password": PASSWORD, "again": PASSWORD})
    assert (answer.status, name in answer.text) == (200, True)
    return path


def test_an_invitation_signs_in_and_works_once(team_site: Site, serving: Serving) -> None:
    client = serving(team_site)
    path = joined(team_site, client)
    answer = client.get(path)
    assert (answer.status, "已经用过了" in answer.text) == (404, True)
    client.get("/language/en?back=/")
    assert "has been used" in client.get(path).text


def test_who_is_invited_to_a_project_lands_in_it(team_site: Site, serving: Serving) -> None:
    flames = open_benchmark("flames")
    item = Item(id="f0", turns=("一问",), category=("Fairness", "Toxic language"))
    stored_run(team_site.database, flames, [item], lambda _item, _turn: Reply(text="一答"), "甲-7B")
    desk = Desk.at(team_site.database, ProjectSpec(name="盲评", runs=("甲-7B",)), people=0)
    client = serving(team_site)
    for role, title in (("annotator", "盲评"), ("adjudicator", "盲评")):
        wanted = InvitationRequest(role=role, project=desk.project.key)  # type: ignore[arg-type]
        path = f"/invite/{Invitations(team_site.database).make(wanted, None)[1]}"
        client.get(path)
        answer = client.post(path, {"name": role, "password": PASSWORD, "again": PASSWORD}, follow=False)
        assert answer.headers["location"] == f"/projects/{desk.project.key}"
        answer = client.get(answer.headers["location"], follow=False)
        assert answer.headers["location"] == f"/projects/{desk.project.key}/annotate"
        assert title in client.get(answer.headers["location"]).text


def test_what_is_wrong_with_an_invitation_form_is_said_beside_it(team_site: Site, serving: Serving) -> None:
    client = serving(team_site)
    path = f"/invite/{Invitations(team_site.database).make(InvitationRequest(role='annotator'), None)[1]}"
    client.get(path)
    for fields, sentence in (
        ({"name": "甲", "password": PASSWORD, "again": "other"}, "不一样"),
        ({"name": "甲", "password": "short", "again": "short"}, "至少 10 个字符"),
        ({"name": "<script>alert(1)</script>", "password": PASSWORD, "again": PASSWORD}, "名字只能有"),
    ):
        answer = client.post(path, fields)
        assert answer.status == 400
        assert sentence in answer.text
        assert "<script>alert" not in answer.text
    assert Accounts(team_site.database).all() == []


def test_signing_in_leads_on_and_a_failure_says_so(team_site: Site, serving: Serving) -> None:
    client = serving(team_site)
    joined(team_site, client)
    client.get("/account")
    client.post("/logout", {})
    assert client.get("/account", follow=False).headers["location"] == "/login?next=%2Faccount"
    client.get("/login?next=/account")
    answer = client.post("/login", {"name": "王芳", "password": "wrong", "next": "/account"})
    assert (answer.status, "名字或密码不对" in answer.text) == (403, True)
    answer = client.post("/login", {"name": "王芳", "password": PASSWORD, "next": "/account"}, follow=False)
    assert (answer.status, answer.headers["location"]) == (303, "/account")
    for evil in ("//evil.example", "https://evil.example", "/\\evil.example"):
        client.cookies.pop(team_site.cookie, None)
        client.get("/login")
        answer = client.post("/login", {"name": "王芳", "password": PASSWORD, "next": evil}, follow=False)
        assert answer.headers["location"] in ("/", "/%5Cevil.example")


def test_too_many_tries_are_told_to_wait(team_site: Site, serving: Serving) -> None:
    client = serving(team_site)
    client.get("/login")
    for _ in range(MOST_HERE):
        client.post("/login", {"name": "王芳", "password": "wrong"})
    answer = client.post("/login", {"name": "王芳", "password": "wrong"})
    assert (answer.status, "请过 15 分钟再登录" in answer.text) == (429, True)


def test_a_password_is_changed_and_other_browsers_go(team_site: Site, serving: Serving) -> None:
    client = serving(team_site)
    joined(team_site, client)
    other = Client(team_site.base_url)
    other.sign_in("王芳", PASSWORD)
    client.get("/account")
    new = "another good password"
    answer = client.post("/account/password", {"old": "wrong", "new": new, "again": new})
    assert (answer.status, "密码不对" in answer.text) == (403, True)
    assert other.get("/account", follow=False).status == 200
    assert "密码已修改" in client.post("/account/password", {"old": PASSWORD, "new": new, "again": new}).text
    assert other.get("/account", follow=False).status == 303
    client.post("/account/everywhere", {})
    assert client.get("/account", follow=False).status == 303
    other.sign_in("王芳", new)
    other.close()


def test_ones_own_data_is_a_file_and_deletion_wants_the_password(team_site: Site, serving: Serving) -> None:
    client = serving(team_site)
    joined(team_site, client)
    client.get("/account")
    answer = client.post("/account/export", {})
    assert answer.json()["account"]["name"] == "王芳"
    assert answer.headers["content-disposition"].startswith("attachment")
    refused = client.post("/account/delete", {"extent": "erase", "password": "wrong"})
    assert (refused.status, "密码不对" in refused.text) == (403, True)
    assert "账号已删除" in client.post("/account/delete", {"extent": "erase", "password": PASSWORD}).text
    assert client.get("/account", follow=False).status == 303
    assert Accounts(team_site.database).by_name("王芳") is None


def test_one_user_has_no_password_and_deletes_by_a_word(client: Client, site: Site) -> None:
    assert "没有密码" in client.get("/account").text
    fields = {"old": "", "new": PASSWORD, "again": PASSWORD}
    assert client.post("/account/password", fields).status == 400
    assert client.post("/account/delete", {"extent": "keep", "word": "no"}).status == 400
    first = Accounts(site.database).local_user().key
    assert "账号已删除" in client.post("/account/delete", {"extent": "keep", "word": "删除"}).text
    assert Accounts(site.database).local_user().key != first
