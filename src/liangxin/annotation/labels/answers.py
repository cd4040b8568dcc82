"""Every answer of a project with what binds a label to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from liangxin.annotation.desk.candidates import read_candidates
from liangxin.annotation.desk.places import At, SeenTurn
from liangxin.annotation.projects import Project
from liangxin.records import Item
from liangxin.store import Database, RunRecord
from liangxin.store.content import dialogue_key
from liangxin.store.people import TASKS


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAnswer:
    """One turn of one dialogue."""

    at: At
    position: int
    """The task's place in the project, from 0."""
    item: Item
    run: RunRecord
    trial: int
    dialogue: str
    seen: SeenTurn


def answers_of(database: Database, project: Project) -> Iterator[list[TaskAnswer]]:
    """The answers of each task, task by task in the project's order, by candidate and turn."""
    runs = {run.key: run for run in project.runs}
    query = select(TASKS.c.key, TASKS.c.position).where(TASKS.c.project == project.key)
    with database.begin() as connection:
        tasks = connection.execute(query.order_by(TASKS.c.position)).all()
    for key, position in tasks:
        with database.begin() as connection:
            found = read_candidates(connection, project, key)
        yield [
            TaskAnswer(
                at=At(task=key, candidate=candidate.number, turn=turn.turn),
                position=position,
                item=found.item,
                run=runs[candidate.run],
                trial=candidate.trial,
                dialogue=dialogue_key(runs[candidate.run].id, found.item.id, candidate.trial),
                seen=turn,
            )
            for candidate in found.candidates
            for turn in candidate.turns
        ]
