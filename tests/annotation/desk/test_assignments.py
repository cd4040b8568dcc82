"""Assignments: never two people on one, never one person twice at a task, never more than wanted, nothing late is lost."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import update

from liangxin.annotation.desk.assignments import Assignment, Assignments
from liangxin.annotation.desk.saving import Submission, save
from liangxin.annotation.desk.tasks import task_view
from liangxin.annotation.outcome.adjudication import Settlement, decide
from liangxin.annotation.outcome.gold import gold_of, remove_gold, set_gold
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.errors import NotAllowed, NotThere, PeopleError
from liangxin.records import Item, Reply
from liangxin.store import Database
from liangxin.store.people import ASSIGNMENTS
from testbench.annotators import faults
from testbench.desk import Desk, stored_run

FLAMES = open_benchmark("flames")
ITEMS = [Item(id=f"i{number}", turns=(f"问题{number}？",), category=("Fairness",)) for number in range(8)]


def desk_of(database: Database, people: int = 3, **settings: object) -> Desk:
    """A project over a run of eight answers."""
    stored_run(database, FLAMES, ITEMS, lambda _item, _turn: Reply(text="回答"), "a")
    return Desk.at(database, ProjectSpec(name="p", runs=("a",), **settings), people)  # type: ignore[arg-type]


def judged(desk: Desk, assignment: Assignment, person: int) -> None:
    """Save the highest level for whatever is on the assignment's page."""
    view = task_view(desk.database, desk.project, assignment)
    levels = {(one.place, turn.turn): one.levels[-1].name for one in view.candidates for turn in one.turns}
    said = Submission(token=secrets.token_hex(8), levels=levels)
    save(desk.database, desk.project, assignment, desk.people[person].key, said)


def late(desk: Desk, assignment: Assignment) -> None:
    """Let the assignment's lease run out."""
    with desk.database.write() as connection:
        connection.execute(
            update(ASSIGNMENTS).where(ASSIGNMENTS.c.key == assignment.key).values(until=time.time() - 1)
        )


def test_a_crowd_shares_the_assignments(people_database: Database) -> None:
    desk = desk_of(people_database, people=12, annotators=3)

    def work(person: int) -> int:
        done = 0
        while (
            assignment := Assignments(desk.database).take(desk.project, desk.people[person].key)
        ) is not None:
            judged(desk, assignment, person)
            done += 1
        return done

    with ThreadPoolExecutor(12) as threads:
        done = sum(threads.map(work, range(12)))
    assert done == 8 * 3
    assert [one for one in faults(desk.database, desk.project.key, []) if "acknowledged" not in one] == []


def test_the_assignment_that_one_holds_comes_first(people_database: Database) -> None:
    desk = desk_of(people_database)
    assignments, person = Assignments(people_database), desk.people[0].key
    first = assignments.take(desk.project, person)
    assert first is not None
    again = assignments.take(desk.project, person)
    assert again is not None
    assert again.key == first.key
    assignments.release(again)
    assert assignments.progress(desk.project, person).left == 8


def test_anothers_assignment_is_refused(people_database: Database) -> None:
    desk = desk_of(people_database)
    assignment = Assignments(people_database).take(desk.project, desk.people[0].key)
    assert assignment is not None
    with pytest.raises(NotAllowed):
        Assignments(people_database).assignment(assignment.key, desk.people[1].key)
    with pytest.raises(NotAllowed):
        judged(desk, assignment, 1)
    with pytest.raises(NotThere):
        Assignments(people_database).assignment(10**6, desk.people[1].key)


def test_who_comes_late_still_saves_and_the_place_beside_goes(people_database: Database) -> None:
    desk = desk_of(people_database, annotators=1)
    assignments, (late_one, other, third) = Assignments(people_database), [one.key for one in desk.people]
    assert assignments.take(desk.project, other) is not None
    mine = assignments.take(desk.project, late_one)
    assert mine is not None
    assert assignments.progress(desk.project, third).left == 6
    late(desk, mine)
    assignments.take(desk.project, other)  # whoever asks next finds the lease run out
    assert assignments.progress(desk.project, third).left == 7
    judged(desk, assignments.assignment(mine.key, late_one), 0)
    assert assignments.progress(desk.project, third).left == 6
    assert [one for one in faults(people_database, desk.project.key, []) if "acknowledged" not in one] == []


def test_who_comes_late_after_another_was_quicker_loses_nothing(people_database: Database) -> None:
    desk = desk_of(people_database, people=2, annotators=1)
    assignments = Assignments(people_database)
    mine = assignments.take(desk.project, desk.people[0].key)
    assert mine is not None
    late(desk, mine)
    while (assignment := assignments.take(desk.project, desk.people[1].key)) is not None:
        judged(desk, assignment, 1)
    again = assignments.take(desk.project, desk.people[0].key)
    assert again is not None
    assert again.key == mine.key
    judged(desk, again, 0)
    assert assignments.progress(desk.project, desk.people[0].key).done == 1
    assert assignments.progress(desk.project, desk.people[1].key).done == 8


