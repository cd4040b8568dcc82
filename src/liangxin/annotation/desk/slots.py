"""The dialogues of a task, as the store holds them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from liangxin.annotation.desk.places import SeenTurn, seen_turns
from liangxin.annotation.projects import Project
from liangxin.errors import NotThere
from liangxin.records import Item
from liangxin.store import Database
from liangxin.store.content import item_of
from liangxin.store.people import SLOTS, TASKS
from liangxin.store.schema import ITEMS, RUN_ITEMS, RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One dialogue of a task."""

    slot: int
    run: int
    """The run's key."""
    rank: int
    trial: int
    turns: tuple[SeenTurn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSlots:
    """A task with all its dialogues, in the order of their slots."""

    task: int
    item: Item
    slots: tuple[Slot, ...]

    def slot(self, number: int) -> Slot:
        """The slot of that number; KeyError where there is none."""
        return {slot.slot: slot for slot in self.slots}[number]


def slots_of(database: Database, project: Project, task: int) -> TaskSlots:
    """A task's dialogues.

    Raises:
        NotThere: the project has no such task.
    """
    with database.begin() as connection:
        return read_slots(connection, project, task)


def read_slots(connection: Connection, project: Project, task: int) -> TaskSlots:
    """A task's dialogues within a transaction; errors as `slots_of`."""
    query = (
        select(SLOTS.c.slot, SLOTS.c.run, SLOTS.c.rank, SLOTS.c.trial, ITEMS.c.id, ITEMS.c.content)
        .join(TASKS, TASKS.c.key == SLOTS.c.task)
        .join(RUNS, RUNS.c.key == SLOTS.c.run)
        .join(RUN_ITEMS, and_(RUN_ITEMS.c.run == SLOTS.c.run, RUN_ITEMS.c.rank == SLOTS.c.rank))
        .join(ITEMS, and_(ITEMS.c.dataset == RUNS.c.dataset, ITEMS.c.position == RUN_ITEMS.c.position))
        .where(TASKS.c.project == project.key, SLOTS.c.task == task)
        .order_by(SLOTS.c.slot)
    )
    rows = connection.execute(query).all()
    if not rows:
        raise NotThere("这个项目里没有这道题。", "There is no such task in this project.")
    item = item_of(rows[0].id, rows[0].content)
    slots = tuple(
        Slot(
            slot=row.slot,
            run=row.run,
            rank=row.rank,
            trial=row.trial,
            turns=seen_turns(connection, item, (row.run, row.rank, row.trial)),
        )
        for row in rows
    )
    return TaskSlots(task=task, item=item, slots=slots)
