"""The owner's page: invitations, roles, closing, data at a person's request, the log."""

from __future__ import annotations

import re

import pytest

from liangxin.people import audit
from liangxin.people.accounts import Account, Accounts
from liangxin.people.sessions import Sessions
from liangxin.web.site import Site
from testbench.site import Client

PASSWORD = "correct horse battery"


@pytest.fixture
def person(team_site: Site) -> Account:
    return Accounts(team_site.database).create("王芳", PASSWORD, "annotator")


def test_an_invitation_is_made_shown_once_used_and_withdrawn(owner: Client, team_site: Site) -> None:
    owner.get("/people")
    page = owner.post("/people/invitations", {"role": "adjudicator", "days": "3", "note": "给<b>王芳"}).text
    found = re.search(rf"{re.escape(team_site.base_url)}(/invite/[\w-]+)", page)
    assert found
    assert found[1] not in owner.get("/people").text
    assert "给&lt;b&gt;王芳" in page
    guest = Client(team_site.base_url)
    guest.get(found[1])
    guest.post(found[1], {"name": "王芳", "password": PASSWORD, "again": PASSWORD})
    assert guest.get("/people").status == 403
    guest.close()
    owner.get("/people")
    owner.post("/people/invitations", {"role": "annotator"})
    assert "已撤回" in owner.post("/people/invitations/2/withdraw", {}).text


def test_roles_and_closing_count_at_once(owner: Client, team_site: Site, person: Account) -> None:
    guest = Client(team_site.base_url)
    guest.cookies[team_site.cookie] = Sessions(team_site.database).open(person.key).token
    assert guest.get("/people").status == 403
    owner.get("/people")
    owner.post(f"/people/{person.key}/role", {"role": "owner"})
    assert guest.get("/people").status == 200
    owner.post(f"/people/{person.key}/role", {"role": "annotator"})
    assert guest.get("/people").status == 403
    owner.get("/people")
    owner.post(f"/people/{person.key}/close", {})
    assert guest.get("/", follow=False).status == 303
    assert "重新开放" in owner.get("/people").text
    owner.post(f"/people/{person.key}/reopen", {})
    assert guest.get("/", follow=False).status == 303, "the session ended for good"
    guest.close()


def test_the_last_owner_cannot_go(owner: Client, team_site: Site) -> None:
    key = Accounts(team_site.database).all()[0].key
    owner.get("/people")
    for path, fields in (("role", {"role": "annotator"}), ("close", {})):
        answer = owner.post(f"/people/{key}/{path}", fields)
        assert (answer.status, "最后一位负责人" in answer.text) == (409, True)


def test_a_persons_data_is_given_and_deleted_at_their_request(
    owner: Client, team_site: Site, person: Account
) -> None:
    owner.get("/people")
    assert owner.post(f"/people/{person.key}/export", {}).json()["account"]["name"] == "王芳"
    assert owner.get(f"/people/{person.key}/delete").status == 200
    assert owner.post(f"/people/{person.key}/delete", {"extent": "keep", "word": ""}).status == 400
    assert "王芳" in owner.get("/people").text
    assert "王芳" not in owner.post(f"/people/{person.key}/delete", {"extent": "keep", "word": "DELETE"}).text
    assert owner.get("/people/999/delete").status == 404


def test_the_log_is_filtered_and_paged(owner: Client, team_site: Site, person: Account) -> None:
    with team_site.database.write() as connection:
        for number in range(120):
            audit.note(connection, person.key, "attacks exported", number=number)
    first = owner.get("/people?action=attacks+exported").text
    assert "1 / 3" in first
    assert "导出红队题目" in first
    last = owner.get("/people?action=attacks+exported&number=3").text
    assert "3 / 3" in last
    assert "没有符合条件的记录" in owner.get(f"/people?action=signed+in&person={person.key}").text


def test_one_user_invites_nobody(client: Client) -> None:
    assert "--team" in client.get("/people").text
    assert client.post("/people/invitations", {"role": "annotator"}).status == 400
