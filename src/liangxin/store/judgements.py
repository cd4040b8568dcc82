"""Judgements within a transaction: their row, and what people's work enters and takes away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from liangxin.records import Verdict, VerdictStatus
from liangxin.store.schema import JUDGEMENTS, JUDGES

Place = tuple[int, int, int, int, int]
"""(run's key, rank, trial, turn, attempt)."""


def place_columns(place: Place) -> dict[str, object]:
    """A place as columns of a row."""
    return dict(zip(("run", "rank", "trial", "turn", "attempt"), place, strict=True))


def judgement_row(
    place: Place, judge: int, annotator: str, verdict: Verdict, created: float
) -> dict[str, object]:
    """A verdict as stored, of the judge with that key; `created` in seconds since 1970."""
    return {
        **place_columns(place),
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


def empty_reason(connection: Connection, place: Place, spec: str, annotator: str) -> None:
    """Empty what an annotator wrote to one judgement of the judge with that SPEC; its level stays."""
    run = place[0]
    judges = select(JUDGES.c.key).where(JUDGES.c.run == run, JUDGES.c.spec == spec)
    at = [JUDGEMENTS.c[name] == value for name, value in place_columns(place).items()]
    found = update(JUDGEMENTS).where(*at, JUDGEMENTS.c.judge.in_(judges), JUDGEMENTS.c.annotator == annotator)
    connection.execute(found.values(reason="", raw=""))
