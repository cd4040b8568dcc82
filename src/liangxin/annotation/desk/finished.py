"""What one person has finished in a project, to look at and correct."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, func, or_, select

from liangxin.annotation.desk.assignments import Assignment
from liangxin.annotation.desk.open_work import FINISHED
from liangxin.store import Database
from liangxin.store.people import ASSIGNMENTS, RESPONSES, TASKS
from liangxin.words import Bilingual, category_title

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One finished task, by the last version of what was sent."""

    assignment: int
    number: int
    """The how-manieth of this person."""
    category_title: Bilingual
    """The category's name by language, `zh` and `en`."""
    at: float
    skip: str | None
    """Why it was skipped; None where it was judged."""
    levels: tuple[str, ...]
    """By place and turn."""
    best: tuple[int, ...]
    """Places of the best answers."""
    none_good: bool
    points: int | None


def finished(database: Database, project: Project, account: int, limit: int) -> list[Finished]:
    """A person's finished tasks, the newest first."""
    latest = (
        select(RESPONSES.c.seat, func.max(RESPONSES.c.version).label("version"))
        .where(RESPONSES.c.project == project.key, RESPONSES.c.account == account)
        .group_by(RESPONSES.c.seat)
        .subquery()
    )
    of_latest = and_(RESPONSES.c.seat == latest.c.seat, RESPONSES.c.version == latest.c.version)
    mine = _mine(project.key, account)
    query = (
        select(ASSIGNMENTS.c.key, ASSIGNMENTS.c.done, TASKS.c.category, RESPONSES.c.content)
        .join(TASKS, TASKS.c.key == ASSIGNMENTS.c.task)
        .join(RESPONSES, RESPONSES.c.seat == ASSIGNMENTS.c.key)
        .join(latest, of_latest)
        .where(*mine)
        .order_by(ASSIGNMENTS.c.done.desc(), ASSIGNMENTS.c.key.desc())
        .limit(limit)
    )
    with database.begin() as connection:
        total = connection.execute(select(func.count()).where(*mine)).scalar_one()
        rows = connection.execute(query).all()
    return [_finished(project, row, total - place) for place, row in enumerate(rows)]


def number_of(connection: Connection, assignment: Assignment) -> int | None:
    """The how-manieth finished task of its person an assignment is; None where it is not finished."""
    if assignment.state not in FINISHED or assignment.done is None or assignment.account is None:
        return None
    earlier = or_(
        ASSIGNMENTS.c.done < assignment.done,
        and_(ASSIGNMENTS.c.done == assignment.done, ASSIGNMENTS.c.key <= assignment.key),
    )
    query = select(func.count()).where(*_mine(assignment.project, assignment.account), earlier)
    return int(connection.execute(query).scalar_one())


def _mine(project: int, account: int) -> tuple[Any, ...]:
    return (
        ASSIGNMENTS.c.project == project,
        ASSIGNMENTS.c.account == account,
        ASSIGNMENTS.c.state.in_(FINISHED),
    )


def _finished(project: Project, row: Any, number: int) -> Finished:
    content: Mapping[str, Any] = json.loads(row.content)
    levels = sorted(
        (tuple(int(part) for part in at.split(":")), level) for at, level in content["levels"].items()
    )
    return Finished(
        assignment=row.key,
        number=number,
        category_title=category_title(project.benchmark.taxonomy, row.category.split("/")),
        at=row.done,
        skip=content["skip"],
        levels=tuple(level for _, level in levels),
        best=tuple(content["best"]),
        none_good=content["none_good"],
        points=content["points"],
    )
