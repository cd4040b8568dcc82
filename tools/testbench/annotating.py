"""A project on the annotating page: a stored run whose answers a test chooses, and one person who judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from liangxin.annotation.projects import Project, Projects, ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.people.accounts import Account
from liangxin.records import Item, Reply, ReplyStatus
from liangxin.store import Database
from liangxin.store.people import LABELS, RESPONSES
from testbench.desk import stored_run

Answers = Mapping[tuple[str, int], str]
"""(item, turn) -> answer; an empty one is a reply that the provider blocked."""


def project_of(
    database: Database,
    owner: Account,
    items: Sequence[Item],
    runs: Sequence[Answers],
    **settings: Any,
) -> Project:
    """A project over one run for each of `runs`, of Flames unless `benchmark` names another one."""
    made = open_benchmark(settings.pop("benchmark", "flames"))
    names = []
    for number, answers in enumerate(runs):

        def reply(item: Item, turn: int, answers: Answers = answers) -> Reply:
            text = answers.get((item.id, turn), "")
            return Reply(text=text, status=ReplyStatus.OK if text else ReplyStatus.FILTERED)

        names.append(stored_run(database, made, items, reply, f"secret-model-{number}").id)
    spec = ProjectSpec(name="project", runs=tuple(names), **settings)
    return Projects(database).create(spec, owner)


def labels_of(database: Database) -> list[tuple[int, int, str | None, int]]:
    """(candidate, turn, level, version) of every label, in order."""
    query = select(LABELS.c.slot, LABELS.c.turn, LABELS.c.level, LABELS.c.version)
    with database.begin() as connection:
        rows = [(row.slot, row.turn, row.level, row.version) for row in connection.execute(query)]
    return sorted(rows, key=lambda row: (row[0], row[1], row[2] or "", row[3]))


def responses_of(database: Database) -> list[dict[str, Any]]:
    """What was sent, as stored: each response's content with its `version` and `skipped`, in order."""
    import json

    query = select(RESPONSES.c.content, RESPONSES.c.version, RESPONSES.c.skipped).order_by(RESPONSES.c.key)
    with database.begin() as connection:
        rows = connection.execute(query).all()
    return [{**json.loads(row.content), "version": row.version, "skipped": row.skipped} for row in rows]
