"""One answer as an adjudicator sees it: the dialogue, and what was said of it without who said it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liangxin.annotation.desk.places import AnswerPlace, At, SeenTurn, place_of
from liangxin.annotation.desk.responses import MarkedPiece, responses
from liangxin.annotation.outcome.adjudication import Adjudication, check_may_settle, history_of, is_open
from liangxin.annotation.outcome.verdicts import LabelledAnswer, label_scale, labelled_answers
from liangxin.records import Scale
from liangxin.store import Database

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorView:
    """What one person says, without who it is."""

    level: str
    comment: str
    """On the whole task: it may speak of other turns, or of other answers beside this one."""
    evidence: tuple[tuple[int, str], ...]
    """(turn, text) of the marked pieces of this dialogue."""
    newer: bool
    """Whether the person came to this level after the last decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedAnswer:
    """An answer with everything that an adjudicator needs."""

    at: At
    position: int
    item: str
    reference: str | None
    """The item's reference answer."""
    category: tuple[str, ...]
    turns: tuple[SeenTurn, ...]
    scale: Scale
    views: tuple[AnnotatorView, ...]
    """In an order of this answer's own, so that nobody is the same number twice."""
    history: tuple[Adjudication, ...]
    waits: bool
    """Whether it stands in the queue: people disagree and nobody has settled it, or not since then."""

    @property
    def decision(self) -> Adjudication | None:
        """The decision in force."""
        last = self.history[-1] if self.history else None
        return last if last and last.level else None

    @property
    def version(self) -> int:
        """The latest version, which a new decision builds on."""
        return self.history[-1].version if self.history else 0


def open_answer(database: Database, project: Project, at: At, account_key: int) -> DisputedAnswer:
    """One answer for an adjudicator.

    Raises:
        NotThere: no such answer in the project.
        NotAllowed: this person annotated the task.
    """
    with database.begin() as connection:
        place = place_of(connection, project, at)
        check_may_settle(connection, project, at, account_key)
        past = history_of(connection, project, at)
        labelled = next(iter(labelled_answers(connection, project.key, at)), None)
        said = {one.account: one for one in responses(connection, project.key, at.task)}
    last = past[-1] if past else None
    found = []
    for account, level in labelled.levels.items() if labelled else ():
        response = said.get(account)
        pieces = [
            piece for piece in (response.evidence if response else ()) if piece.candidate == at.candidate
        ]
        found.append(
            AnnotatorView(
                level=level,
                comment=response.comment if response else "",
                evidence=tuple(_cut(place, piece) for piece in pieces),
                newer=bool(last and last.level and labelled and labelled.since[account] > last.created),
            )
        )
    return DisputedAnswer(
        at=at,
        position=place.position,
        item=place.item.id,
        reference=place.item.reference,
        category=place.category,
        turns=place.turns,
        scale=label_scale(project, place.category),
        views=tuple(_shuffled(found, f"{project.identity}/{at}")),
        history=past,
        waits=_waits(labelled, last),
    )


def _waits(labelled: LabelledAnswer | None, last: Adjudication | None) -> bool:
    return labelled is not None and labelled.disagree and is_open(labelled, last)


def _cut(place: AnswerPlace, piece: MarkedPiece) -> tuple[int, str]:
    answer = next((one.answer for one in place.turns if one.turn == piece.turn), "")
    return piece.turn, answer[piece.start : piece.end]


def _shuffled(found: Sequence[AnnotatorView], seed: str) -> list[AnnotatorView]:
    """Views in a random order that is the same whenever this answer is opened."""
    mixed = list(found)
    random.Random(seed).shuffle(mixed)
    return mixed
