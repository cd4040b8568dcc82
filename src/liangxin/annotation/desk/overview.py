"""How far a project is as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from liangxin.annotation.projects import Project
from liangxin.store import Database
from liangxin.store.people import ASSIGNMENTS, TASKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A project's tasks and the verdicts that it wants."""

    tasks: int
    complete: int
    """Tasks that as many people have judged as are wanted."""
    wanted: int
    """Verdicts on whole tasks that are wanted: each task by so many people."""
    given: int
    """Those that are there, at most what is wanted of each task."""
    skipped: int
    now: int
    """Assignments that somebody works at."""
    gold: int


def overview(database: Database, project: Project) -> Overview:
    """Counted anew at each request."""
    done = (
        select(ASSIGNMENTS.c.task, func.count().label("given"))
        .where(ASSIGNMENTS.c.project == project.key, ASSIGNMENTS.c.state == "done")
        .group_by(ASSIGNMENTS.c.task)
        .subquery()
    )
    of_tasks = (
        select(TASKS.c.seats, func.coalesce(done.c.given, 0), func.count(), func.count(TASKS.c.gold))
        .join(done, done.c.task == TASKS.c.key, isouter=True)
        .where(TASKS.c.project == project.key)
        .group_by(TASKS.c.seats, done.c.given)
    )
    states = (
        select(ASSIGNMENTS.c.state, func.count())
        .where(ASSIGNMENTS.c.project == project.key)
        .group_by(ASSIGNMENTS.c.state)
    )
    with database.begin() as connection:
        rows = [tuple(row) for row in connection.execute(of_tasks)]
        counted = {state: int(number) for state, number in connection.execute(states)}
    return Overview(
        tasks=sum(number for _, _, number, _ in rows),
        complete=sum(number for assignments, given, number, _ in rows if given >= assignments),
        wanted=sum(assignments * number for assignments, _, number, _ in rows),
        given=sum(min(assignments, given) * number for assignments, given, number, _ in rows),
        skipped=counted.get("skipped", 0),
        now=counted.get("taken", 0),
        gold=sum(gold for *_, gold in rows),
    )
