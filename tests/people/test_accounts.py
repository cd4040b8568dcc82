"""Accounts: names, passwords, roles, and that somebody always owns the site."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.errors import Conflict, NotThere, PeopleError, TooLarge
from liangxin.people.accounts import LOCAL, Accounts, checked_name, folded
from liangxin.people.passwords import MOST, Passwords, checked_password
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS

PASSWORD = "今天的风从江面上来"  # nine characters: one too few
GOOD = PASSWORD + "！"


@pytest.fixture
def accounts(people_database: Database) -> Accounts:
    return Accounts(people_database)


def test_an_account_is_found_however_its_name_is_typed(accounts: Accounts) -> None:
    made = accounts.create("  Li  Wei ", GOOD, "annotator")
    assert made.name == "Li Wei"
    assert made.protected
    for typed in ("li wei", "LI WEI", "Ｌｉ Ｗｅｉ", " Li  Wei"):
        found = accounts.by_name(typed)
        assert found is not None
        assert found.key == made.key
    assert accounts.by_name("Li") is None


def test_the_store_holds_no_password_and_an_alias_that_tells_nothing(accounts: Accounts) -> None:
    made = accounts.create("王芳", GOOD, "annotator")
    with accounts.database.begin() as connection:
        row = connection.execute(ACCOUNTS.select()).one()
    assert row.password.startswith("$argon2id$")
    assert GOOD not in str(tuple(row))
    assert made.alias.startswith("annotator-")
    assert len({accounts.create(f"甲{number}", "", "annotator").alias for number in range(5)}) == 5


def test_a_site_hashes_as_slowly_as_the_library_advises(
    real_hasher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argon2.PasswordHasher", real_hasher)
    assert "$m=65536,t=3,p=4$" in Passwords().hashed(GOOD)


def test_two_people_share_no_name(accounts: Accounts) -> None:
    accounts.create("Straße", "", "annotator")
    for name in ("Straße", "STRASSE", "ｓtrasse"):
        with pytest.raises(Conflict, match="somebody named"):
            accounts.create(name, "", "annotator")
    assert len(accounts.all()) == 1


def test_of_many_who_choose_one_name_at_once_one_gets_it(accounts: Accounts) -> None:
    def choose(_number: int) -> bool:
        try:
            accounts.create("同名", "", "annotator")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(choose, range(6))) == 1


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "甲" * 41,
        "@adjudicated",
        "a\u202eb",
        "a\u200bb",
        "a\nb",
        "a\x00b",
        "<script>",
        "x'; DROP TABLE accounts;--",
        "\u0301a",
        "local",
        "LOCAL",
        "annotator-0a1b2c",
        "\U0001f600",
        "\ufdfa" * 10,
    ],
)
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(PeopleError) as caught:
        checked_name(name)
    assert caught.value.zh
    assert caught.value.en


@given(st.text(max_size=60))
def test_a_name_that_is_taken_reads_back_as_itself(name: str) -> None:
    try:
        kept = checked_name(name)
    except PeopleError:
        return
    assert checked_name(kept) == kept
    assert 1 <= len(kept) <= 40
    assert len(folded(kept)) <= 80
    assert kept.isprintable()


@pytest.mark.parametrize(
    "password", ["", PASSWORD, "1234567890", "aaaaaaaaaaaa", "Password123", "王小明王小明王小明王"]
)
def test_what_cannot_be_a_password_is_refused(password: str) -> None:
    with pytest.raises(PeopleError):
        checked_password(password, "王小明王小明王小明王")


def test_a_long_password_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(TooLarge):
        checked_password("长" * (MOST + 1), "甲")
    passwords = Passwords()
    whole = "".join(chr(0x4E00 + number) for number in range(MOST))
    stored = passwords.hashed(whole)
    assert passwords.match(stored, whole)
    assert not passwords.match(stored, whole + "x")


def test_nobody_has_a_password_that_fits() -> None:
    passwords = Passwords()
    assert not passwords.match("", "")
    assert not passwords.match("", GOOD)
    assert not passwords.match("not a hash", GOOD)


def test_the_local_user_owns_and_is_made_once(accounts: Accounts) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _number: accounts.local_user(), range(8)))
    assert len({one.key for one in made}) == 1
    assert (made[0].name, made[0].role, made[0].protected) == (LOCAL, "owner", False)


def test_the_last_owner_stays(accounts: Accounts) -> None:
    accounts.local_user()
    owner = accounts.create("甲", GOOD, "owner")
    with pytest.raises(Conflict, match="last owner"):
        accounts.close(owner.key, owner.key)
    with pytest.raises(Conflict, match="last owner"):
        accounts.set_role(owner.key, "annotator", owner.key)
    second = accounts.create("乙", GOOD, "annotator")
    assert accounts.set_role(second.key, "owner", owner.key).role == "owner"
    assert accounts.close(owner.key, second.key).closed is not None
    with pytest.raises(Conflict, match="last owner"):
        accounts.close(second.key, second.key)


def test_two_owners_who_demote_each_other_leave_one(accounts: Accounts) -> None:
    pair = [accounts.create(name, GOOD, "owner").key for name in ("甲", "乙")]

    def demote(keys: tuple[int, int]) -> bool:
        try:
            accounts.set_role(keys[0], "annotator", keys[1])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            done = list(pool.map(demote, [(pair[0], pair[1]), (pair[1], pair[0])]))
            assert sorted(done) == [False, True]
            (left,) = [one.key for one in accounts.all() if one.role == "owner"]
            accounts.set_role(next(key for key in pair if key != left), "owner", left)


def test_a_closed_account_opens_again(accounts: Accounts) -> None:
    made = accounts.create("甲", "", "annotator")
    assert accounts.close(made.key, made.key).closed is not None
    assert accounts.reopen(made.key, made.key).closed is None
    for key in (0, -1, 999, 1 << 40):
        assert accounts.by_key(key) is None
        with pytest.raises(NotThere):
            accounts.close(key, made.key)
