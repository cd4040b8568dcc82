"""A project's labels as rows of a labels file, each bound to its answer.

The rows of `latest` and `gold` are what `liangxin judge RUN --judge labels:FILE` takes; `history` is a record. The
dialogue names run and trial, so that the answers of several runs stand in one file without contradiction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from sqlalchemy import and_, select

from liangxin.annotation.desk.places import At
from liangxin.annotation.labels.answers import TaskAnswer, answers_of
from liangxin.annotation.outcome.adjudication import gold_labels
from liangxin.annotation.projects import Project
from liangxin.digests import text_digest
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS, LABELS, RESPONSES, TASKS
from liangxin.zh import clean_text

Which = Literal["latest", "history", "gold"]
WHICH: tuple[Which, ...] = ("latest", "history", "gold")
Given = Mapping[str, Any]


def label_rows(
    database: Database, project: Project, which: Which, account: int | None = None
) -> Iterator[dict[str, Any]]:
    """The labels of a project, by answer.

    Args:
        which: everybody's latest levels, every version, or what the project says in the end.
        account: only this person's own, without naming run or model.

    Yields:
        id, prompt, turn, level, annotator, note, dialogue, response_sha256, response; for the owner also run, model,
        trial_number; for history version and created; for gold how. A secret item has neither prompt nor response.
    """
    given = _gold(database, project) if which == "gold" else _labels(database, project, which, account)
    for task in answers_of(database, project):
        for answer in task:
            for one in given.get(answer.at, ()):
                yield {**_bound(answer, owner=account is None), **one}


def _bound(answer: TaskAnswer, *, owner: bool) -> dict[str, Any]:
    text = clean_text(answer.seen.answer)
    row: dict[str, Any] = {"id": answer.item.id}
    if not answer.item.secret:
        row["prompt"] = answer.item.turns[0]
    row |= {"turn": answer.at.turn, "level": "", "annotator": "", "note": "", "dialogue": answer.dialogue}
    row["response_sha256"] = text_digest(text)
    if not answer.item.secret:
        row["response"] = text
    if owner:
        # Not `trial`: with it two runs of one model would name one place; the dialogue tells it.
        row |= {"run": answer.run.label, "model": answer.run.model, "trial_number": answer.trial}
    return row


def _labels(
    database: Database, project: Project, which: Which, account: int | None
) -> dict[At, list[dict[str, Any]]]:
    same = and_(
        RESPONSES.c.project == LABELS.c.project,
        RESPONSES.c.task == LABELS.c.task,
        RESPONSES.c.account == LABELS.c.account,
        RESPONSES.c.version == LABELS.c.version,
    )
    query = (
        select(LABELS, ACCOUNTS.c.alias, RESPONSES.c.content)
        .join(TASKS, TASKS.c.key == LABELS.c.task)
        .join(ACCOUNTS, ACCOUNTS.c.key == LABELS.c.account)
        .outerjoin(RESPONSES, same)
        .where(LABELS.c.project == project.key)
        .order_by(LABELS.c.task, LABELS.c.slot, LABELS.c.turn, LABELS.c.account, LABELS.c.version)
    )
    if account is not None:
        query = query.where(LABELS.c.account == account)
    found: dict[At, dict[tuple[int, int], dict[str, Any]]] = {}
    with database.begin() as connection:
        for row in connection.execute(query):
            at = At(task=row.task, candidate=row.slot, turn=row.turn)
            version = row.version if which == "history" else 0
            found.setdefault(at, {})[row.account, version] = _label(row, history=which == "history")
    return {
        at: [one for one in by.values() if which == "history" or one["level"]] for at, by in found.items()
    }


def _label(row: Any, *, history: bool) -> dict[str, Any]:
    import json

    content = json.loads(row.content) if row.content else {}
    note = content.get("skip") or content.get("comment") or ""
    made: dict[str, Any] = {"level": row.level or "", "annotator": row.alias, "note": note}
    return made | {"version": row.version, "created": row.created} if history else made


def _gold(database: Database, project: Project) -> dict[At, list[dict[str, Any]]]:
    return {
        label.at: [
            {
                "level": label.level,
                "note": label.decision.reason if label.decision else "",
                "how": label.how,
            }
        ]
        for label in gold_labels(database, project)
        if label.level is not None
    }
