"""What is open to a person in a project, as queries: tasks they have not seen, free assignments, gold questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CompoundSelect, Select, exists, func, select

from liangxin.store.people import ASSIGNMENTS, DECISIONS, TASKS

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project

HELD = ("taken", "overdue")
"""States of an assignment that its person may still work at."""
FINISHED = ("done", "skipped")
_WINDOW = 240
"""So many free assignments are looked through for one at a task that somebody has begun."""


def tasks_seen(project: Project, account: int) -> CompoundSelect[Any]:
    """The tasks where a person has an assignment, or has settled an answer: who has seen others' verdicts is not blind."""
    assigned = select(ASSIGNMENTS.c.task).where(
        ASSIGNMENTS.c.project == project.key, ASSIGNMENTS.c.account == account
    )
    settled = select(DECISIONS.c.task).where(
        DECISIONS.c.project == project.key, DECISIONS.c.account == account
    )
    return assigned.union(settled)


def free_tasks(project: Project, account: int) -> Select[Any]:
    """The tasks with a free assignment where a person has none."""
    free = (ASSIGNMENTS.c.project == project.key, ASSIGNMENTS.c.state == "free")
    return select(ASSIGNMENTS.c.task).where(*free, ASSIGNMENTS.c.task.not_in(tasks_seen(project, account)))


def gold_left(project: Project, account: int) -> Select[Any]:
    """The gold questions that a person has not had."""
    mine = tasks_seen(project, account)
    return (
        select(TASKS.c.key)
        .where(TASKS.c.project == project.key, TASKS.c.gold.is_not(None), TASKS.c.key.not_in(mine))
        .order_by(TASKS.c.position)
    )


def gold_unassigned(project: Project, account: int) -> Select[Any]:
    """How many gold questions a person has not had that have no free assignment: one is put there when they come."""
    assignment = ASSIGNMENTS.alias()
    free = exists().where(assignment.c.task == TASKS.c.key, assignment.c.state == "free")
    return gold_left(project, account).with_only_columns(func.count()).order_by(None).where(~free)


def open_assignments(project: Project, account: int) -> Select[Any]:
    """The first free assignments for a person, in the project's order, and whether somebody has begun the task.

    Tasks are numbered in the project's order, and people take them in it: those that are begun come first.
    """
    other = ASSIGNMENTS.alias()
    begun = exists().where(other.c.task == ASSIGNMENTS.c.task, other.c.state.in_((*HELD, "done")))
    return (
        select(ASSIGNMENTS.c.key, begun.label("begun"))
        .where(ASSIGNMENTS.c.project == project.key, ASSIGNMENTS.c.state == "free")
        .where(ASSIGNMENTS.c.task.not_in(tasks_seen(project, account)))
        .order_by(ASSIGNMENTS.c.task, ASSIGNMENTS.c.number)
        .limit(_WINDOW)
    )
