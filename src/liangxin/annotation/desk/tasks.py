"""What the annotating page shows of a task: blind, in the order that this person sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from liangxin.annotation.desk.assignments import Assignment, finished
from liangxin.annotation.desk.candidates import Candidate, read_candidates
from liangxin.annotation.projects import Kind, Project
from liangxin.records import Level
from liangxin.store import Database
from liangxin.store.people import RESPONSES
from liangxin.words import Bilingual, category_title

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    """One turn."""

    turn: int
    prompt: str
    answer: str
    status: str
    judgeable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceView:
    """One answer's dialogue, at its place on this person's page."""

    place: int
    letter: str
    turns: tuple[TurnView, ...]
    levels: tuple[Level, ...]
    """What a verdict may be, worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One task for one person. It names no model, run, gold level or other person's verdict."""

    assignment: int
    until: float | None
    number: int
    """The how-manieth task of this person."""
    kind: Kind
    category: tuple[str, ...]
    category_title: Bilingual
    """The category's name by language, `zh` and `en`."""
    guideline: str
    guideline_ours: bool
    candidates: tuple[PlaceView, ...]
    reference: str | None
    """The item's reference answer (参考答案)."""
    response: Mapping[str, Any] | None
    """What this person sent last, with its `version`."""


def task_view(database: Database, project: Project, assignment: Assignment) -> TaskView:
    """The page of an assignment.

    Raises:
        NotThere: the task is gone.
    """
    with database.read() as connection:
        found = read_candidates(connection, project, assignment.task)
        number = finished(connection, project, assignment.account or 0) + 1
        response = last_response(connection, assignment.key)
    category = found.item.category
    guideline, ours = project.guideline_for(category)
    levels = project.scale_for(category).levels
    return TaskView(
        assignment=assignment.key,
        until=assignment.until,
        number=number,
        kind=project.kind,
        category=category,
        category_title=category_title(project.benchmark.taxonomy, category),
        guideline=guideline,
        guideline_ours=ours,
        candidates=tuple(
            _place(place, found.candidate(candidate), levels)
            for place, candidate in enumerate(assignment.order)
        ),
        reference=found.item.reference,
        response=response,
    )


def last_response(connection: Connection, assignment: int) -> Mapping[str, Any] | None:
    """The version that counts of what was sent from an assignment, with its number under `version`."""
    query = (
        select(RESPONSES.c.version, RESPONSES.c.content)
        .where(RESPONSES.c.seat == assignment)
        .order_by(RESPONSES.c.version.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else {**json.loads(row.content), "version": row.version}


def _place(place: int, candidate: Candidate, levels: tuple[Level, ...]) -> PlaceView:
    letter = LETTERS[place] if place < len(LETTERS) else str(place + 1)
    turns = tuple(
        TurnView(
            turn=one.turn,
            prompt=one.prompt,
            answer=one.answer,
            status=str(one.status),
            judgeable=one.judgeable,
        )
        for one in candidate.turns
    )
    return PlaceView(place=place, letter=letter, turns=turns, levels=levels)
