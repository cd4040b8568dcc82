"""Dialogues and rulings read back from the store, in the run's order, a few hundred in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import ColumnElement, Connection, and_, select

from liangxin.records import Dialogue, Exchange, Item, Reply, ReplyStatus, Usage, Verdict, VerdictStatus
from liangxin.store.attempts import counting
from liangxin.store.content import dialogue_key, intact, item_of
from liangxin.store.database import Database
from liangxin.store.runs import RunRecord
from liangxin.store.schema import ITEMS, JUDGEMENTS, RUN_ITEMS, TURNS

CHUNK = 500
"""How many items are read at a time."""

RulingKey = tuple[int, int, str]
"""(judge's key, turn, annotator)."""

ADJUDICATED = "@adjudicated"
"""The annotator of an adjudicator's decision: where it gives a level, it outranks the annotators' own.

Annotators cannot be named so: names that begin with @ are refused wherever a name comes in.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVerdict:
    """A stored verdict and the number of the attempt that counts."""

    verdict: Verdict
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDialogue:
    """A dialogue with the rulings on its turns."""

    rank: int
    dialogue: Dialogue
    rulings: Mapping[RulingKey, StoredVerdict]


def dialogues(
    database: Database, run: RunRecord, *, units: int | None = None, settled: bool = True
) -> Iterator[StoredDialogue]:
    """Every planned dialogue of a run, asked or not, with what is stored of it.

    The trials of an item and both orders of a pair follow each other. Of a turn's attempts the one that counts is
    given (`liangxin.store.attempts`).

    Args:
        units: how many units of the run's order; None means all that are planned.
        settled: leave out the annotators' verdicts where an adjudicator has decided; False gives every verdict.
    """
    limit = run.units if units is None else units
    start = 0
    while found := chunk_at(database, run, start, limit, settled=settled):
        yield from found
        start += CHUNK


def chunk_at(
    database: Database, run: RunRecord, start: int, units: int, *, settled: bool = True
) -> list[StoredDialogue]:
    """The dialogues of the `CHUNK` items from rank `start` on, among the first `units` units; empty behind the last."""
    with database.begin() as connection:
        return _read(connection, run, range(start, start + CHUNK), units, settled=settled)


def dialogues_at(
    database: Database, run: RunRecord, places: Sequence[tuple[int, int]], *, settled: bool = True
) -> list[StoredDialogue]:
    """Some dialogues of a run by (rank, trial), in the order given; places without one are left out."""
    ranks = sorted({rank for rank, _ in places})
    with database.begin() as connection:
        read = _read(connection, run, ranks, run.units, settled=settled) if ranks else []
    found = {(one.rank, one.dialogue.trial): one for one in read}
    return [found[place] for place in places if place in found]


Ranks = range | Sequence[int]
"""Which items are read: neighbours, or some here and there."""


@intact()
def _read(
    connection: Connection, run: RunRecord, ranks: Ranks, units: int, *, settled: bool
) -> list[StoredDialogue]:
    """Every dialogue of these items, trial after trial; empty where none of them is planned."""
    items = _items(connection, run, ranks, units)
    if not items:
        return []
    turns = _turns(connection, run, ranks)
    rulings = _rulings(connection, run, ranks, settled=settled)
    return [
        StoredDialogue(
            rank=rank,
            dialogue=_dialogue(run, item, trial, turns.get((rank, trial), {})),
            rulings=rulings.get((rank, trial), {}),
        )
        for rank, item in items
        for trial in range(1, run.trials + 1)
    ]


def _among(column: ColumnElement[int], ranks: Ranks) -> ColumnElement[bool]:
    if isinstance(ranks, range):
        return and_(column >= ranks.start, column < ranks.stop)
    return column.in_(ranks)


def settle(rulings: Mapping[RulingKey, StoredVerdict]) -> Mapping[RulingKey, StoredVerdict]:
    """What counts among the rulings on one dialogue: an adjudicator's level stands for all annotators' of its turn."""
    decided = {
        (judge, turn)
        for (judge, turn, annotator), ruling in rulings.items()
        if annotator == ADJUDICATED and ruling.verdict.level is not None
    }
    if not decided:
        return rulings
    return {
        (judge, turn, annotator): ruling
        for (judge, turn, annotator), ruling in rulings.items()
        if annotator == ADJUDICATED or (judge, turn) not in decided
    }


def _items(connection: Connection, run: RunRecord, ranks: Ranks, units: int) -> list[tuple[int, Item]]:
    query = (
        select(RUN_ITEMS.c.rank, ITEMS.c.id, ITEMS.c.content)
        .join(ITEMS, and_(ITEMS.c.dataset == run.dataset, ITEMS.c.position == RUN_ITEMS.c.position))
        .where(RUN_ITEMS.c.run == run.key, _among(RUN_ITEMS.c.rank, ranks))
        .where(RUN_ITEMS.c.unit_rank < units)
        .order_by(RUN_ITEMS.c.rank)
    )
    return [(row[0], item_of(row[1], row[2])) for row in connection.execute(query)]


def _turns(
    connection: Connection, run: RunRecord, ranks: Ranks
) -> dict[tuple[int, int], dict[int, tuple[Reply, int]]]:
    query = (
        select(TURNS)
        .where(TURNS.c.run == run.key, _among(TURNS.c.rank, ranks))
        .order_by(TURNS.c.rank, TURNS.c.trial, TURNS.c.turn, TURNS.c.attempt)
    )
    found: dict[tuple[int, int], dict[int, tuple[Reply, int]]] = {}
    chosen = counting(connection.execute(query), attrgetter("rank", "trial", "turn"))
    for row in chosen.values():
        reply = Reply(
            text=row.text,
            reasoning=row.reasoning,
            status=ReplyStatus(row.status),
            detail=row.detail,
            usage=Usage(prompt_tokens=row.prompt_tokens, completion_tokens=row.completion_tokens),
            seconds=row.seconds,
        )
        found.setdefault((row.rank, row.trial), {})[row.turn] = (reply, row.attempt)
    return found


def _rulings(
    connection: Connection, run: RunRecord, ranks: Ranks, *, settled: bool
) -> Mapping[tuple[int, int], Mapping[RulingKey, StoredVerdict]]:
    table = JUDGEMENTS
    query = (
        select(table)
        .where(table.c.run == run.key, _among(table.c.rank, ranks))
        .order_by(
            table.c.rank, table.c.judge, table.c.trial, table.c.turn, table.c.annotator, table.c.attempt
        )
    )
    found: dict[tuple[int, int], dict[RulingKey, StoredVerdict]] = {}
    place = attrgetter("rank", "trial", "judge", "turn", "annotator")
    for row in counting(connection.execute(query), place).values():
        verdict = Verdict(
            level=row.level,
            status=VerdictStatus(row.status),
            confidence=row.confidence,
            reason=row.reason,
            raw=row.raw,
        )
        ruling = StoredVerdict(verdict=verdict, attempt=row.attempt)
        found.setdefault((row.rank, row.trial), {})[row.judge, row.turn, row.annotator] = ruling
    return {at: settle(rulings) for at, rulings in found.items()} if settled else found


def _dialogue(run: RunRecord, item: Item, trial: int, turns: Mapping[int, tuple[Reply, int]]) -> Dialogue:
    nothing = (Reply(status=ReplyStatus.NOT_ASKED), 0)
    exchanges = []
    for turn, prompt in enumerate(item.turns, start=1):
        reply, attempt = turns.get(turn, nothing)
        exchanges.append(Exchange(turn=turn, prompt=prompt, reply=reply, attempt=attempt))
    return Dialogue(
        key=dialogue_key(run.id, item.id, trial),
        item=item,
        model=run.model,
        trial=trial,
        exchanges=tuple(exchanges),
    )
