"""Sessions: found by their token alone, ended by time, by sign-out and with the account."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select, update

from liangxin.people.accounts import Accounts
from liangxin.people.sessions import IDLE_SECONDS, WHOLE_SECONDS, Sessions, token_digest
from liangxin.store import Database
from liangxin.store.people import SESSIONS


@pytest.fixture
def sessions(people_database: Database) -> Sessions:
    return Sessions(people_database)


@pytest.fixture
def person(people_database: Database) -> int:
    return Accounts(people_database).create("甲", "", "annotator").key


def older(sessions: Sessions, **columns: float) -> None:
    """Move every session back in time."""
    values = {name: SESSIONS.c[name] - seconds for name, seconds in columns.items()}
    with sessions.database.write() as connection:
        connection.execute(update(SESSIONS).values(**values))


def test_a_session_is_found_by_its_token_which_is_not_stored(sessions: Sessions, person: int) -> None:
    opened = sessions.open(person)
    found = sessions.person(opened.token)
    assert found is not None
    assert (found[0].account, found[0].csrf, found[1].name) == (person, opened.csrf, "甲")
    with sessions.database.begin() as connection:
        stored = connection.execute(select(SESSIONS.c.token)).scalar_one()
    assert stored == token_digest(opened.token) != opened.token
    for wrong in ("", "x", stored, opened.token + "x", "' OR 1=1 --", "\ud800"):
        assert sessions.find(wrong) is None


def test_looking_one_up_is_one_query_and_no_write(sessions: Sessions, person: int) -> None:
    token = sessions.open(person).token
    said: list[str] = []
    listener = lambda _c, _cursor, statement, *_rest: said.append(statement)  # noqa: E731
    event.listen(sessions.database.engine, "before_cursor_execute", listener)
    try:
        assert sessions.person(token) is not None
    finally:
        event.remove(sessions.database.engine, "before_cursor_execute", listener)
    assert len(said) == 1
    assert said[0].startswith("SELECT")


def test_a_session_ends_when_idle_and_in_any_case(sessions: Sessions, person: int) -> None:
    token = sessions.open(person).token
    older(sessions, seen=IDLE_SECONDS - 60)
    assert sessions.find(token) is not None
    older(sessions, seen=IDLE_SECONDS - 60)
    assert sessions.find(token) is not None, "being seen keeps it alive"
    older(sessions, seen=IDLE_SECONDS + 1)
    assert sessions.find(token) is None
    token = sessions.open(person).token
    older(sessions, expires=WHOLE_SECONDS + 1)
    assert sessions.find(token) is None
    assert sessions.count(person) == 0


def test_opening_one_clears_those_that_ended(sessions: Sessions, person: int) -> None:
    sessions.open(person)
    sessions.open(person)
    older(sessions, expires=WHOLE_SECONDS + 1)
    sessions.open(person)
    with sessions.database.begin() as connection:
        assert len(connection.execute(select(SESSIONS)).all()) == 1


def test_closing_one_or_all(sessions: Sessions, person: int) -> None:
    tokens = [sessions.open(person).token for _ in range(4)]
    sessions.close(tokens[0])
    assert [sessions.find(token) is not None for token in tokens] == [False, True, True, True]
    assert sessions.count(person) == 3
    sessions.close_all(person, keep=tokens[2])
    assert [sessions.find(token) is not None for token in tokens] == [False, False, True, False]
    sessions.close_all(person)
    assert sessions.find(tokens[2]) is None


def test_a_closed_account_has_no_session(sessions: Sessions, person: int) -> None:
    token = sessions.open(person).token
    accounts = Accounts(sessions.database)
    accounts.close(person, person)
    assert sessions.find(token) is None
    accounts.reopen(person, person)
    assert sessions.find(token) is None, "it ended for good"
