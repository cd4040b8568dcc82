"""What the site stores of a person: given to them whole, and deleted so that nothing of it remains."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Table, insert, select

from liangxin.errors import Conflict, NotAllowed
from liangxin.people import audit
from liangxin.people.accounts import Account, Accounts
from liangxin.people.invitations import InvitationRequest, Invitations
from liangxin.people.logins import Logins
from liangxin.people.personal import export, remove
from liangxin.people.resets import Resets
from liangxin.people.sessions import Sessions
from liangxin.records import Item
from liangxin.store import ADJUDICATED, Database, NewRun, Runs
from liangxin.store.people import (
    ASSIGNMENTS,
    ATTACK_TURNS,
    ATTACKS,
    CANDIDATES,
    CHOICE_ITEMS,
    DECISIONS,
    LABELS,
    MEMBERS,
    PEOPLE,
    PROJECTS,
    RESPONSES,
    TASKS,
)
from liangxin.store.schema import JUDGEMENTS, METADATA

NAME = "欧阳静怡"
PASSWORD = "correct horse battery"
WORDS = ("我的评语", "我的回答", "我的攻击", "我的追问", "我的裁决理由", "我的驳回理由", "我的选择题")


def dump(database: Database) -> str:
    """The whole store as text."""
    made = []
    with database.begin() as connection:
        for table in (*METADATA.tables.values(), *PEOPLE.tables.values()):
            made += [f"{table.name} {tuple(row)}" for row in connection.execute(select(table))]
    return "\n".join(made)


def put(database: Database, table: Table, **values: Any) -> None:
    with database.write() as connection:
        connection.execute(insert(table), [values])


def judged(database: Database, annotator: str, attempt: int, reason: str) -> None:
    place = {"run": 1, "judge": 1, "rank": 0, "trial": 1, "turn": 1}
    said = {"status": "given", "level": "1", "reason": reason, "raw": "", "created": 1.0}
    put(database, JUDGEMENTS, **place, annotator=annotator, attempt=attempt, **said)


def answered(database: Database, person: Account, task: int, comment: str) -> None:
    """A finished assignment with a response, its label and its mirror."""
    put(
        database,
        ASSIGNMENTS,
        project=1,
        task=task,
        number=person.key,
        account=person.key,
        state="done",
        order="[0]",
        done=2.0,
    )
    content = json.dumps(
        {"comment": comment, "own_answer": "我的回答" if "我" in comment else "别的"}, ensure_ascii=False
    )
    with database.begin() as connection:
        assignment = (
            connection.execute(select(ASSIGNMENTS.c.key).where(ASSIGNMENTS.c.account == person.key))
            .scalars()
            .first()
        )
    whose = {"account": person.key, "project": 1, "task": task}
    row = {**whose, "seat": assignment, "version": 1, "token": f"{person.key}-{task}", "skipped": 0}
    put(database, RESPONSES, **row, seconds=3.0, created=2.0, content=content)
    put(database, LABELS, **whose, slot=0, turn=1, version=1, level="1", created=2.0)
    judged(database, person.alias, 1, comment)


def attacked(database: Database, person: Account, text: str, history: list[dict[str, Any]]) -> None:
    content = json.dumps({"history": history, "follow_up": text, "note": text}, ensure_ascii=False)
    values = {"account": person.key, "model": "m", "benchmark": "flames", "state": "accepted"}
    more = {"category": "", "style": "", "judged": "", "created": 1.0, "changed": 1.0}
    put(database, ATTACKS, **values, **more, content=content)
    with database.begin() as connection:
        key = connection.execute(select(ATTACKS.c.key).order_by(ATTACKS.c.key.desc())).scalars().first()
    turn = {"attack": key, "turn": 1, "attempt": 1, "prompt": text, "text": text, "status": "ok"}
    put(database, ATTACK_TURNS, **turn, detail="", broke=1, seconds=1.0, created=1.0)


def asked(database: Database) -> None:
    """A run of four items with the project's judge, and a task for each."""
    runs = Runs(database)
    items = [Item(id=f"i{number}", turns=("问",), category=()) for number in range(4)]
    dataset = runs.add_dataset("flames", "1", "0" * 64, items)
    new = NewRun(
        id="abcdef012345",
        name=None,
        dataset=dataset,
        benchmark="flames",
        model="m",
        trials=1,
        sample=False,
        manifest={},
    )
    run = runs.create(new, [(number, number) for number in range(4)])
    runs.add_judge(run, "people:p@0", "people:p", "primary", {})
    for position, item in enumerate(items):
        put(database, TASKS, project=1, position=position, item=item.id, category="", seats=2)


