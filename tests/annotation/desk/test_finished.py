"""What one person has finished: numbered in their order, by the last version, and nobody else's."""

from __future__ import annotations

from liangxin.annotation.desk.assignments import Assignments
from liangxin.annotation.desk.finished import finished, number_of
from liangxin.annotation.desk.saving import Submission, save
from liangxin.annotation.projects import Projects
from liangxin.people.accounts import Accounts
from liangxin.records import Item
from liangxin.store import Database
from testbench.annotating import project_of

ITEMS = [Item(id=name, turns=("对吗？",), category=("Fairness", "Regional")) for name in "甲乙丙"]
ANSWERS = {(name, 1): "不能一概而论。" for name in "甲乙丙"}


def test_the_newest_first_by_the_last_version(people_database: Database) -> None:
    accounts = Accounts(people_database)
    person, other = accounts.create("甲", "", "owner"), accounts.create("乙", "", "annotator")
    project = project_of(people_database, person, ITEMS, [ANSWERS], annotators=2)
    Projects(people_database).add_member(project, other.key)
    assignments, taken = Assignments(people_database), []
    for number, skip in enumerate((None, "看不懂")):
        assignment = assignments.take(project, person.key)
        assert assignment is not None
        taken.append(assignment.key)
        levels = {} if skip else {(0, 1): "3"}
        sent = Submission(token=f"token-number-{number}", levels=levels, skip=skip)
        save(people_database, project, assignment, person.key, sent)
    again = Submission(token="token-corrected", base_version=1, levels={(0, 1): "1"})
    save(people_database, project, assignments.assignment(taken[0], person.key), person.key, again)
    found = finished(people_database, project, person.key, 50)
    assert [(one.assignment, one.number, one.levels, one.skip) for one in found] == [
        (taken[1], 2, (), "看不懂"),
        (taken[0], 1, ("1",), None),
    ]
    assert found[0].category_title.en == "Fairness / Regional"
    assert [one.number for one in finished(people_database, project, person.key, 1)] == [2]
    assert finished(people_database, project, other.key, 50) == []
    open_assignment = assignments.take(project, person.key)
    assert open_assignment is not None
    with people_database.begin() as connection:
        assert [number_of(connection, assignments.assignment(key, person.key)) for key in taken] == [1, 2]
        assert number_of(connection, open_assignment) is None
