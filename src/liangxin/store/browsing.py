"""Finding dialogues of a run: filters, search and what can be filtered by, all done by the database."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from liangxin.records import ReplyStatus
from liangxin.store.attempts import overtaken
from liangxin.store.database import Database
from liangxin.store.dialogues import ADJUDICATED
from liangxin.store.runs import RunRecord
from liangxin.store.schema import ITEMS, JUDGEMENTS, JUDGES, RUN_ITEMS, TURNS
from liangxin.store.searching import saying

Place = tuple[int, int]
"""(rank, trial): where a dialogue stands in its run."""

_TRIALS = 1 << 20


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlaces:
    """Every asked dialogue that fits, by rank and trial: a number each, so that 100,000 take 800 kB."""

    packed: array[int]

    def __len__(self) -> int:
        return len(self.packed)

    def page(self, start: int, most: int) -> list[Place]:
        """Some of them, from the one at `start` on."""
        return [divmod(one, _TRIALS) for one in self.packed[start : start + most]]

    def beside(self, place: Place) -> tuple[Place | None, Place | None]:
        """Those before and after a place, which need not be one of them."""
        at = place[0] * _TRIALS + place[1]
        before, after = bisect_left(self.packed, at) - 1, bisect_right(self.packed, at)
        return (
            divmod(self.packed[before], _TRIALS) if before >= 0 else None,
            divmod(self.packed[after], _TRIALS) if after < len(self.packed) else None,
        )


def find(database: Database, run: RunRecord, wanted: DialogueFilter) -> FoundPlaces:
    """The asked dialogues that fit, in the run's order."""
    with database.read() as connection:
        rows = connection.execute(_fitting(connection, run, wanted))
        # The driver's own rows: a number each needs no row object around it.
        return FoundPlaces(packed=array("q", chain.from_iterable(rows.cursor.fetchall())))


def facets(database: Database, run: RunRecord) -> Facets:
    """Every category prefix, reply status and level that stands in the run."""
    with database.read() as connection:
        paths = [category.split("/") for category in _categories(connection, run) if category]
        found = {"/".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}
        statuses = _distinct(connection, TURNS, "status", TURNS.c.run == run.key)
        return Facets(
            categories=tuple(sorted(found)),
            statuses=tuple(one for one in ReplyStatus if one in statuses),
            levels=tuple(
                level
                for level in _distinct(connection, JUDGEMENTS, "level", JUDGEMENTS.c.run == run.key)
                if level
            ),
        )


def verdict_counts(database: Database, runs: Sequence[int]) -> dict[int, int]:
    """How many verdicts each judge has given, by its key, on these runs."""
    query = (
        select(JUDGEMENTS.c.judge, func.count())
        .where(JUDGEMENTS.c.run.in_(runs))
        .group_by(JUDGEMENTS.c.judge)
    )
    with database.read() as connection:
        return {judge: int(count) for judge, count in connection.execute(query)}


def reply_counts(database: Database, runs: Sequence[int]) -> dict[int, dict[str, int]]:
    """Each run's replies by status, at the attempt that counts."""
    turns, again = TURNS.alias(), TURNS.alias()
    of = (TURNS.c.run, TURNS.c.status)
    every = select(*of, func.count()).where(TURNS.c.run.in_(runs)).group_by(*of)
    # Only where a turn was asked again can one attempt have overtaken another.
    twice = select(again.c.run, again.c.rank, again.c.trial, again.c.turn).where(
        again.c.run.in_(runs), again.c.attempt > 1
    )
    late = (
        select(turns.c.run, turns.c.status, func.count())
        .where(
            tuple_(turns.c.run, turns.c.rank, turns.c.trial, turns.c.turn).in_(twice), overtaken(TURNS, turns)
        )
        .group_by(turns.c.run, turns.c.status)
    )
    found: dict[int, dict[str, int]] = {run: {} for run in runs}
    with database.read() as connection:
        less = {(run, status): int(count) for run, status, count in connection.execute(late)}
        for run, status, count in connection.execute(every):
            if left := int(count) - less.get((run, status), 0):
                found[run][status] = left
    return found