@pytest.fixture
def people(people_database: Database) -> tuple[Account, Account]:
    """An owner, and a person who has done everything that one can do."""
    database = people_database
    owner = Accounts(database).create("负责人", PASSWORD, "owner")
    token = Invitations(database).make(InvitationRequest(role="adjudicator", note=f"给{NAME}"), owner.key)[1]
    person = Invitations(database).accept(token, NAME, PASSWORD)
    with pytest.raises(NotAllowed):
        Logins(database).sign_in(NAME, "wrong", "10.0.0.1")
    Sessions(database).open(person.key)
    project = {"name": "p", "kind": "grade", "state": "open", "created": 1.0, "content": "{}"}
    put(database, PROJECTS, **project)
    put(database, MEMBERS, project=1, account=person.key, created=1.0)
    asked(database)
    put(database, CANDIDATES, task=1, slot=0, run=1, rank=0, trial=1)
    answered(database, person, 1, "我的评语")
    answered(database, owner, 1, "别人的评语")
    for task, state in ((2, "taken"), (3, "overdue"), (4, "skipped")):
        where = {"project": 1, "task": task, "number": 1, "account": person.key}
        put(database, ASSIGNMENTS, **where, state=state, order="[0]", taken=1.0, until=9.0)
    for version, account, reason in ((1, owner, "别人的理由"), (2, person, "我的裁决理由")):
        at = {"project": 1, "task": 1, "slot": 0, "turn": 1, "version": version}
        put(database, DECISIONS, **at, account=account.key, level="1", reason=reason, created=1.0)
        judged(database, ADJUDICATED, version, reason)
    attacked(database, person, "我的攻击 我的追问", [])
    attacked(
        database, owner, "别人的攻击", [{"by": person.key, "action": "rejected", "reason": "我的驳回理由"}]
    )
    item = {"state": "proposed", "digest": "d", "category": "", "difficulty": "easy", "source": "我的选择题"}
    put(database, CHOICE_ITEMS, **item, made_by=person.key, created=1.0, changed=1.0, content="{}")
    return owner, person


def test_the_export_holds_everything_and_no_secret(
    people_database: Database, people: tuple[Account, Account]
) -> None:
    Resets(people_database).make(people[1].key, people[0].key)
    text = export(people_database, people[1], people[1].key)
    found = json.loads(text)
    for word in (NAME, "我的评语", "我的回答", "我的攻击", "我的追问", "我的裁决理由", "我的选择题"):
        assert word in text, word
    assert "别人" not in text
    assert "argon2" not in text
    assert "csrf" not in text
    assert "token" not in text
    assert {name: len(rows) for name, rows in found.items() if isinstance(rows, list)} == {
        "sessions": 1,
        "invitations": 1,
        "password resets": 1,
        "projects made": 0,
        "memberships": 1,
        "seats": 4,
        "responses": 1,
        "marks": 1,
        "decisions": 1,
        "judgements": 1,
        "attacks": 1,
        "attack turns": 1,
        "choice items": 1,
        "audit": 3,
    }
    assert "personal data exported" in [entry.action for entry in audit.entries(people_database)[0]]


def test_keeping_the_verdicts_removes_who_it_was(
    people_database: Database, people: tuple[Account, Account]
) -> None:
    owner, person = people
    remove(people_database, person, "keep", person.key)
    left = dump(people_database)
    assert NAME not in left
    assert "我的评语" in left
    assert f"('{person.alias}'" in left or f"'{person.alias}'" in left
    assert Sessions(people_database).count(person.key) == 0
    account = Accounts(people_database).by_key(person.key)
    assert account is not None
    assert (account.name, account.erased, account.protected) == (person.alias, True, False)
    assert account.closed is not None
    with people_database.begin() as connection:
        found = connection.execute(
            select(ASSIGNMENTS.c.task, ASSIGNMENTS.c.state).where(ASSIGNMENTS.c.number == 1)
        )
        states = {row.task: row.state for row in found}
    assert states[2] == "free"
    assert 3 not in states
    assert states[4] == "skipped"
    with pytest.raises(Conflict, match="cannot be opened again"):
        Accounts(people_database).reopen(person.key, owner.key)
    with pytest.raises(Conflict, match="already"):
        remove(people_database, person, "keep", owner.key)
    assert Accounts(people_database).create(NAME, "", "annotator").key != person.key, "the name is free again"


@pytest.mark.parametrize("kept_before", [False, True])
def test_erasing_leaves_nothing_of_the_person(
    people_database: Database, people: tuple[Account, Account], kept_before: bool
) -> None:
    owner, person = people
    if kept_before:
        remove(people_database, person, "keep", person.key)
    before = dump(people_database)
    assert all(word in before for word in WORDS)
    remove(people_database, person, "erase", owner.key)
    left = dump(people_database)
    for word in (NAME, *WORDS):
        assert word not in left, word
    assert left.count("别人的评语") == 2, "what others said stays: a response and its mirror"
    assert left.count("别人的理由") == 2
    assert "别人的攻击" in left
    with people_database.begin() as connection:
        annotators = connection.execute(select(JUDGEMENTS.c.annotator)).scalars().all()
        assignments = [
            tuple(row) for row in connection.execute(select(ASSIGNMENTS.c.account, ASSIGNMENTS.c.state))
        ]
        levels = connection.execute(select(DECISIONS.c.level)).scalars().all()
    assert person.alias not in annotators
    assert levels == ["1", "1"], "gold labels stay the project's"
    assert sorted(assignments, key=str) == [(owner.key, "done"), (None, "free"), (None, "free")]


def test_the_last_owner_stays(people_database: Database, people: tuple[Account, Account]) -> None:
    before = dump(people_database)
    with pytest.raises(Conflict, match="last owner"):
        remove(people_database, people[0], "erase", people[0].key)
    assert dump(people_database) == before


def test_the_user_of_a_loopback_site_begins_anew(people_database: Database) -> None:
    accounts = Accounts(people_database)
    first = accounts.local_user()
    remove(people_database, first, "erase", first.key)
    assert accounts.local_user().key != first.key
