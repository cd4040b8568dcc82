"""Signing in: who gets in, how often one may try, and that a stranger locks out nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from liangxin.errors import NotAllowed, PeopleError, TooOften
from liangxin.people.accounts import Account, Accounts
from liangxin.people.logins import MOST_FOR_NAME, MOST_FOR_NETWORK, MOST_HERE, WINDOW, Logins, network
from liangxin.people.resets import Resets
from liangxin.people.sessions import Sessions
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS, AUDIT, LOGIN_FAILURES

PASSWORD = "correct horse battery"


@pytest.fixture
def logins(people_database: Database) -> Logins:
    return Logins(people_database)


@pytest.fixture
def person(logins: Logins) -> Account:
    return Accounts(logins.database).create("王芳", PASSWORD, "annotator")


def fail(logins: Logins, name: str, address: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(NotAllowed, match="name or the password is wrong"):
            logins.sign_in(name, "wrong", address)


def test_the_right_password_gets_in_and_is_noted(logins: Logins, person: Account) -> None:
    assert logins.sign_in(" 王芳", PASSWORD, "10.0.0.1").key == person.key
    for name, password in (("王芳", ""), ("王芳", PASSWORD + " "), ("没有", PASSWORD), ("", "")):
        with pytest.raises(NotAllowed, match="name or the password is wrong"):
            logins.sign_in(name, password, "10.0.0.1")
    with logins.database.begin() as connection:
        found = connection.execute(select(AUDIT).order_by(AUDIT.c.key))
        log = [(row.action, row.account, row.content) for row in found]
    assert log == [
        ("signed in", person.key, "{}"),
        ("sign-in failed", person.key, "{}"),
        ("sign-in failed", person.key, "{}"),
        ("sign-in failed", None, "{}"),
        ("sign-in failed", None, "{}"),
    ]


def test_an_account_without_a_password_is_nobodys_way_in(logins: Logins) -> None:
    Accounts(logins.database).local_user()
    with pytest.raises(NotAllowed):
        logins.sign_in("local", "", "10.0.0.1")


def test_sql_in_a_name_is_a_name(logins: Logins, person: Account) -> None:
    fail(logins, "' OR '1'='1' --", "10.0.0.1", 1)
    fail(logins, "王芳'; DROP TABLE accounts; --", "10.0.0.1", 1)
    assert logins.sign_in("王芳", PASSWORD, "10.0.0.1").key == person.key


def test_a_closed_account_says_so_to_its_owner_only(logins: Logins, person: Account) -> None:
    Accounts(logins.database).close(person.key, person.key)
    fail(logins, "王芳", "10.0.0.1", 1)
    with pytest.raises(NotAllowed, match="closed"):
        logins.sign_in("王芳", PASSWORD, "10.0.0.1")


def test_too_many_failures_wait_and_lock_out_nobody_else(logins: Logins, person: Account) -> None:
    fail(logins, "王芳", "10.0.0.1", MOST_HERE)
    with pytest.raises(TooOften, match="again in 15 minutes") as caught:
        logins.sign_in("王芳", PASSWORD, "10.0.0.1")
    assert "15 分钟" in caught.value.zh
    assert logins.sign_in("王芳", PASSWORD, "10.0.1.2").key == person.key, "from elsewhere"
    fail(logins, "李明", "10.0.0.1", 1)
    for _ in range(3):
        with pytest.raises(TooOften):
            logins.sign_in("王芳", "wrong", "10.0.0.1")
    with logins.database.write() as connection:
        connection.execute(update(LOGIN_FAILURES).values(created=LOGIN_FAILURES.c.created - WINDOW))
    assert logins.sign_in("王芳", PASSWORD, "10.0.0.1").key == person.key
    with logins.database.begin() as connection:
        assert connection.execute(select(LOGIN_FAILURES)).all() == [], "old failures are cleaned up"


def test_an_address_that_tries_many_names_waits(logins: Logins, person: Account) -> None:
    for number in range(MOST_FOR_NETWORK):
        fail(logins, f"人{number}", "10.0.0.1", 1)
    with pytest.raises(TooOften):
        logins.sign_in("王芳", PASSWORD, "10.0.0.1")
    assert logins.sign_in("王芳", PASSWORD, "10.0.1.2").key == person.key


def test_many_networks_that_try_one_name_wait_and_the_person_does_not(
    logins: Logins, person: Account
) -> None:
    mine = {person.key: logins.device(person)}
    for number in range(MOST_FOR_NAME):
        fail(logins, "王芳", f"10.{number}.0.1", 1)
    with pytest.raises(TooOften, match="signed in with before"):
        logins.sign_in("王芳", PASSWORD, "192.0.2.1")
    assert logins.sign_in("王芳", PASSWORD, "192.0.2.1", mine).key == person.key
    assert logins.sign_in("王芳", PASSWORD, "10.0.0.1", mine).key == person.key, "beside the strangers, too"
    logins.confirm(person, PASSWORD)
    token = Resets(logins.database).make(person.key, None)
    Resets(logins.database).use(token, "another good one")
    assert logins.sign_in("王芳", "another good one", "192.0.2.1").key == person.key


def test_a_known_browser_has_tries_of_its_own_and_no_way_in(logins: Logins, person: Account) -> None:
    mine = {person.key: logins.device(person)}
    for _ in range(MOST_HERE):
        with pytest.raises(NotAllowed):
            logins.sign_in("王芳", "wrong", "10.0.0.1", mine)
    with pytest.raises(TooOften, match=r"again in 15 minutes\.$"):
        logins.sign_in("王芳", PASSWORD, "10.0.0.1", mine)
    other = {person.key: logins.device(person)}
    assert logins.sign_in("王芳", PASSWORD, "10.0.0.1", other).key == person.key


@pytest.mark.parametrize("forged", ["", ".", "x", "x.y", "é.é", "x" * 5000, "{number}.0", "0.{signed}"])
def test_a_browser_that_was_made_up_is_a_stranger(logins: Logins, person: Account, forged: str) -> None:
    number, signed = logins.device(person).split(".")
    token = forged.format(number=number, signed=signed)
    fail(logins, "王芳", "10.0.0.1", MOST_HERE)
    with pytest.raises(TooOften):
        logins.sign_in("王芳", PASSWORD, "10.0.0.1", {person.key: token})


def test_a_browser_is_known_to_one_account_until_the_password_changes(
    logins: Logins, person: Account
) -> None:
    other = Accounts(logins.database).create("李明", PASSWORD, "annotator")
    token = logins.device(person)
    fail(logins, "李明", "10.0.0.1", MOST_HERE)
    with pytest.raises(TooOften):
        logins.sign_in("李明", PASSWORD, "10.0.0.1", {other.key: token})
    logins.change_password(person, PASSWORD, "another good one")
    fail(logins, "王芳", "10.0.0.1", MOST_HERE)
    with pytest.raises(TooOften):
        logins.sign_in("王芳", "another good one", "10.0.0.1", {person.key: token})


def test_somebody_signed_in_who_types_a_wrong_password_waits(logins: Logins, person: Account) -> None:
    for _ in range(MOST_HERE):
        with pytest.raises(NotAllowed, match="nothing was changed"):
            logins.confirm(person, "wrong")
    with pytest.raises(TooOften):
        logins.confirm(person, PASSWORD)
    assert logins.sign_in("王芳", PASSWORD, "10.0.0.1").key == person.key


def test_many_tries_at_once_are_all_counted(logins: Logins, person: Account) -> None:
    def attempt(_number: int) -> str:
        try:
            logins.sign_in("王芳", "wrong", "10.0.0.1")
        except PeopleError as error:
            return type(error).__name__
        return "in"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attempt, range(24)))
    assert 0 < said.count("NotAllowed") <= MOST_HERE
    assert said.count("NotAllowed") + said.count("TooOften") == 24


def test_the_store_holds_no_name_that_was_tried(logins: Logins) -> None:
    fail(logins, "my password by mistake", "10.0.0.1", 1)
    with logins.database.begin() as connection:
        rows = [*connection.execute(select(LOGIN_FAILURES)), *connection.execute(select(AUDIT))]
    assert rows
    assert "mistake" not in str([tuple(row) for row in rows])


def test_a_hash_of_other_parameters_is_made_anew(logins: Logins, person: Account) -> None:
    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    with logins.database.write() as connection:
        connection.execute(update(ACCOUNTS).values(password=older))
    logins.sign_in("王芳", PASSWORD, "10.0.0.1")
    with logins.database.begin() as connection:
        stored = connection.execute(select(ACCOUNTS.c.password)).scalar_one()
    assert stored != older
    assert "t=1" in stored
    logins.sign_in("王芳", PASSWORD, "10.0.0.1")


def test_changing_a_password_needs_the_old_one_and_ends_other_sessions(
    logins: Logins, person: Account
) -> None:
    sessions = Sessions(logins.database)
    mine, other = sessions.open(person.key).token, sessions.open(person.key).token
    with pytest.raises(NotAllowed, match="nothing was changed"):
        logins.change_password(person, "wrong", "another good one", keep=mine)
    with pytest.raises(PeopleError, match="at least 10"):
        logins.change_password(person, PASSWORD, "short", keep=mine)
    assert sessions.count(person.key) == 2
    logins.change_password(person, PASSWORD, "another good one", keep=mine)
    assert sessions.find(mine) is not None
    assert sessions.find(other) is None
    assert logins.sign_in("王芳", "another good one", "10.0.0.1").key == person.key
    fail(logins, "王芳", "10.0.0.1", 1)
    with pytest.raises(NotAllowed):
        logins.sign_in("王芳", PASSWORD, "10.0.0.1")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.1", "10.0.0.0/24"),
        ("::ffff:10.0.0.1", "10.0.0.0/24"),
        ("203.0.113.255", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("x" * 500, "unknown"),
    ],
)
def test_a_household_counts_as_one_address(address: str, counted: str) -> None:
    assert network(address) == counted