def reply_rows(database: Database, run: RunRecord) -> int:
    """How many attempts are stored of a run: they are appended only, so it tells whether any came."""
    with database.read() as connection:
        query = select(func.count()).select_from(TURNS).where(TURNS.c.run == run.key)
        return int(connection.execute(query).scalar_one())


def _distinct(connection: Connection, table: Table, column: str, where: ColumnElement[bool]) -> list[str]:
    """A column's values in order, each found by one step in its index: neither database skips there by itself."""
    values: list[str] = []
    lowest = select(func.min(table.c[column])).where(where)
    value = connection.execute(lowest).scalar()
    while value is not None:
        values.append(value)
        value = connection.execute(lowest.where(table.c[column] > value)).scalar()
    return values


def _categories(connection: Connection, run: RunRecord) -> list[str]:
    """The categories of the planned items: of all that the data have, those of which one is planned."""
    every = _distinct(connection, ITEMS, "category", ITEMS.c.dataset == run.dataset)
    planned = select(RUN_ITEMS.c.position).where(
        RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.unit_rank < run.units
    )
    left = exists().where(RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.unit_rank >= run.units)
    if not connection.execute(select(left)).scalar():
        return every
    used = select(ITEMS.c.category).where(ITEMS.c.dataset == run.dataset, ITEMS.c.position.in_(planned))
    return sorted(connection.execute(used.distinct()).scalars())


def _fitting(connection: Connection, run: RunRecord, wanted: DialogueFilter) -> Select[Any]:
    """A number for each dialogue that fits; each filter is a set of places that is made once."""
    turns = TURNS.alias()
    rank, trial = turns.c.rank, turns.c.trial
    place = tuple_(rank, trial)
    query = (
        select((cast(rank, BigInteger) * _TRIALS + trial).label("place"))
        .select_from(turns)
        .join(RUN_ITEMS, and_(RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.rank == rank))
        .where(turns.c.run == run.key, RUN_ITEMS.c.unit_rank < run.units)
    )
    if wanted.category:
        below = ITEMS.c.category.startswith(f"{wanted.category}/", autoescape=True)
        within = select(ITEMS.c.position).where(ITEMS.c.dataset == run.dataset)
        within = within.where(or_(ITEMS.c.category == wanted.category, below))
        query = query.where(RUN_ITEMS.c.position.in_(within))
    if wanted.status:
        rows = TURNS.alias()
        having = select(rows.c.rank, rows.c.trial).where(
            rows.c.run == run.key, rows.c.status == wanted.status, ~overtaken(TURNS, rows)
        )
        query = query.where(place.in_(having))
    if wanted.text:
        query = query.where(
            saying(connection, run.key, run.dataset, wanted.text, place, RUN_ITEMS.c.position)
        )
    if wanted.judge is not None or wanted.level:
        query = query.where(place.in_(_ruled(run, wanted)))
    if wanted.differ:
        query = query.where(place.in_(_differing(run)))
    return query.group_by(rank, trial).order_by(rank, trial)


def _ruled(run: RunRecord, wanted: DialogueFilter) -> Select[Any]:
    rulings = JUDGEMENTS.alias()
    query = _places(rulings, run)
    if wanted.judge is not None:
        query = query.where(rulings.c.judge == wanted.judge)
    if wanted.level:
        query = query.where(rulings.c.level == wanted.level, ~overtaken(JUDGEMENTS, rulings))
    return query


def _differing(run: RunRecord) -> Select[Any]:
    """Two levels for one turn on one scale; an adjudicator's decision does not count."""
    rulings = JUDGEMENTS.alias()
    return (
        _places(rulings, run)
        .join(JUDGES, JUDGES.c.key == rulings.c.judge)
        .where(
            rulings.c.annotator != ADJUDICATED, rulings.c.level.is_not(None), ~overtaken(JUDGEMENTS, rulings)
        )
        .group_by(rulings.c.rank, rulings.c.trial, rulings.c.turn, JUDGES.c.subject)
        .having(func.min(rulings.c.level) < func.max(rulings.c.level))
    )


def _places(rows: FromClause, run: RunRecord) -> Select[Any]:
    return select(rows.c.rank, rows.c.trial).select_from(rows).where(rows.c.run == run.key)
