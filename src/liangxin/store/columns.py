"""A run read as columns: what scores depend on, without texts, a few thousand rows in memory at a time.

Scoring a million judgements through records (`liangxin.store.dialogues`) makes several million objects; here
a chunk of the run is a handful of small integer arrays.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    select,
    type_coerce,
)

from liangxin.records import LENGTH_ENDS, ReplyStatus, VerdictStatus
from liangxin.store.attempts import counting_indices
from liangxin.store.content import hashed, intact, item_of
from liangxin.store.database import Database
from liangxin.store.dialogues import ADJUDICATED
from liangxin.store.runs import RunRecord
from liangxin.store.schema import ITEMS, JUDGEMENTS, RUN_ITEMS, TURNS

STATUSES = tuple(ReplyStatus)
"""What the codes of `UnitSheet.statuses` mean."""
NO_TURN = -1
"""The status code of a turn that the item does not have."""

_VERDICTS = tuple(VerdictStatus)
_CELLS = 100_000
_FETCH = 20_000
_PACK = 32
"""Room for a status and a size beside a cell's number: one integer a row is read twice as fast as five columns."""
_SIZES = 4
"""An answer is empty, or of one of three lengths."""
_POSITION = 31
"""Bits of an item's position: an Integer column holds no more."""
_SPARSE = 4
"""Items are read in file order where at least one in so many is planned: random look-ups cost more."""
_JSON = (3, 38)
"""SQLite's release from which JSON functions are always there; they cut items down before Python sees them."""

Codes = NDArray[np.int32]
Shape = tuple[int, int, int]
Head = tuple[tuple[str, ...], tuple[str, ...], str, str, int]
"""All of an item that a score depends on: category, tags, expect, answer (or nothing), number of turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A reply or a verdict that failed, at the attempt that counts."""

    item: str
    turn: int
    judge: int | None
    """The key of the judge that failed; None for the model."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSheet:
    """Some whole units of a run; rows are ranks in the run's order."""

    first: int
    """The first row's rank."""
    units: NDArray[np.int64]
    """[rows] which unit each row belongs to; never decreasing."""
    forms: Codes
    """[rows] indices into `ColumnReader.heads`."""
    statuses: Codes
    """[rows, trials, turns] indices into STATUSES of the attempt that counts, or NO_TURN."""
    judgeable: NDArray[np.bool_]
    """[rows, trials, turns] whether a judge has something to rule on."""
    lengths: Codes
    """[rows, trials, turns] indices into `records.LENGTHS` of what was answered; 0 where nothing was."""
    rulings: Mapping[int, Codes]
    """Judge's key to [annotators, rows, trials, turns]: indices into `ColumnReader.rulings`; 0 where there is none.

    A turn's annotators fill the first places, in their stored order.
    """


