"""Where an answer of a project stands in the store, and the dialogue that it is a turn of."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, and_, or_, select

from liangxin.errors import NotThere
from liangxin.records import Item, Reply, ReplyStatus
from liangxin.store.content import item_of
from liangxin.store.people import SLOTS, TASKS
from liangxin.store.schema import ITEMS, RUN_ITEMS, RUNS, TURNS

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class At:
    """One answer of a project: a turn of the dialogue in a slot of a task."""

    task: int
    slot: int
    turn: int

    def __str__(self) -> str:
        """As it stands in an address: `TASK-SLOT-TURN`."""
        return f"{self.task}-{self.slot}-{self.turn}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTurn:
    """One turn as people see it."""

    turn: int
    prompt: str
    answer: str
    status: ReplyStatus
    judgeable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An answer's dialogue."""

    run: int
    """The run's key."""
    rank: int
    trial: int
    position: int
    """The task's place in the project."""
    item: Item
    turns: tuple[SeenTurn, ...]

    @property
    def category(self) -> tuple[str, ...]:
        """The item's category."""
        return self.item.category


def place_of(connection: Connection, project: Project, at: At) -> Place:
    """The dialogue of an answer.

    Raises:
        NotThere: the project has no such answer, or there is nothing in it to judge.
    """
    query = _items(project.key).where(TASKS.c.key == at.task, SLOTS.c.slot == at.slot)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _no_such_answer()
    item = item_of(row.id, row.content)
    turns = seen_turns(connection, item, (row.run, row.rank, row.trial))
    if not any(one.turn == at.turn and one.judgeable for one in turns):
        raise _no_such_answer()
    return Place(run=row.run, rank=row.rank, trial=row.trial, position=row.position, item=item, turns=turns)


def items_of(connection: Connection, project: int, tasks: Collection[int]) -> dict[int, Item]:
    """The items of some tasks, by task."""
    query = _items(project).where(TASKS.c.key.in_(tasks), SLOTS.c.slot == 0)
    return {row.key: item_of(row.id, row.content) for row in connection.execute(query)}


def search(connection: Connection, project: int, words: str) -> Callable[[At], bool]:
    """Which answers speak of these words: in the item's id or prompts, or in the answer itself."""
    inside = json.dumps(words, ensure_ascii=False)[1:-1]
    stored = ITEMS.c.content.icontains(inside, autoescape=True)
    query = _items(project).where(or_(stored, ITEMS.c.id.icontains(words, autoescape=True)))
    asked = set()
    for row in connection.execute(query.where(SLOTS.c.slot == 0)):
        item = item_of(row.id, row.content)
        # The stored text holds the names of its fields too.
        if any(words.casefold() in text.casefold() for text in (item.id, *item.turns)):
            asked.add(row.key)
    same = and_(TURNS.c.run == SLOTS.c.run, TURNS.c.rank == SLOTS.c.rank, TURNS.c.trial == SLOTS.c.trial)
    said = (
        select(SLOTS.c.task, SLOTS.c.slot, TURNS.c.turn)
        .join(TASKS, TASKS.c.key == SLOTS.c.task)
        .join(TURNS, same)
        .where(TASKS.c.project == project, TURNS.c.text.icontains(words, autoescape=True))
    )
    answers = {(task, slot, turn) for task, slot, turn in connection.execute(said)}
    return lambda at: at.task in asked or (at.task, at.slot, at.turn) in answers


def _items(project: int) -> Select[Any]:
    """Every slot of a project with its item."""
    slot = (SLOTS.c.slot, SLOTS.c.run, SLOTS.c.rank, SLOTS.c.trial)
    return (
        select(TASKS.c.key, TASKS.c.position, *slot, ITEMS.c.id, ITEMS.c.content)
        .select_from(TASKS)
        .join(SLOTS, SLOTS.c.task == TASKS.c.key)
        .join(RUNS, RUNS.c.key == SLOTS.c.run)
        .join(RUN_ITEMS, and_(RUN_ITEMS.c.run == SLOTS.c.run, RUN_ITEMS.c.rank == SLOTS.c.rank))
        .join(ITEMS, and_(ITEMS.c.dataset == RUNS.c.dataset, ITEMS.c.position == RUN_ITEMS.c.position))
        .where(TASKS.c.project == project)
    )


def seen_turns(connection: Connection, item: Item, of: tuple[int, int, int]) -> tuple[SeenTurn, ...]:
    """The attempt of every turn that counts: the last that is not `failed`."""
    run, rank, trial = of
    query = select(TURNS.c.turn, TURNS.c.text, TURNS.c.status).order_by(TURNS.c.attempt)
    query = query.where(TURNS.c.run == run, TURNS.c.rank == rank, TURNS.c.trial == trial)
    counting: dict[int, Reply] = {}
    for row in connection.execute(query):
        if row.turn not in counting or row.status != ReplyStatus.FAILED:
            counting[row.turn] = Reply(text=row.text, status=ReplyStatus(row.status))
    nothing = Reply(status=ReplyStatus.NOT_ASKED)
    found = []
    for turn, prompt in enumerate(item.turns, start=1):
        reply = counting.get(turn, nothing)
        found.append(
            SeenTurn(
                turn=turn, prompt=prompt, answer=reply.text, status=reply.status, judgeable=reply.judgeable
            )
        )
    return tuple(found)


def _no_such_answer() -> NotThere:
    return NotThere(
        "这个项目里没有这条回答。请从裁决列表重新打开。",
        "There is no such answer in this project. Open it from the list of disagreements.",
    )
