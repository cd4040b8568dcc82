"""What people sent beside their levels: comments, marked evidence, which answer is best."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, select

from liangxin.store.people import ASSIGNMENTS, RESPONSES


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedPiece:
    """A piece of an answer that somebody marked, in code points from its beginning."""

    candidate: int
    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The version of somebody's response that counts, with places led back to candidates."""

    account: int
    task: int
    order: tuple[int, ...]
    """The candidates in the order in which this person saw them."""
    skipped: bool
    comment: str
    evidence: tuple[MarkedPiece, ...]
    best: frozenset[int]
    """Candidates of the best answers."""
    none_good: bool


def responses(connection: Connection, project: int, task: int | None = None) -> Iterator[Response]:
    """Everybody's latest response, of a project or of one task, by task and assignment."""
    columns = (RESPONSES.c.seat, RESPONSES.c.account, RESPONSES.c.task, RESPONSES.c.skipped)
    query = (
        select(*columns, RESPONSES.c.content, ASSIGNMENTS.c.order)
        .join(
            ASSIGNMENTS, and_(ASSIGNMENTS.c.key == RESPONSES.c.seat, ASSIGNMENTS.c.task == RESPONSES.c.task)
        )
        .where(RESPONSES.c.project == project)
        .order_by(RESPONSES.c.task, RESPONSES.c.seat, RESPONSES.c.version)
    )
    if task is not None:
        query = query.where(RESPONSES.c.task == task)
    latest: dict[tuple[int, int], Any] = {}
    for row in connection.execute(query):
        latest[row.seat, row.account] = row
    for row in latest.values():
        yield _response(row)


def _response(row: Any) -> Response:
    content: Mapping[str, Any] = json.loads(row.content)
    order = tuple(json.loads(row.order))
    return Response(
        account=row.account,
        task=row.task,
        order=order,
        skipped=bool(row.skipped),
        comment=content.get("comment") or "",
        evidence=tuple(
            MarkedPiece(
                candidate=order[span["place"]], turn=span["turn"], start=span["start"], end=span["end"]
            )
            for span in content.get("spans") or ()
        ),
        best=frozenset(order[place] for place in content.get("best") or ()),
        none_good=bool(content.get("none_good")),
    )
