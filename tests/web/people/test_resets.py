"""A new password over HTTP: made by an owner, used once, refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from liangxin.people.accounts import Account, Accounts
from liangxin.web.site import Site
from testbench.site import Client

OLD, NEW = "correct horse battery", "staple of another kind"


@pytest.fixture
def person(team_site: Site) -> Account:
    return Accounts(team_site.database).create("王芳", OLD, "annotator")


@pytest.fixture
def guest(owner: Client) -> Iterator[Client]:
    made = Client(owner.base_url)
    yield made
    made.close()


def link(owner: Client, person: Account) -> str:
    """A fresh link's path, from the owner's page."""
    owner.get("/people")
    page = owner.post(f"/people/{person.key}/reset", {}).text
    found = re.search(rf"{re.escape(owner.base_url)}(/reset/[\w-]+)", page)
    assert found
    return found[1]


def test_a_person_who_forgot_gets_in_again(owner: Client, guest: Client, person: Account) -> None:
    path = link(owner, person)
    assert path not in owner.get("/people").text
    assert "发出重设密码的链接" in owner.get("/people").text
    page = guest.get(path)
    assert "王芳" in page.text
    answer = guest.post(path, {"password": NEW, "again": NEW + "!"})
    assert answer.status == 400
    assert "两次输入的密码不一样" in answer.text
    guest.post(path, {"password": NEW, "again": NEW})
    assert "王芳" in guest.get("/account").text
    answer = guest.get(path)
    assert answer.status == 404
    assert "请向负责人要一个新的" in answer.text


def test_a_forged_form_changes_nothing(owner: Client, guest: Client, person: Account) -> None:
    path = link(owner, person)
    guest.get(path)
    assert guest.post(path, {"password": NEW, "again": NEW, "csrf": "forged"}).status == 403
    assert guest.get(path).status == 200
    assert guest.sign_in("王芳", OLD).status == 200


def test_only_an_owner_makes_links(owner: Client, guest: Client, person: Account, team_site: Site) -> None:
    guest.sign_in("王芳", OLD)
    guest.get("/account")
    (first, *_) = [one for one in Accounts(team_site.database).all() if one.role == "owner"]
    assert guest.post(f"/people/{first.key}/reset", {}).status == 403


def test_a_closed_account_is_not_reset(owner: Client, person: Account) -> None:
    owner.get("/people")
    owner.post(f"/people/{person.key}/close", {})
    answer = owner.post(f"/people/{person.key}/reset", {})
    assert answer.status == 409
    assert "已关闭或没有密码" in answer.text
