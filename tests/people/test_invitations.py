"""Invitations: one token, one account; every refusal says which kind it is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select, update

from liangxin.errors import Conflict, NotThere, PeopleError
from liangxin.people.accounts import Accounts
from liangxin.people.invitations import InvitationRequest, Invitations, first_owner_link
from liangxin.store import Database
from liangxin.store.people import AUDIT, INVITATIONS, MEMBERS, PROJECTS

PASSWORD = "correct horse battery"


@pytest.fixture
def invitations(people_database: Database) -> Invitations:
    return Invitations(people_database)


def test_a_link_makes_an_account_of_its_role_in_its_project(invitations: Invitations) -> None:
    database = invitations.database
    owner = Accounts(database).create("负责人", PASSWORD, "owner")
    with database.write() as connection:
        values = {"name": "p", "kind": "grade", "state": "open", "created": time.time(), "content": "{}"}
        connection.execute(insert(PROJECTS), [values])
        project = connection.execute(select(PROJECTS.c.key)).scalar_one()
    made, token = invitations.make(
        InvitationRequest(role="adjudicator", project=project, note=" 给 王芳 "), owner.key
    )
    assert (made.note, made.state) == ("给 王芳", "open")
    assert invitations.look(token) == made
    account = invitations.accept(token, "王芳", PASSWORD)
    assert (account.name, account.role) == ("王芳", "adjudicator")
    with database.begin() as connection:
        assert connection.execute(select(MEMBERS.c.account)).scalars().all() == [account.key]
        stored = connection.execute(select(INVITATIONS)).one()
        log = connection.execute(select(AUDIT.c.action).order_by(AUDIT.c.key)).scalars().all()
        said = connection.execute(select(AUDIT.c.content)).scalars().all()
    assert token not in str(tuple(stored))
    assert stored.used_by == account.key
    assert log == ["invitation made", "invitation accepted"]
    assert "王芳" not in str(said)


def test_each_refusal_says_what_it_is(invitations: Invitations) -> None:
    with pytest.raises(NotThere, match="no such invitation"):
        invitations.look("nothing")
    used = invitations.make(InvitationRequest(role="annotator"), None)[1]
    invitations.accept(used, "甲", PASSWORD)
    with pytest.raises(NotThere, match="has been used"):
        invitations.accept(used, "乙", PASSWORD)
    made, withdrawn = invitations.make(InvitationRequest(role="annotator"), None)
    invitations.withdraw(made.key, None)
    with pytest.raises(NotThere, match="was withdrawn"):
        invitations.accept(withdrawn, "乙", PASSWORD)
    made, expired = invitations.make(InvitationRequest(role="annotator"), None)
    with invitations.database.write() as connection:
        late = update(INVITATIONS).where(INVITATIONS.c.key == made.key)
        connection.execute(late.values(expires=time.time() - 1))
    with pytest.raises(NotThere, match="has expired"):
        invitations.accept(expired, "乙", PASSWORD)
    assert [one.name for one in Accounts(invitations.database).all()] == ["甲"]
    assert sorted(one.state for one in invitations.all()[0]) == ["expired", "used", "withdrawn"]


def test_a_refused_name_or_password_leaves_the_link_good(invitations: Invitations) -> None:
    Accounts(invitations.database).create("甲", "", "annotator")
    token = invitations.make(InvitationRequest(role="annotator"), None)[1]
    with pytest.raises(Conflict):
        invitations.accept(token, "甲", PASSWORD)
    with pytest.raises(PeopleError):
        invitations.accept(token, "乙", "short")
    with pytest.raises(PeopleError):
        invitations.accept(token, "<b>", PASSWORD)
    assert invitations.accept(token, "乙", PASSWORD).name == "乙"


def test_of_many_who_use_a_link_at_once_one_gets_in(invitations: Invitations) -> None:
    token = invitations.make(InvitationRequest(role="annotator"), None)[1]

    def accept(number: int) -> bool:
        try:
            invitations.accept(token, f"人{number}", PASSWORD)
        except NotThere:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(accept, range(4))) == 1
    assert len(Accounts(invitations.database).all()) == 1


def test_what_cannot_be_an_invitation_is_refused(invitations: Invitations) -> None:
    for wanted in (InvitationRequest(role="annotator", days=0), InvitationRequest(role="annotator", days=31)):
        with pytest.raises(PeopleError, match="1 to 30 days"):
            invitations.make(wanted, None)
    with pytest.raises(PeopleError, match="at most 200"):
        invitations.make(InvitationRequest(role="annotator", note="x" * 201), None)
    with pytest.raises(NotThere, match="no such project"):
        invitations.make(InvitationRequest(role="annotator", project=7), None)
    for key in (0, 99, 1 << 40):
        with pytest.raises(NotThere):
            invitations.withdraw(key, None)
    assert invitations.all() == ([], 0)


def test_a_new_team_site_gives_one_owners_link_until_there_is_an_owner(invitations: Invitations) -> None:
    database = invitations.database
    Accounts(database).local_user()
    first = first_owner_link(database, "https://x.example")
    second = first_owner_link(database, "https://x.example")
    assert first is not None
    assert second is not None
    assert second.startswith("https://x.example/invite/")
    with pytest.raises(NotThere, match="withdrawn"):
        invitations.look(first.rsplit("/", 1)[1])
    made = invitations.accept(second.rsplit("/", 1)[1], "甲", PASSWORD)
    assert made.role == "owner"
    assert first_owner_link(database, "https://x.example") is None
