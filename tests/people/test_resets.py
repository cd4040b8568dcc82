"""Links for a new password: one token, one new password; what cannot be used changes nothing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select, update

from liangxin.errors import Conflict, NotAllowed, NotThere, PeopleError
from liangxin.people.accounts import Account, Accounts
from liangxin.people.logins import Logins, name_digest, network
from liangxin.people.personal import remove
from liangxin.people.resets import Resets
from liangxin.people.sessions import Sessions
from liangxin.store import Database
from liangxin.store.people import AUDIT, LOGIN_FAILURES, RESETS

OLD, NEW = "correct horse battery", "staple of another kind"


@pytest.fixture
def resets(people_database: Database) -> Resets:
    return Resets(people_database)


@pytest.fixture
def person(people_database: Database) -> Account:
    return Accounts(people_database).create("王芳", OLD, "annotator")


def test_a_link_sets_a_password_once_and_ends_every_session(resets: Resets, person: Account) -> None:
    database = resets.database
    session = Sessions(database).open(person.key)
    failure = {"name": name_digest("王芳"), "address": "127.0.0.1", "created": time.time()}
    with database.write() as connection:
        connection.execute(insert(LOGIN_FAILURES), [failure])
    token = resets.make(person.key, None)
    assert resets.look(token).account == person
    assert resets.use(token, NEW).key == person.key
    assert Logins(database).sign_in("王芳", NEW, "127.0.0.1").key == person.key
    with pytest.raises(NotAllowed):
        Logins(database).sign_in("王芳", OLD, "127.0.0.2")
    assert Sessions(database).find(session.token) is None
    with pytest.raises(NotThere, match="ask the owner for a new one"):
        resets.use(token, OLD)
    with database.begin() as connection:
        assert connection.execute(select(RESETS)).all() == []
        log = connection.execute(select(AUDIT.c.action, AUDIT.c.content)).all()
        failures = connection.execute(select(LOGIN_FAILURES.c.address)).scalars().all()
    assert [row.action for row in log[:2]] == ["password reset offered", "password reset"]
    assert token not in str(log)
    assert failures == [network("127.0.0.2")], "only the try with the old password is left"


def test_the_store_holds_no_token_and_a_new_link_voids_the_older(resets: Resets, person: Account) -> None:
    first, second = resets.make(person.key, None), resets.make(person.key, None)
    with resets.database.begin() as connection:
        stored = connection.execute(select(RESETS)).all()
    assert len(stored) == 1
    assert second not in str(stored)
    with pytest.raises(NotThere):
        resets.look(first)
    assert resets.look(second).account == person


def test_an_old_link_and_a_closed_account_are_refused(resets: Resets, person: Account) -> None:
    token = resets.make(person.key, None)
    with resets.database.write() as connection:
        connection.execute(update(RESETS).values(expires=time.time() - 1))
    with pytest.raises(NotThere):
        resets.use(token, NEW)
    token = resets.make(person.key, None)
    owner = Accounts(resets.database).create("负责人", OLD, "owner")
    Accounts(resets.database).close(person.key, owner.key)
    with pytest.raises(NotThere):
        resets.use(token, NEW)
    with pytest.raises(Conflict, match="closed or has no password"):
        resets.make(person.key, None)
    with pytest.raises(Conflict, match="closed or has no password"):
        resets.make(Accounts(resets.database).local_user().key, None)
    with pytest.raises(NotThere):
        resets.make(999, None)


@pytest.mark.parametrize("password", ["short", "王芳", ""])
def test_a_refused_password_leaves_the_link_good(resets: Resets, person: Account, password: str) -> None:
    token = resets.make(person.key, None)
    with pytest.raises(PeopleError):
        resets.use(token, password)
    assert resets.use(token, NEW) == person


def test_of_two_uses_at_once_one_counts(resets: Resets, person: Account) -> None:
    token = resets.make(person.key, None)

    def use(password: str) -> str:
        try:
            resets.use(token, password)
        except NotThere:
            return ""
        return password

    with ThreadPoolExecutor(4) as threads:
        used = [one for one in threads.map(use, [f"{NEW} {number}" for number in range(4)]) if one]
    assert len(used) == 1
    assert Logins(resets.database).sign_in("王芳", used[0], "127.0.0.1") == person


def test_a_deleted_person_leaves_no_link(resets: Resets, person: Account) -> None:
    resets.make(person.key, None)
    remove(resets.database, person, "keep", None)
    with resets.database.begin() as connection:
        assert connection.execute(select(RESETS)).all() == []