def test_a_skipped_task_goes_to_somebody_else(people_database: Database) -> None:
    desk = desk_of(people_database, people=2, annotators=1)
    assignments = Assignments(people_database)
    assignment = assignments.take(desk.project, desk.people[0].key)
    assert assignment is not None
    skip = Submission(token=secrets.token_hex(8), levels={}, skip="看不懂")
    save(people_database, desk.project, assignment, desk.people[0].key, skip)
    assert assignments.progress(desk.project, desk.people[0].key).left == 7
    assert assignments.progress(desk.project, desk.people[1].key).left == 8


def test_tasks_that_others_began_come_first(people_database: Database) -> None:
    desk = desk_of(people_database, people=2, annotators=2)
    assignments = Assignments(people_database)
    first = assignments.take(desk.project, desk.people[0].key)
    second = assignments.take(desk.project, desk.people[1].key)
    assert first is not None
    assert second is not None
    assert (first.task, first.key != second.key) == (second.task, True)


def test_who_settled_an_answer_is_not_given_its_task(people_database: Database) -> None:
    desk = desk_of(people_database, annotators=3)
    desk.says(0, "i0", "3")
    desk.says(1, "i0", "1")
    settler = desk.people[2].key
    decided = Settlement(level="3", reason="看了说明。", base_version=0)
    decide(people_database, desk.project, desk.answer("i0"), settler, decided)
    assignments = Assignments(people_database)
    tasks = set()
    while (assignment := assignments.take(desk.project, settler)) is not None:
        tasks.add(assignment.task)
        judged(desk, assignment, 2)
    assert desk.task("i0") not in tasks
    assert len(tasks) == 7


def test_gold_questions_reach_everybody_once_and_do_not_show(people_database: Database) -> None:
    desk = desk_of(people_database, annotators=1)
    gold = {desk.task("i1"), desk.task("i2")}
    for task in gold:
        set_gold(people_database, desk.project, task, {(0, 1): "3"}, desk.owner.key, "明确拒绝。")
    assert {one.task for one in gold_of(people_database, desk.project)} == gold
    assignments = Assignments(people_database)
    met: list[list[int]] = [[], [], []]
    for _ in range(8):
        for person, account in enumerate(desk.people):
            assignment = assignments.take(desk.project, account.key)
            if assignment is not None:
                view = repr(task_view(people_database, desk.project, assignment))
                assert "gold" not in view
                assert "明确拒绝" not in view
                met[person].append(assignment.task)
                judged(desk, assignment, person)
    for tasks in met:
        assert len(tasks) == len(set(tasks))
        assert gold <= set(tasks)
    assert sum(map(len, met)) == 6 + 3 * 2
    assert [assignments.progress(desk.project, one.key).left for one in desk.people] == [0, 0, 0]


def test_a_gold_level_must_be_the_answers(people_database: Database) -> None:
    desk = desk_of(people_database)
    task, by = desk.task("i1"), (desk.owner.key, "")
    with pytest.raises(PeopleError, match="not on the scale"):
        set_gold(people_database, desk.project, task, {(0, 1): "5"}, *by)
    with pytest.raises(PeopleError, match="at least one"):
        set_gold(people_database, desk.project, task, {}, *by)
    with pytest.raises(NotThere):
        set_gold(people_database, desk.project, task, {(0, 2): "3"}, *by)
    with pytest.raises(NotThere):
        set_gold(people_database, desk.project, 10**6, {(0, 1): "3"}, *by)
    set_gold(people_database, desk.project, task, {(0, 1): "3"}, *by)
    remove_gold(people_database, desk.project, task, desk.owner.key)
    assert gold_of(people_database, desk.project) == []


def test_the_order_of_answers_is_random_and_kept(people_database: Database) -> None:
    for name in ("b", "c"):
        stored_run(people_database, FLAMES, ITEMS, lambda _item, _turn: Reply(text="回答"), name)
    desk = desk_of(people_database, people=6, annotators=6)
    desk = Desk.at(people_database, replace(desk.project.spec, name="three", runs=("a", "b", "c")), 6)
    assignments = Assignments(people_database)
    orders = set()
    for account in desk.people:
        assignment = assignments.take(desk.project, account.key)
        assert assignment is not None
        assert sorted(assignment.order) == [0, 1, 2]
        assert assignments.assignment(assignment.key, account.key).order == assignment.order
        orders.add(assignment.order)
    assert len(orders) > 1