class ColumnReader:
    """Reads a run's planned dialogues as sheets of integer codes.

    Of several attempts one counts (`liangxin.store.attempts`); an adjudicator's level stands for all annotators'
    of its turn.
    """

    def __init__(self, database: Database, run: RunRecord, judges: Sequence[int]) -> None:
        self._database = database
        self._run = run
        self._judges = tuple(dict.fromkeys(judges))
        self._head_codes: dict[tuple[str, int], int] = {}
        self._level_codes: dict[str | None, int] = defaultdict(count().__next__)
        self.heads: list[Head] = []
        self._annotators: dict[str, int] = defaultdict(count().__next__)

    @property
    def rulings(self) -> list[tuple[VerdictStatus, str]]:
        """(status, level or nothing) by code; the first stands for no ruling and is never meant."""
        codes = [(status, level or "") for level in self._level_codes for status in _VERDICTS]
        return [(VerdictStatus.ABSTAINED, ""), *codes]

    def sheets(self) -> Iterator[UnitSheet]:
        """The run's units in order."""
        units, forms = self._planned()
        if not len(units):
            return
        most_turns = self._turn_counts(forms).max(initial=1)
        size = max(1, _CELLS // int(self._run.trials * most_turns * max(1, len(self._judges))))
        start = 0
        while start < len(units):
            end = min(start + size, len(units))
            while end < len(units) and units[end] == units[end - 1]:
                end += 1
            yield self._sheet(start, units[start:end], forms[start:end])
            start = end

    def item_ids(self, sheet: UnitSheet) -> Iterator[tuple[int, str]]:
        """Each row of a sheet with its item's id."""
        run, rank = self._run, RUN_ITEMS.c.rank
        query = select(rank - sheet.first, ITEMS.c.id).join(
            ITEMS, and_(ITEMS.c.dataset == run.dataset, ITEMS.c.position == RUN_ITEMS.c.position)
        )
        within = query.where(RUN_ITEMS.c.run == run.key, rank >= sheet.first)
        with self._database.begin() as connection:
            for row in connection.execute(within.where(rank < sheet.first + len(sheet.units))):
                yield row[0], row[1]

    def unit_names(self) -> list[str]:
        """The names of the run's units, by number (`UnitSheet.units`)."""
        run = self._run
        query = select(RUN_ITEMS.c.unit_rank, ITEMS.c.unit).join(
            ITEMS, and_(ITEMS.c.dataset == run.dataset, ITEMS.c.position == RUN_ITEMS.c.position)
        )
        mine = query.where(RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.unit_rank < run.units)
        names: dict[int, str] = {}
        with self._database.begin() as connection:
            for rows in _parts(connection, mine.order_by(RUN_ITEMS.c.rank)):
                names.update(map(tuple, rows))
        return list(names.values())

    def failure(self, rank: int, trial: int, turn: int, judge: int | None) -> Failure:
        """Which item a failed place belongs to, and what was said of it."""
        run = self._run
        table = TURNS.c if judge is None else JUDGEMENTS.c
        place = and_(table.run == run.key, table.rank == rank, table.trial == trial, table.turn == turn)
        said = select(TURNS.c.detail if judge is None else JUDGEMENTS.c.reason).where(place)
        said = said.where(table.status == "failed").order_by(table.attempt.desc())
        if judge is not None:
            said = said.where(JUDGEMENTS.c.judge == judge).order_by(None)
            said = said.order_by(JUDGEMENTS.c.annotator, JUDGEMENTS.c.attempt.desc())
        item = select(ITEMS.c.id, ITEMS.c.content).join(
            RUN_ITEMS, and_(RUN_ITEMS.c.position == ITEMS.c.position, RUN_ITEMS.c.run == run.key)
        )
        item = item.where(ITEMS.c.dataset == run.dataset, RUN_ITEMS.c.rank == rank)
        with self._database.begin() as connection:
            identifier, content = connection.execute(item).one()
            reason = connection.execute(said.limit(1)).scalar_one()
        # A provider's error may quote what it was sent.
        shown = hashed(reason) if item_of(identifier, content).secret else reason
        return Failure(item=identifier, turn=turn, judge=judge, reason=shown)

    @intact()
    def _planned(self) -> tuple[NDArray[np.int64], Codes]:
        """(unit, form) of every planned rank; ranks count up from 0."""
        run = self._run
        mine = and_(RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.unit_rank < run.units)
        packed_place = cast(RUN_ITEMS.c.unit_rank, BigInteger) * (1 << _POSITION) + RUN_ITEMS.c.position
        order = select(packed_place).where(mine).order_by(RUN_ITEMS.c.rank)
        with self._database.begin() as connection:
            packed = _integers(connection, order)
            if not len(packed):
                return packed, np.zeros(0, np.int32)
            units, positions = packed >> _POSITION, packed & ((1 << _POSITION) - 1)
            last = select(func.max(ITEMS.c.position)).where(ITEMS.c.dataset == run.dataset)
            end = int(connection.execute(last).scalar_one()) + 1
            query = select(*self._item_columns()).where(ITEMS.c.dataset == run.dataset)
            if len(units) * _SPARSE < end:
                query = query.join(RUN_ITEMS, RUN_ITEMS.c.position == ITEMS.c.position).where(mine)
            else:
                query = query.order_by(ITEMS.c.position)
            codes = np.zeros(end, np.int32)
            for part in _parts(connection, query):
                found, *contents = zip(*part, strict=True)
                codes[np.array(found)] = np.fromiter(map(self._form, *contents), np.int32, len(part))
        return units, codes[positions]

    def _item_columns(self) -> tuple[ColumnElement[Any], ...]:
        if not self._database.is_sqlite or sqlite3.sqlite_version_info < _JSON:
            return ITEMS.c.position, ITEMS.c.content
        content = ITEMS.c.content
        head = func.json_extract(content, "$.category", "$.tags", "$.expect", "$.answer")
        return ITEMS.c.position, head, func.json_array_length(content, "$.turns")

    def _form(self, content: str, turns: int = -1) -> int:
        """The code of an item's head, given whole or as `_item_columns` cut it down."""
        if turns < 0:
            values: dict[str, Any] = json.loads(content)
            parts = [values.get(name) for name in ("category", "tags", "expect", "answer")]
            content, turns = json.dumps(parts), len(values["turns"])
        code = self._head_codes.get((content, turns))
        if code is None:
            code = self._head_codes[content, turns] = len(self.heads)
            category, tags, expect, answer = json.loads(content)
            self.heads.append((tuple(category), tuple(tags or ()), expect or "", answer or "", turns))
        return code

    def _turn_counts(self, forms: Codes) -> NDArray[np.int64]:
        return np.array([head[4] for head in self.heads], np.int64)[forms]

    @intact()
    def _sheet(self, first: int, units: NDArray[np.int64], forms: Codes) -> UnitSheet:
        turns = self._turn_counts(forms)
        shape = (len(units), self._run.trials, int(turns.max(initial=0)))
        absent = np.arange(shape[2])[None, None, :] >= turns[:, None, None]
        absent = np.broadcast_to(absent, shape)
        with self._database.begin() as connection:
            statuses, judgeable, lengths = self._turns(connection, first, shape)
            rulings = self._rulings(connection, first, shape)
        statuses[absent] = NO_TURN
        judgeable[absent] = False
        for planes in rulings.values():
            planes[:, absent] = 0
        return UnitSheet(
            first=first,
            units=units,
            forms=forms,
            statuses=statuses,
            judgeable=judgeable,
            lengths=lengths,
            rulings=rulings,
        )

    def _turns(
        self, connection: Connection, first: int, shape: Shape
    ) -> tuple[Codes, NDArray[np.bool_], Codes]:
        table = TURNS.c
        short, middle = LENGTH_ENDS
        long = func.length(table.text)
        size = case((table.text == "", 0), (long <= short, 1), (long <= middle, 2), else_=3)
        packed = _cell(TURNS, first, shape) * _PACK + _code(table.status, STATUSES) * _SIZES + size
        order = (table.rank, table.trial, table.turn, table.attempt)
        query = self._within(select(packed), TURNS, first, shape).order_by(*order)
        cells, rest = np.divmod(_integers(connection, query), _PACK)
        status, sizes = np.divmod(rest, _SIZES)
        chosen = counting_indices(cells, status == STATUSES.index(ReplyStatus.FAILED))
        statuses = np.full(shape, STATUSES.index(ReplyStatus.NOT_ASKED), np.int32)
        statuses.reshape(-1)[cells[chosen]] = status[chosen]
        answered = [STATUSES.index(one) for one in (ReplyStatus.OK, ReplyStatus.TRUNCATED)]
        judgeable = np.zeros(shape, bool)
        judgeable.reshape(-1)[cells[chosen]] = (np.isin(status, answered) & (sizes > 0))[chosen]
        lengths = np.zeros(shape, np.int32)
        lengths.reshape(-1)[cells[chosen]] = np.maximum(sizes - 1, 0)[chosen]
        return statuses, judgeable, lengths

    def _rulings(self, connection: Connection, first: int, shape: Shape) -> dict[int, Codes]:
        if not self._judges:
            return {}
        table, size = JUDGEMENTS.c, int(np.prod(shape))
        judge = case({key: number for number, key in enumerate(self._judges)}, value=table.judge)
        place = cast(judge, BigInteger) * size + _cell(JUDGEMENTS, first, shape)
        query = select(
            type_coerce(place * _PACK + _code(table.status, _VERDICTS), BigInteger),
            table.annotator,
            table.level,
        ).where(table.judge.in_(self._judges))
        order = (table.rank, table.judge, table.trial, table.turn, table.annotator, table.attempt)
        read = [np.zeros((3, 0), np.int64)]
        for rows in _parts(connection, self._within(query, JUDGEMENTS, first, shape).order_by(*order)):
            packed, names, levels = zip(*rows, strict=True)
            numbered = _numbered(self._annotators, names), _numbered(self._level_codes, levels)
            read.append(np.array([np.array(packed, np.int64), *numbered]))
        whole, annotators, levels = np.concatenate(read, axis=1)
        cells, status = np.divmod(whole, _PACK)
        codes = 1 + levels * len(_VERDICTS) + status
        failed = status == _VERDICTS.index(VerdictStatus.FAILED)
        chosen = counting_indices(np.stack([cells, annotators]), failed)
        if ADJUDICATED in self._annotators:
            decides = annotators[chosen] == self._annotators[ADJUDICATED]
            given = status[chosen] == _VERDICTS.index(VerdictStatus.GIVEN)
            decided = np.isin(cells[chosen], cells[chosen][decides & given])
            chosen = chosen[decides | ~decided]
        position = _places_within(cells[chosen])
        planes = np.zeros((int(position.max(initial=0)) + 1, len(self._judges) * size), np.int32)
        planes[position, cells[chosen]] = codes[chosen]
        return {
            key: planes[:, number * size : (number + 1) * size].reshape(-1, *shape)
            for number, key in enumerate(self._judges)
        }

    def _within(self, query: Select[Any], table: Table, first: int, shape: Shape) -> Select[Any]:
        """Only rows of the sheet: labels may speak of turns or trials that nobody planned."""
        rank, trial, turn = table.c.rank, table.c.trial, table.c.turn
        inside = (
            rank >= first,
            rank < first + shape[0],
            trial.between(1, shape[1]),
            turn.between(1, shape[2]),
        )
        return query.where(table.c.run == self._run.key, *inside)


def _cell(table: Table, first: int, shape: Shape) -> ColumnElement[int]:
    """The number of a row's (rank, trial, turn) in a flat sheet."""
    rank = cast(table.c.rank, BigInteger) - first
    return (rank * shape[1] + table.c.trial - 1) * shape[2] + table.c.turn - 1


def _code(column: Column[str], names: Sequence[StrEnum]) -> ColumnElement[int]:
    return case({str(name): code for code, name in enumerate(names)}, value=column)


def _parts(connection: Connection, query: Select[Any]) -> Iterator[Sequence[Any]]:
    """Some thousand rows at a time: small parts are freed before the garbage collector looks at them.

    SQLite's own rows are taken: numbers and texts need no row objects around them. A server's rows are streamed.
    """
    if connection.dialect.name != "sqlite":
        yield from connection.execution_options(yield_per=_FETCH).execute(query).partitions()
        return
    cursor = connection.execute(query).cursor
    while rows := cursor.fetchmany(_FETCH):
        yield rows


def _integers(connection: Connection, query: Select[Any]) -> NDArray[np.int64]:
    """A query's one column."""
    parts = [
        np.fromiter(chain.from_iterable(rows), np.int64, len(rows)) for rows in _parts(connection, query)
    ]
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _numbered(codes: dict[Any, int], names: Iterable[object]) -> NDArray[np.int64]:
    """Each name's number; a new name gets the next one (`codes` is a defaultdict that counts)."""
    return np.array(list(map(codes.__getitem__, names)), np.int64)


def _places_within(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many equal cells stand directly before each."""
    if not len(cells):
        return np.zeros(0, np.int64)
    fresh = np.ones(len(cells), bool)
    fresh[1:] = cells[1:] != cells[:-1]
    starts = np.flatnonzero(fresh)
    places: NDArray[np.int64] = np.arange(len(cells)) - starts[np.cumsum(fresh) - 1]
    return places
