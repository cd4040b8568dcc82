"""The dialogues of a task, as the store holds them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from liangxin.annotation.desk.places import SeenTurn, seen_turns
from liangxin.annotation.projects import Project
from liangxin.errors import NotThere
from liangxin.records import Item
from liangxin.store import Database
from liangxin.store.slots import slots_at


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
    found = slots_at(connection, project.key, task)
    if not found:
        raise NotThere("这个项目里没有这道题。", "There is no such task in this project.")
    slots = tuple(
        Slot(slot=one.slot, run=one.run, rank=one.rank, trial=one.trial, turns=seen_turns(connection, one))
        for one in found
    )
    return TaskSlots(task=task, item=found[0].item, slots=slots)
