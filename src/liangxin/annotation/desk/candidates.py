"""The dialogues of a task, as the store holds them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from liangxin.annotation.desk.places import SeenTurn, seen_turns
from liangxin.annotation.projects import Project
from liangxin.errors import NotThere
from liangxin.records import Item
from liangxin.store import Database
from liangxin.store.candidates import candidates_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One dialogue of a task."""

    number: int
    run: int
    """The run's key."""
    rank: int
    trial: int
    turns: tuple[SeenTurn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCandidates:
    """A task with all its dialogues, in the order of their candidates."""

    task: int
    item: Item
    candidates: tuple[Candidate, ...]

    def candidate(self, number: int) -> Candidate:
        """The candidate of that number; KeyError where there is none."""
        return {candidate.number: candidate for candidate in self.candidates}[number]


def candidates_of(database: Database, project: Project, task: int) -> TaskCandidates:
    """A task's dialogues.

    Raises:
        NotThere: the project has no such task.
    """
    with database.begin() as connection:
        return read_candidates(connection, project, task)


def read_candidates(connection: Connection, project: Project, task: int) -> TaskCandidates:
    """A task's dialogues within a transaction; errors as `candidates_of`."""
    found = candidates_at(connection, project.key, task)
    if not found:
        raise NotThere("这个项目里没有这道题。", "There is no such task in this project.")
    candidates = tuple(
        Candidate(
            number=one.number, run=one.run, rank=one.rank, trial=one.trial, turns=seen_turns(connection, one)
        )
        for one in found
    )
    return TaskCandidates(task=task, item=found[0].item, candidates=candidates)
