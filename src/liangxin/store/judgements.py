"""Judgements within a transaction: their row, and what people's work enters and takes away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from liangxin.records import Verdict, VerdictStatus
from liangxin.store.schema import JUDGEMENTS, JUDGES


class AttemptKey(NamedTuple):
    """One attempt at one turn of a run."""

    run: int
    """The run's key."""
    rank: int
    trial: int
    turn: int
    attempt: int


def judgement_row(
    at: AttemptKey, judge: int, annotator: str, verdict: Verdict, created: float
) -> dict[str, object]:
    """A verdict as stored, of the judge with that key; `created` in seconds since 1970."""
    return {
        **at._asdict(),
        "judge": judge,
        "annotator": annotator,
        "status": str(verdict.status),
        "level": verdict.level,
        "confidence": verdict.confidence,
        "reason": verdict.reason,
        "raw": verdict.raw,
        "created": created,
    }


def given(level: str | None, reason: str) -> Verdict:
    """What a person says of an answer; None where they give no level."""
    status = VerdictStatus.ABSTAINED if level is None else VerdictStatus.GIVEN
    return Verdict(level=level, status=status, reason=reason)


def append(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Append judgements, none of which is there."""
    if rows:
        connection.execute(insert(JUDGEMENTS), rows)


def judges_of(connection: Connection, identity: str) -> dict[int, int]:
    """The judge of that identity by the runs that it rules on: keys of both."""
    query = select(JUDGES.c.run, JUDGES.c.key).where(JUDGES.c.identity == identity)
    return {row.run: row.key for row in connection.execute(query)}


def said_by(connection: Connection, annotator: str) -> list[dict[str, Any]]:
    """Every judgement of an annotator, as stored."""
    query = select(JUDGEMENTS).where(JUDGEMENTS.c.annotator == annotator)
    found = connection.execute(query.order_by(*JUDGEMENTS.primary_key.columns)).mappings()
    return [{str(name): value for name, value in row.items()} for row in found]


def erase(connection: Connection, annotator: str) -> None:
    """Delete every judgement of an annotator, at that person's request."""
    connection.execute(delete(JUDGEMENTS).where(JUDGEMENTS.c.annotator == annotator))


def empty_reason(connection: Connection, attempt: AttemptKey, spec: str, annotator: str) -> None:
    """Empty what an annotator wrote to one judgement of the judge with that SPEC; its level stays."""
    judges = select(JUDGES.c.key).where(JUDGES.c.run == attempt.run, JUDGES.c.spec == spec)
    at = [JUDGEMENTS.c[name] == value for name, value in attempt._asdict().items()]
    found = update(JUDGEMENTS).where(*at, JUDGEMENTS.c.judge.in_(judges), JUDGEMENTS.c.annotator == annotator)
    connection.execute(found.values(reason="", raw=""))
