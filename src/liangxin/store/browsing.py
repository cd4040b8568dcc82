"""Finding dialogues of a run: filters, search and pages, all done by the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, exists, func, or_, select

from liangxin.records import ReplyStatus
from liangxin.store.attempts import overtaken
from liangxin.store.candidates import item_holds
from liangxin.store.database import Database
from liangxin.store.dialogues import ADJUDICATED
from liangxin.store.runs import RunRecord
from liangxin.store.schema import ITEMS, JUDGEMENTS, JUDGES, RUN_ITEMS, TURNS

Place = tuple[int, int]
"""(rank, trial): where a dialogue stands in its run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueFilter:
    """Which dialogues; what is empty does not matter."""

    category: str = ""
    """A category path; everything below it counts."""
    status: str = ""
    """A reply's status at the attempt that counts, of any turn."""
    judge: int | None = None
    """The key of a judge that has ruled on it."""
    level: str = ""
    """A level that this judge (or any) gives to any turn now."""
    differ: bool = False
    """Two levels for one turn, by judges on one scale or by a judge's annotators."""
    text: str = ""
    """A piece of any prompt or answer; Latin letters in either case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """What filters of a run can name."""

    categories: tuple[str, ...]
    statuses: tuple[str, ...]
    levels: tuple[str, ...]


def find(
    database: Database, run: RunRecord, wanted: DialogueFilter, *, start: int, most: int
) -> tuple[list[Place], int]:
    """One page of the asked dialogues that fit, by rank and trial, and how many fit altogether."""
    fitting = _fitting(run, wanted)
    query = select(fitting).order_by(fitting.c.rank, fitting.c.trial).offset(start).limit(most)
    with database.begin() as connection:
        count = connection.execute(select(func.count()).select_from(fitting)).scalar_one()
        return [(row.rank, row.trial) for row in connection.execute(query)], count


def beside(
    database: Database, run: RunRecord, wanted: DialogueFilter, place: Place
) -> tuple[Place | None, Place | None]:
    """The dialogues before and after a place among those that fit."""
    rank, trial = place
    fitting = _fitting(run, wanted)
    at, of = fitting.c.rank, fitting.c.trial
    before = select(fitting).where(or_(at < rank, and_(at == rank, of < trial)))
    after = select(fitting).where(or_(at > rank, and_(at == rank, of > trial)))
    with database.begin() as connection:
        first = connection.execute(before.order_by(at.desc(), of.desc()).limit(1)).first()
        second = connection.execute(after.order_by(at, of).limit(1)).first()
    return (_place(first), _place(second))


def facets(database: Database, run: RunRecord) -> Facets:
    """Every category prefix, reply status and level that stands in the run."""
    planned = (RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.unit_rank < run.units)
    categories = _items_of(run, select(ITEMS.c.category)).where(*planned).distinct()
    statuses = select(TURNS.c.status).where(TURNS.c.run == run.key).distinct()
    levels = select(JUDGEMENTS.c.level).where(JUDGEMENTS.c.run == run.key).distinct()
    with database.begin() as connection:
        paths = [category.split("/") for category in connection.execute(categories).scalars() if category]
        found = {"/".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}
        return Facets(
            categories=tuple(sorted(found)),
            statuses=tuple(one for one in ReplyStatus if one in set(connection.execute(statuses).scalars())),
            levels=tuple(sorted(level for level in connection.execute(levels).scalars() if level)),
        )


def verdict_counts(database: Database, runs: Sequence[int]) -> dict[int, int]:
    """How many verdicts each judge has given, by its key, on these runs."""
    query = (
        select(JUDGEMENTS.c.judge, func.count())
        .where(JUDGEMENTS.c.run.in_(runs))
        .group_by(JUDGEMENTS.c.judge)
    )
    with database.begin() as connection:
        return {judge: int(count) for judge, count in connection.execute(query)}


def reply_counts(database: Database, runs: Sequence[int]) -> dict[int, dict[str, int]]:
    """Each run's replies by status, at the attempt that counts."""
    turns = TURNS.alias()
    query = (
        select(turns.c.run, turns.c.status, func.count())
        .where(turns.c.run.in_(runs), ~overtaken(TURNS, turns))
        .group_by(turns.c.run, turns.c.status)
    )
    found: dict[int, dict[str, int]] = {run: {} for run in runs}
    with database.begin() as connection:
        for run, status, count in connection.execute(query):
            found[run][status] = int(count)
    return found


def _place(row: Any) -> Place | None:
    return None if row is None else (row.rank, row.trial)


def _items_of(run: RunRecord, query: Select[Any]) -> Select[Any]:
    """The query over the run's items."""
    return query.select_from(RUN_ITEMS).join(
        ITEMS, and_(ITEMS.c.dataset == run.dataset, ITEMS.c.position == RUN_ITEMS.c.position)
    )


def _fitting(run: RunRecord, wanted: DialogueFilter) -> Subquery:
    """(rank, trial) of the dialogues that fit."""
    asked = select(TURNS.c.rank, TURNS.c.trial).where(TURNS.c.run == run.key).distinct().subquery()
    query = (
        _items_of(run, select(asked.c.rank, asked.c.trial))
        .join(asked, asked.c.rank == RUN_ITEMS.c.rank)
        .where(RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.unit_rank < run.units)
    )
    if wanted.category:
        below = ITEMS.c.category.startswith(f"{wanted.category}/", autoescape=True)
        query = query.where(or_(ITEMS.c.category == wanted.category, below))
    if wanted.status:
        turns = TURNS.alias()
        there = (turns.c.run == run.key, turns.c.rank == asked.c.rank, turns.c.trial == asked.c.trial)
        query = query.where(exists().where(*there, turns.c.status == wanted.status, ~overtaken(TURNS, turns)))
    if wanted.text:
        turns = TURNS.alias()
        there = (turns.c.run == run.key, turns.c.rank == asked.c.rank, turns.c.trial == asked.c.trial)
        said = exists().where(*there, turns.c.text.icontains(wanted.text, autoescape=True))
        query = query.where(or_(item_holds(wanted.text), said))
    if wanted.judge is not None or wanted.level:
        query = query.where(_ruled(run, wanted, asked))
    if wanted.differ:
        query = query.where(_differing(run, asked))
    return query.subquery()


def _ruled(run: RunRecord, wanted: DialogueFilter, asked: Any) -> ColumnElement[bool]:
    rulings = JUDGEMENTS.alias()
    there = [rulings.c.run == run.key, rulings.c.rank == asked.c.rank, rulings.c.trial == asked.c.trial]
    if wanted.judge is not None:
        there.append(rulings.c.judge == wanted.judge)
    if wanted.level:
        there += [rulings.c.level == wanted.level, ~overtaken(JUDGEMENTS, rulings)]
    return exists().where(*there)


def _differing(run: RunRecord, asked: Any) -> ColumnElement[bool]:
    """Two levels for one turn on one scale; an adjudicator's decision does not count."""
    rulings = JUDGEMENTS.alias()
    there = (
        select(rulings.c.turn)
        .join(JUDGES, JUDGES.c.key == rulings.c.judge)
        .where(rulings.c.run == run.key, rulings.c.rank == asked.c.rank, rulings.c.trial == asked.c.trial)
        .where(
            rulings.c.annotator != ADJUDICATED, rulings.c.level.is_not(None), ~overtaken(JUDGEMENTS, rulings)
        )
        .group_by(rulings.c.turn, JUDGES.c.subject)
        .having(func.count(rulings.c.level.distinct()) > 1)
        .correlate(asked)
    )
    return there.exists()
