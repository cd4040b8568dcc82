"""The audit log: appended, filtered, paged."""

from __future__ import annotations

from liangxin.people import audit
from liangxin.people.accounts import Accounts
from liangxin.store import Database


def test_the_log_is_read_newest_first_filtered_and_paged(people_database: Database) -> None:
    both = [Accounts(people_database).create(name, "", "annotator").key for name in ("甲", "乙")]
    with people_database.write() as connection:
        for number in range(7):
            audit.note(connection, both[number % 2], "one" if number < 4 else "two", number=number, text="文")
        audit.note(connection, None, "'; DROP TABLE audit; --")
    found, count = audit.entries(people_database, start=1, most=3)
    assert count == 8
    assert [entry.content["number"] for entry in found] == [6, 5, 4]
    found, count = audit.entries(people_database, action="one", account=both[1])
    assert ([entry.content["number"] for entry in found], count) == ([3, 1], 2)
    assert audit.entries(people_database, action="' OR 1=1 --") == ([], 0)
    assert audit.entries(people_database, action="'; DROP TABLE audit; --")[1] == 1
    assert audit.actions(people_database) == sorted(["one", "two", "'; DROP TABLE audit; --"])


def test_a_transaction_that_fails_leaves_no_entry(people_database: Database) -> None:
    account = Accounts(people_database).local_user().key
    try:
        with people_database.write() as connection:
            audit.note(connection, account, "one")
            raise RuntimeError
    except RuntimeError:
        pass
    assert audit.entries(people_database) == ([], 0)
