"""Gold questions: answers whose level is known. Everybody gets them, mixed in, and cannot tell them apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select, update

from liangxin.annotation.desk.candidates import candidates_of
from liangxin.annotation.projects import Project
from liangxin.digests import canonical
from liangxin.errors import NotThere, PeopleError
from liangxin.people import audit
from liangxin.store import Database
from liangxin.store.candidates import first_tasks
from liangxin.store.people import TASKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """One gold question."""

    task: int
    item: str
    category: tuple[str, ...]
    levels: Mapping[tuple[int, int], str]
    """(candidate, turn) -> the level that is right."""
    reason: str


def set_gold(
    database: Database,
    project: Project,
    task: int,
    levels: Mapping[tuple[int, int], str],
    account: int,
    reason: str,
) -> None:
    """Make a task a gold question, or change what is right.

    Args:
        account: the key of who does it.
        reason: why the level is right.

    Raises:
        NotThere: the project has no such task, or the task no such answer.
        PeopleError: no level is given, or one is not on the answer's scale.
    """
    found = candidates_of(database, project, task)
    if not levels:
        raise PeopleError("请至少给一条回答定等级。", "Give at least one answer its level.")
    scale = project.scale_for(found.item.category)
    judgeable = {
        (candidate.number, turn.turn)
        for candidate in found.candidates
        for turn in candidate.turns
        if turn.judgeable
    }
    for at, level in levels.items():
        if at not in judgeable:
            raise NotThere("这道题没有这条回答。", "The task has no such answer.")
        if scale.level(level) is None:
            names = [one.name for one in scale.levels]
            raise PeopleError(
                f"等级“{level}”不在量表里，应是：{'、'.join(names)}。",
                f"The level {level!r} is not on the scale; it should be one of {', '.join(names)}.",
            )
    content = {
        "levels": {f"{candidate}:{turn}": level for (candidate, turn), level in levels.items()},
        "reason": reason[:2000],
    }
    _write(database, project, task, account, canonical(content))


def remove_gold(database: Database, project: Project, task: int, account: int) -> None:
    """Make a gold question an ordinary task; what people said of it stays.

    Raises:
        NotThere: the project has no such task.
    """
    _write(database, project, task, account, None)


def gold_of(database: Database, project: Project) -> list[Gold]:
    """The project's gold questions, in its order."""
    query = (
        select(TASKS)
        .where(TASKS.c.project == project.key, TASKS.c.gold.is_not(None))
        .order_by(TASKS.c.position)
    )
    with database.begin() as connection:
        rows = connection.execute(query).all()
    found = []
    for row in rows:
        content = json.loads(row.gold)
        levels = {}
        for at, level in content["levels"].items():
            candidate, _, turn = at.partition(":")
            levels[int(candidate), int(turn)] = level
        category = tuple(row.category.split("/")) if row.category else ()
        found.append(
            Gold(task=row.key, item=row.item, category=category, levels=levels, reason=content["reason"])
        )
    return found


def find_tasks(database: Database, project: Project, text: str, most: int) -> list[int]:
    """The keys of the first tasks whose item has this id, or this text in what is asked; in the project's order."""
    with database.begin() as connection:
        return first_tasks(connection, project.key, project.runs[0].dataset, text.strip(), most)


def _write(database: Database, project: Project, task: int, account: int, content: str | None) -> None:
    with database.write() as connection:
        done = connection.execute(
            update(TASKS).where(TASKS.c.key == task, TASKS.c.project == project.key).values(gold=content)
        )
        if done.rowcount != 1:
            raise NotThere("这个项目里没有这道题。", "There is no such task in this project.")
        action = "gold question set" if content else "gold question removed"
        audit.note(connection, account, action, project=project.name, task=task)
