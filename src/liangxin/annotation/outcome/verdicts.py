"""What every annotator of a project says now: each answer with the latest level of each person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from liangxin.annotation.desk.places import At
from liangxin.annotation.projects import POINTS, Project
from liangxin.records import Level, Scale
from liangxin.store.people import LABELS, TASKS


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledAnswer:
    """One answer and what people say of it."""

    at: At
    position: int
    """The task's place in the project."""
    item: str
    category: tuple[str, ...]
    levels: Mapping[int, str]
    """Account's key to its latest level; whoever took the level back or gave none is not in it."""
    since: Mapping[int, float]
    """When each of these accounts came to its level: saving the same level again changes nothing."""

    @property
    def dimension(self) -> str:
        """The top category; empty where the item has none."""
        return self.category[0] if self.category else ""

    @property
    def disagree(self) -> bool:
        """Whether two people gave different levels."""
        return len(set(self.levels.values())) > 1

    def places(self, scale: Scale) -> dict[int, int]:
        """The levels as places on a scale, worst level 0; levels that are not on it are left out."""
        names = [level.name for level in scale.levels]
        return {account: names.index(level) for account, level in self.levels.items() if level in names}


def labelled_answers(connection: Connection, project: int, at: At | None = None) -> Iterator[LabelledAnswer]:
    """Every answer of a project that somebody judged, in the project's order; or one answer alone.

    An answer for which every level was taken back has no levels, and is still here.
    """
    query = (
        select(
            TASKS.c.position,
            LABELS.c.task,
            LABELS.c.slot,
            LABELS.c.turn,
            LABELS.c.account,
            LABELS.c.level,
            LABELS.c.created,
            TASKS.c.item,
            TASKS.c.category,
        )
        .join(TASKS, TASKS.c.key == LABELS.c.task)
        .where(LABELS.c.project == project)
        .order_by(TASKS.c.position, LABELS.c.task, LABELS.c.slot, LABELS.c.turn)
        .order_by(LABELS.c.account, LABELS.c.version)
    )
    if at is not None:
        query = query.where(LABELS.c.task == at.task, LABELS.c.slot == at.candidate, LABELS.c.turn == at.turn)
    for place, rows in groupby(connection.execute(query), key=lambda row: row[:4]):
        yield _labelled(place, list(rows))


def _labelled(place: Any, rows: list[Any]) -> LabelledAnswer:
    levels: dict[int, str | None] = {}
    since: dict[int, float] = {}
    for *_, account, level, created, _item, _category in rows:
        if account not in levels or levels[account] != level:
            levels[account], since[account] = level, created
    given = {account: level for account, level in levels.items() if level is not None}
    return LabelledAnswer(
        at=At(task=place[1], candidate=place[2], turn=place[3]),
        position=place[0],
        item=rows[0][-2],
        category=path_of(rows[0][-1]),
        levels=given,
        since={account: since[account] for account in given},
    )


def label_scale(project: Project, category: tuple[str, ...]) -> Scale:
    """The scale of an answer's labels: experts give points, whatever the benchmark's own scale is."""
    scale = project.scale_for(category)
    if project.kind == "grade" or all(scale.level(point) for point in POINTS):
        return scale
    return Scale(
        name="points",
        levels=tuple(Level(name=point, points=float(point), zh="", en="") for point in POINTS),
        passing=frozenset(),
    )


def path_of(category: str) -> tuple[str, ...]:
    """A stored category as a path."""
    return tuple(category.split("/")) if category else ()
