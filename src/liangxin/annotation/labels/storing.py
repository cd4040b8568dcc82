"""What a file says of tasks, compared with what is stored, and saved through the same door as the site's pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, select

from liangxin.annotation.desk.assignments import assignment_at, closed_project
from liangxin.annotation.desk.responses import MarkedPiece
from liangxin.annotation.desk.saving import Span, Submission, save
from liangxin.annotation.projects import Project
from liangxin.digests import digest
from liangxin.store import Database
from liangxin.store.people import ASSIGNMENTS, RESPONSES

Change = Literal["new", "corrected", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """What one person says of one task; answers are named by candidate."""

    account: int
    task: int
    levels: Mapping[tuple[int, int], str]
    """(candidate, turn) -> level; empty in an expert project."""
    comment: str = ""
    spans: tuple[MarkedPiece, ...] = ()
    best: tuple[int, ...] = ()
    none_good: bool = False
    points: int | None = None
    own_answer: str = ""
    skip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of ballots."""

    new: int = 0
    corrected: int = 0
    same: int = 0


def compare(database: Database, project: Project, ballots: Sequence[Ballot]) -> list[Change]:
    """What storing each ballot would change."""
    with database.begin() as connection:
        return [_compared(connection, project, ballot)[0] for ballot in ballots]


def store(database: Database, project: Project, ballots: Sequence[Ballot]) -> Stored:
    """Save every ballot that says something new; a second time it changes nothing.

    Each task is saved whole in a transaction of its own: if one is refused, the same file may be given again.

    Raises:
        Conflict: the project is closed, or somebody saved the same task meanwhile.
        PeopleError: as `saving.save`.
    """
    if project.state != "open":
        raise closed_project()
    counts: dict[Change, int] = {"new": 0, "corrected": 0, "same": 0}
    for ballot in ballots:
        with database.begin() as connection:
            change, version = _compared(connection, project, ballot)
        counts[change] += 1
        if change != "same":
            with database.write() as connection:
                assignment = assignment_at(connection, project, ballot.task, ballot.account)
            sent = _submission(ballot, assignment.order, version)
            save(database, project, assignment, ballot.account, sent)
    return Stored(**counts)


def _compared(connection: Connection, project: Project, ballot: Ballot) -> tuple[Change, int]:
    """What would change, and the version that it would correct."""
    query = (
        select(RESPONSES.c.version, RESPONSES.c.content, ASSIGNMENTS.c.order)
        .join(ASSIGNMENTS, ASSIGNMENTS.c.key == RESPONSES.c.seat)
        .where(RESPONSES.c.project == project.key, RESPONSES.c.task == ballot.task)
        .where(RESPONSES.c.account == ballot.account)
        .order_by(RESPONSES.c.version.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return "new", 0
    content: Mapping[str, Any] = json.loads(row.content)
    sent = _submission(ballot, tuple(json.loads(row.order)), row.version)
    same = (
        content["skip"] == sent.skip
        and content["levels"] == {f"{place}:{turn}": level for (place, turn), level in sent.levels.items()}
        and content["comment"] == sent.comment
        and sorted(content["best"]) == sorted(sent.best)
        and (content["none_good"], content["points"]) == (sent.none_good, sent.points)
        and content["own_answer"] == sent.own_answer
        and (not sent.spans or len(content["spans"]) == len(sent.spans))
    )
    return ("same" if same else "corrected"), row.version


def _submission(ballot: Ballot, order: Sequence[int], version: int) -> Submission:
    place = {candidate: number for number, candidate in enumerate(order)}
    levels = {(place[candidate], turn): level for (candidate, turn), level in ballot.levels.items()}
    spans = [
        Span(place=place[one.candidate], turn=one.turn, start=one.start, end=one.end) for one in ballot.spans
    ]
    sent = Submission(
        token="",
        base_version=version,
        levels={} if ballot.skip else levels,
        comment=ballot.comment,
        spans=() if ballot.skip else spans,
        best=[place[candidate] for candidate in ballot.best],
        none_good=ballot.none_good,
        points=ballot.points,
        own_answer=ballot.own_answer,
        skip=ballot.skip,
    )
    # One token for one content and base, so that two uploads at once are one save.
    said = [ballot.account, ballot.task, version, sorted(map(str, levels.items())), ballot.comment]
    more = [list(sent.best), sent.none_good, sent.points, sent.own_answer, sent.skip, str(spans)]
    token = digest([*said, *more], length=48)
    return Submission(
        **{name: getattr(sent, name) for name in Submission.__dataclass_fields__} | {"token": token}
    )
