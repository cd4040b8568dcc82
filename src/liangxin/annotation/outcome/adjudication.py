"""Adjudication: which answers annotators disagree on, one person's decision on each, and what counts in the end.

A decision is a new version, never a change of an old one; the last version counts, and one without a level takes
the decision back. Nobody settles a task that they annotated.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Select, insert, select

from liangxin.analysis.pairs import consensus
from liangxin.annotation.desk.places import AnswerPlace, At, place_of
from liangxin.annotation.outcome.verdicts import LabelledAnswer, label_scale, labelled_answers, path_of
from liangxin.errors import Conflict, NotAllowed, PeopleError
from liangxin.records import Scale, Verdict
from liangxin.store import ADJUDICATED, Database
from liangxin.store.judgements import AttemptKey, append, given, judgement_row, judges_of
from liangxin.store.people import ASSIGNMENTS, DECISIONS, LABELS, RESPONSES, TASKS

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project

MOST_REASON = 2000
"""Characters."""

How = Literal["adjudicated", "unanimous", "majority", "median", "tie", "single"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjudication:
    """One version of what an adjudicator says of an answer."""

    at: At
    version: int
    account: int
    level: str | None
    """None: the decision before was taken back."""
    reason: str
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What an adjudicator sends."""

    level: str | None
    """None takes the decision before back."""
    reason: str
    base_version: int
    """The version that the adjudicator saw; 0 where there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """An answer that waits for an adjudicator."""

    labelled: LabelledAnswer
    decision: Adjudication | None
    """The decision that newer, different verdicts put into question; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldLabel:
    """What a project says of one answer, and how that came about."""

    at: At
    position: int
    item: str
    category: tuple[str, ...]
    level: str | None
    """None where the annotators are tied and nobody has decided."""
    how: How
    levels: Mapping[int, str]
    """The annotators' latest levels."""
    decision: Adjudication | None = None


def history(database: Database, project: Project, at: At) -> tuple[Adjudication, ...]:
    """Every version of the decision on an answer, the first one first."""
    with database.begin() as connection:
        return history_of(connection, project, at)


def history_of(connection: Connection, project: Project, at: At) -> tuple[Adjudication, ...]:
    """`history` within a transaction."""
    return tuple(_decision(row) for row in connection.execute(_decisions(project.key, at)))


def queue(database: Database, project: Project, account_key: int) -> list[Disputed]:
    """What waits for this adjudicator, in the project's order; tasks that they annotated are not in it."""
    with database.begin() as connection:
        mine = _seen(connection, project.key, account_key)
        latest = _latest(connection, project.key)
        return [
            Disputed(labelled=labelled, decision=decision if decision and decision.level else None)
            for labelled in labelled_answers(connection, project.key)
            if labelled.disagree
            and labelled.at.task not in mine
            and is_open(labelled, decision := latest.get(labelled.at))
        ]


def disputes(database: Database, projects: Iterable[Project], account: int) -> dict[int, int]:
    """How many disagreements wait for an adjudicator, by project's key."""
    return {project.key: len(queue(database, project, account)) for project in projects}


def following(database: Database, project: Project, account_key: int, after: At | None) -> At | None:
    """What waits for this adjudicator after an answer, beginning anew at the end; None where nothing waits.

    Without an answer to go on from, adjudicators begin at different places, so that two seldom meet.
    """
    waiting = [(one.labelled.position, one.labelled.at) for one in queue(database, project, account_key)]
    if not waiting:
        return None
    if after is None:
        return waiting[account_key * 7919 % len(waiting)][1]
    with database.begin() as connection:
        position = connection.execute(select(TASKS.c.position).where(TASKS.c.key == after.task)).scalar()
    here = (-1 if position is None else position, after)
    return next((at for place, at in waiting if (place, at) > here), waiting[0][1])


def check_may_settle(connection: Connection, project: Project, at: At, account_key: int) -> None:
    """Refuse whoever annotated the task.

    Raises:
        NotAllowed: this person annotated it, or is about to.
    """
    if at.task in _seen(connection, project.key, account_key, at.task):
        raise NotAllowed(
            "你标注过这道题，不能裁决它；要改自己的结论，请回到标注页的“已完成”。",
            "You annotated this task, so you cannot settle it; to correct your own verdict, open it among your "
            "done tasks on the annotating page.",
        )


def decide(
    database: Database, project: Project, at: At, account_key: int, settlement: Settlement
) -> Adjudication:
    """Append a decision on an answer.

    Raises:
        NotThere: no such answer in the project.
        NotAllowed: this person annotated the task.
        Conflict: somebody else decided meanwhile.
        PeopleError: no such level, no reason for a level, or nothing to take back.
    """
    level, reason = settlement.level, settlement.reason.strip()
    with database.write() as connection:
        place = place_of(connection, project, at)
        check_may_settle(connection, project, at, account_key)
        # Two who decide at once wait for one another: the second then reads the first one's version.
        connection.execute(select(TASKS.c.key).where(TASKS.c.key == at.task).with_for_update(key_share=True))
        before = history_of(connection, project, at)
        known = before[-1] if before else None
        if settlement.base_version != (known.version if known else 0):
            raise _decided_meanwhile()
        _check(label_scale(project, place.category), level, reason, known)
        made = Adjudication(
            at=at,
            version=settlement.base_version + 1,
            account=account_key,
            level=level,
            reason=reason,
            created=time.time(),
        )
        row = {
            "project": project.key,
            "task": at.task,
            "slot": at.candidate,
            "turn": at.turn,
            "version": made.version,
            "account": account_key,
            "level": level,
            "reason": reason,
            "created": made.created,
        }
        connection.execute(insert(DECISIONS), [row])
        _mirror(connection, project, place, made)
    return made


