"""Where an answer of a project stands in the store, and the dialogue that it is a turn of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from liangxin.errors import NotThere
from liangxin.records import Item, Reply, ReplyStatus
from liangxin.store.candidates import StoredCandidate, answers_saying, candidates_at, replies_at, tasks_asking

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class At:
    """One answer of a project: a turn of one of a task's candidates."""

    task: int
    candidate: int
    turn: int

    def __str__(self) -> str:
        """As it stands in an address: `TASK-CANDIDATE-TURN`."""
        return f"{self.task}-{self.candidate}-{self.turn}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTurn:
    """One turn as people see it."""

    turn: int
    prompt: str
    answer: str
    status: ReplyStatus
    judgeable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPlace:
    """An answer's dialogue."""

    run: int
    """The run's key."""
    rank: int
    trial: int
    position: int
    """The task's place in the project."""
    item: Item
    turns: tuple[SeenTurn, ...]

    @property
    def category(self) -> tuple[str, ...]:
        """The item's category."""
        return self.item.category


def place_of(connection: Connection, project: Project, at: At) -> AnswerPlace:
    """The dialogue of an answer.

    Raises:
        NotThere: the project has no such answer, or there is nothing in it to judge.
    """
    found = candidates_at(connection, project.key, at.task, at.candidate)
    if not found:
        raise _no_such_answer()
    (candidate,) = found
    turns = seen_turns(connection, candidate)
    if not any(one.turn == at.turn and one.judgeable for one in turns):
        raise _no_such_answer()
    return AnswerPlace(
        run=candidate.run,
        rank=candidate.rank,
        trial=candidate.trial,
        position=candidate.position,
        item=candidate.item,
        turns=turns,
    )


def search(connection: Connection, project: int, words: str) -> Callable[[At], bool]:
    """Which answers speak of these words: in the item's id or prompts, or in the answer itself."""
    asked = tasks_asking(connection, project, words)
    answers = answers_saying(connection, project, words)
    return lambda at: at.task in asked or (at.task, at.candidate, at.turn) in answers


def seen_turns(connection: Connection, candidate: StoredCandidate) -> tuple[SeenTurn, ...]:
    """Every turn of a candidate's dialogue, with the reply that counts."""
    replies = replies_at(connection, candidate.run, candidate.rank, candidate.trial)
    nothing = Reply(status=ReplyStatus.NOT_ASKED)
    found = []
    for turn, prompt in enumerate(candidate.item.turns, start=1):
        reply = replies.get(turn, nothing)
        found.append(
            SeenTurn(
                turn=turn, prompt=prompt, answer=reply.text, status=reply.status, judgeable=reply.judgeable
            )
        )
    return tuple(found)


def _no_such_answer() -> NotThere:
    return NotThere(
        "这个项目里没有这条回答。请从裁决列表重新打开。",
        "There is no such answer in this project. Open it from the list of disagreements.",
    )
