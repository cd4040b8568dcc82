"""The items and answers behind an annotation project's candidates: what its tasks show, and searching in it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from liangxin.records import Item, Reply, ReplyStatus
from liangxin.store.attempts import counting
from liangxin.store.content import item_of
from liangxin.store.people import CANDIDATES, TASKS
from liangxin.store.schema import ITEMS, RUN_ITEMS, RUNS, TURNS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCandidate:
    """A candidate of a task with its item."""

    task: int
    position: int
    """The task's place in the project."""
    number: int
    run: int
    """The run's key."""
    rank: int
    trial: int
    item: Item


def candidates_at(
    connection: Connection, project: int, task: int, candidate: int | None = None
) -> list[StoredCandidate]:
    """The candidates of a project's task in their order, or one of them; empty where there is none."""
    query = _candidates(project).where(CANDIDATES.c.task == task)
    if candidate is not None:
        query = query.where(CANDIDATES.c.slot == candidate)
    return [
        StoredCandidate(
            task=row.key,
            position=row.position,
            number=row.slot,
            run=row.run,
            rank=row.rank,
            trial=row.trial,
            item=item_of(row.id, row.content),
        )
        for row in connection.execute(query.order_by(CANDIDATES.c.slot))
    ]


def task_items(connection: Connection, project: int, tasks: Collection[int]) -> dict[int, Item]:
    """The items of some tasks, by task."""
    query = _candidates(project).where(TASKS.c.key.in_(tasks), CANDIDATES.c.slot == 0)
    return {row.key: item_of(row.id, row.content) for row in connection.execute(query)}


def replies_at(connection: Connection, run: int, rank: int, trial: int) -> dict[int, Reply]:
    """Text and status of a dialogue's replies by turn, at the attempt that counts."""
    query = select(TURNS.c.turn, TURNS.c.text, TURNS.c.status).order_by(TURNS.c.attempt)
    query = query.where(TURNS.c.run == run, TURNS.c.rank == rank, TURNS.c.trial == trial)
    found = counting(connection.execute(query), lambda row: row.turn)
    return {turn: Reply(text=row.text, status=ReplyStatus(row.status)) for turn, row in found.items()}


def tasks_asking(connection: Connection, project: int, words: str) -> set[int]:
    """The tasks whose item has these words in its id or prompts; Latin letters in either case."""
    query = _candidates(project).where(
        or_(item_holds(words), ITEMS.c.id.icontains(words, autoescape=True)), CANDIDATES.c.slot == 0
    )
    found = set()
    for row in connection.execute(query):
        item = item_of(row.id, row.content)
        # The stored text holds the names of its fields too.
        if any(words.casefold() in text.casefold() for text in (item.id, *item.turns)):
            found.add(row.key)
    return found


def answers_saying(connection: Connection, project: int, words: str) -> set[tuple[int, int, int]]:
    """(task, candidate, turn) of the answers that have these words; Latin letters in either case."""
    same = and_(
        TURNS.c.run == CANDIDATES.c.run,
        TURNS.c.rank == CANDIDATES.c.rank,
        TURNS.c.trial == CANDIDATES.c.trial,
    )
    query = (
        select(CANDIDATES.c.task, CANDIDATES.c.slot, TURNS.c.turn)
        .join(TASKS, TASKS.c.key == CANDIDATES.c.task)
        .join(TURNS, same)
        .where(TASKS.c.project == project, TURNS.c.text.icontains(words, autoescape=True))
    )
    return {(task, candidate, turn) for task, candidate, turn in connection.execute(query)}


def first_tasks(connection: Connection, project: int, dataset: int, text: str, most: int) -> list[int]:
    """The first tasks whose item has this id, or this text anywhere in it; in the project's order."""
    query = (
        select(TASKS.c.key)
        .join(ITEMS, and_(ITEMS.c.dataset == dataset, ITEMS.c.id == TASKS.c.item))
        .where(TASKS.c.project == project)
        .where(or_(TASKS.c.item == text, ITEMS.c.content.icontains(text, autoescape=True)))
        .order_by(TASKS.c.position)
        .limit(most)
    )
    return list(connection.execute(query).scalars())


def item_holds(words: str) -> ColumnElement[bool]:
    """Whether a stored item has these words in one of its fields or their names; Latin letters in either case."""
    inside = json.dumps(words, ensure_ascii=False)[1:-1]
    return ITEMS.c.content.icontains(inside, autoescape=True)


def _candidates(project: int) -> Select[Any]:
    """Every candidate of a project with its item."""
    candidate = (CANDIDATES.c.slot, CANDIDATES.c.run, CANDIDATES.c.rank, CANDIDATES.c.trial)
    return (
        select(TASKS.c.key, TASKS.c.position, *candidate, ITEMS.c.id, ITEMS.c.content)
        .select_from(TASKS)
        .join(CANDIDATES, CANDIDATES.c.task == TASKS.c.key)
        .join(RUNS, RUNS.c.key == CANDIDATES.c.run)
        .join(RUN_ITEMS, and_(RUN_ITEMS.c.run == CANDIDATES.c.run, RUN_ITEMS.c.rank == CANDIDATES.c.rank))
        .join(ITEMS, and_(ITEMS.c.dataset == RUNS.c.dataset, ITEMS.c.position == RUN_ITEMS.c.position))
        .where(TASKS.c.project == project)
    )