def gold_labels(database: Database, project: Project) -> Iterator[GoldLabel]:
    """What the project says of each answer that has a decision or a level, in the project's order.

    The decision where there is one, else the annotators' consensus by the benchmark's rule.
    """
    combining = project.combining
    with database.begin() as connection:
        latest = _latest(connection, project.key)
        found = {labelled.at: labelled for labelled in labelled_answers(connection, project.key)}
        alone = {at for at, decision in latest.items() if decision.level and at not in found}
        for task in connection.execute(select(TASKS).where(TASKS.c.project == project.key)) if alone else ():
            for at in (at for at in alone if at.task == task.key):
                found[at] = LabelledAnswer(
                    at=at,
                    position=task.position,
                    item=task.item,
                    category=path_of(task.category),
                    levels={},
                    since={},
                )
    for labelled in sorted(found.values(), key=lambda labelled: (labelled.position, labelled.at)):
        label = gold_label(
            labelled, latest.get(labelled.at), label_scale(project, labelled.category), combining
        )
        if label is not None:
            yield label


def gold_label(
    labelled: LabelledAnswer,
    decision: Adjudication | None,
    scale: Scale,
    combining: Literal["majority", "mean"],
) -> GoldLabel | None:
    """What one answer's decision and levels come to; None where there is neither."""
    decision = decision if decision and decision.level else None
    level = decision.level if decision else None
    how: How = "adjudicated"
    if decision is None:
        if not labelled.levels:
            return None
        level = consensus((Verdict(level=one) for one in labelled.levels.values()), scale, combining)
        how = _how(labelled, level, combining)
    return GoldLabel(
        at=labelled.at,
        position=labelled.position,
        item=labelled.item,
        category=labelled.category,
        level=level,
        how=how,
        levels=labelled.levels,
        decision=decision,
    )


def _how(labelled: LabelledAnswer, level: str | None, combining: str) -> How:
    if level is None:
        return "tie"
    if len(labelled.levels) == 1:
        return "single"
    if not labelled.disagree:
        return "unanimous"
    return "median" if combining == "mean" else "majority"


def is_open(labelled: LabelledAnswer, decision: Adjudication | None) -> bool:
    """Whether the annotators' disagreement is undecided, or somebody came to another level afterwards."""
    if decision is None or decision.level is None:
        return True
    return any(
        labelled.since[account] > decision.created and level != decision.level
        for account, level in labelled.levels.items()
    )


def _seen(connection: Connection, project: int, account: int, task: int | None = None) -> set[int]:
    """The tasks that somebody annotated, or holds an assignment at."""
    tables = (ASSIGNMENTS, RESPONSES, LABELS)
    found: set[int] = set()
    for table in tables:
        query = select(table.c.task).where(table.c.project == project, table.c.account == account).distinct()
        if table is ASSIGNMENTS:
            query = query.where(ASSIGNMENTS.c.state != "free")
        if task is not None:
            query = query.where(table.c.task == task)
        found.update(connection.execute(query).scalars())
    return found


def _decisions(project: int, at: At | None = None) -> Select[Any]:
    query = select(DECISIONS).where(DECISIONS.c.project == project).order_by(DECISIONS.c.version)
    if at is None:
        return query
    return query.where(
        DECISIONS.c.task == at.task, DECISIONS.c.slot == at.candidate, DECISIONS.c.turn == at.turn
    )


def _latest(connection: Connection, project: int) -> dict[At, Adjudication]:
    """The version that counts, by answer."""
    found = (_decision(row) for row in connection.execute(_decisions(project)))
    return {decision.at: decision for decision in found}


def _decision(row: Any) -> Adjudication:
    return Adjudication(
        at=At(task=row.task, candidate=row.slot, turn=row.turn),
        version=row.version,
        account=row.account,
        level=row.level,
        reason=row.reason,
        created=row.created,
    )


def _check(scale: Scale, level: str | None, reason: str, before: Adjudication | None) -> None:
    if level is None:
        if before is None or before.level is None:
            raise PeopleError(
                "这条回答没有裁决，不用撤回。", "This answer has no decision that could be taken back."
            )
    elif scale.level(level) is None:
        names = [one.name for one in scale.levels]
        raise PeopleError(
            f"没有“{level[:40]}”这一档，请选其中之一：{'、'.join(names)}。",
            f"There is no level {level[:40]!r}; choose one of: {', '.join(names)}.",
        )
    elif not reason:
        raise PeopleError("请写明裁决理由。", "Write the reason for your decision.")
    if len(reason) > MOST_REASON:
        raise PeopleError(
            f"理由有 {len(reason)} 个字符，最多 {MOST_REASON} 个。",
            f"The reason has {len(reason)} characters; at most {MOST_REASON} are taken.",
        )


def _decided_meanwhile() -> Conflict:
    return Conflict(
        "这条回答刚刚有了新的裁决。请重新打开看过再定，你的这次裁决没有保存。",
        "Somebody decided on this answer meanwhile. Open it again and look; yours was not saved.",
    )


def _mirror(connection: Connection, project: Project, place: AnswerPlace, decision: Adjudication) -> None:
    """Enter a decision among the run's judgements, so that its scores follow at once."""
    if not project.mirrored:
        return
    judge = judges_of(connection, project.identity)[place.run]
    at = AttemptKey(place.run, place.rank, place.trial, decision.at.turn, decision.version)
    verdict = given(decision.level, decision.reason)
    append(connection, [judgement_row(at, judge, ADJUDICATED, verdict, decision.created)])
