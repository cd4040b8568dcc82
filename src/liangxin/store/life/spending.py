"""What a run asked of hosts: requests and tokens of its model and its judges, over every command."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, insert, inspect, select

from liangxin.records import ReplyStatus
from liangxin.store.database import Database
from liangxin.store.runs import RunRecord
from liangxin.store.schema import SPENDINGS, TURNS

Asker = Literal["model", "judge"]
"""For what a model was asked: for answers, or to rule on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Requests to one model; sums over any number of commands."""

    part: Asker
    model: str
    """Its identity."""
    requests: int = 0
    """Those sent; one with its repeats is one."""
    hits: int = 0
    """Those that the cache answered."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    """Reasoning included."""
    reasoning_tokens: int = 0
    uncounted: int = 0
    """Answers of which the provider did not say how many tokens they were."""

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


_SUMS = ("requests", "hits", "prompt_tokens", "completion_tokens", "reasoning_tokens", "uncounted")


def add_spent(database: Database, run: str, spent: Sequence[Spent]) -> None:
    """Append what was spent since the last call; `run` is the run's id.

    Raises:
        StoreError: the store cannot be written.
    """
    now = time.time()
    rows = [
        {"run": run, "part": one.part, "model": one.model, "created": now}
        | {name: getattr(one, name) for name in _SUMS}
        for one in spent
    ]
    if rows:
        with database.hurried() as connection:
            connection.execute(insert(SPENDINGS), rows)


def spent_on(database: Database, run: RunRecord) -> tuple[Spent, ...]:
    """What a run has spent, by what was asked, its model first.

    Of the model the replies say what a command that was killed could not note, and what was spent before anything
    was noted at all.
    """
    asked = TURNS.c.status != str(ReplyStatus.NOT_ASKED)
    replies = select(
        func.count(), func.sum(TURNS.c.prompt_tokens), func.sum(TURNS.c.completion_tokens)
    ).where(TURNS.c.run == run.key, asked)
    sums = [func.sum(SPENDINGS.c[name]).label(name) for name in _SUMS]
    noted = (
        select(SPENDINGS.c.part, SPENDINGS.c.model, *sums)
        .where(SPENDINGS.c.run == run.id)
        .group_by(SPENDINGS.c.part, SPENDINGS.c.model)
        .order_by(SPENDINGS.c.part.desc(), SPENDINGS.c.model)
    )
    with database.read() as connection:
        rows = []
        # A store that may only be read stays at the version it has.
        if inspect(connection).has_table(SPENDINGS.name):
            rows = list(connection.execute(noted).mappings())
        stored, prompt, completion = connection.execute(replies).one()
    found = [
        Spent(part=row["part"], model=row["model"], **{name: int(row[name] or 0) for name in _SUMS})
        for row in rows
    ]
    if not run.traits.costs:
        return tuple(found)
    known = next((one for one in found if one.part == "model"), None)
    base = known or Spent(part="model", model=str(run.manifest["identity"]["model"]))
    model = Spent(
        part="model",
        model=base.model,
        requests=max(base.requests, stored - base.hits),
        hits=base.hits,
        prompt_tokens=max(base.prompt_tokens, int(prompt or 0)),
        completion_tokens=max(base.completion_tokens, int(completion or 0)),
        reasoning_tokens=base.reasoning_tokens,
        uncounted=base.uncounted,
    )
    return (model, *(one for one in found if one is not known))
