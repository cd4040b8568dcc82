"""Saving what a person sent: once for each token, every version kept, the run's judgements in the same transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select, update

from liangxin.annotation.desk.assignments import (
    Assignment,
    add_assignment,
    closed_project,
    drop_spare,
    own_assignment,
)
from liangxin.annotation.desk.candidates import Candidate, TaskCandidates, read_candidates
from liangxin.annotation.projects import POINTS, Project
from liangxin.digests import canonical
from liangxin.errors import Conflict, PeopleError, TooLarge
from liangxin.store import Database
from liangxin.store.judgements import AttemptKey, append, given, judgement_row, judges_of
from liangxin.store.people import ACCOUNTS, ASSIGNMENTS, LABELS, RESPONSES

COMMENT, OWN_ANSWER, REASON, SPANS = 5_000, 20_000, 500, 50
"""The most characters of a comment, an own answer and a reason to skip; the most spans."""
_TOKEN = 64
NONE_GOOD = "none of the answers is good"
NOT_BEST = "not the best of the answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A marked piece of an answer, in code points from its beginning."""

    place: int
    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a person sends; places are those of this person's page."""

    token: str
    """Made by the browser: the same token is the same save."""
    base_version: int = 0
    """The version that this one corrects; 0 for the first."""
    levels: Mapping[tuple[int, int], str]
    """(place, turn) -> level."""
    comment: str = ""
    spans: Sequence[Span] = ()
    best: Sequence[int] = ()
    """Places of the best answers."""
    none_good: bool = False
    points: int | None = None
    """1 to 10 for the best."""
    own_answer: str = ""
    skip: str | None = None
    """Why the person passes on this task."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What became of a save."""

    version: int
    repeated: bool
    """Whether it had been saved before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """What a submission says of one answer."""

    candidate: Candidate
    turn: int
    level: str | None
    reason: str


def save(
    database: Database, project: Project, assignment: Assignment, account: int, submission: Submission
) -> Saved:
    """Keep a submission as the assignment's next version.

    Raises:
        PeopleError: an answer has no level, or something is not as it must be; nothing is kept.
        Conflict: the assignment has a newer version, or the project is closed.
        NotAllowed: the assignment is another person's.
    """
    _check_size(submission)
    with database.write() as connection:
        mine = own_assignment(connection, assignment.key, account, lock=True)
        before = connection.execute(select(RESPONSES).where(RESPONSES.c.token == submission.token)).first()
        if before is not None:
            if (before.seat, before.account) != (mine.key, account):
                raise Conflict("这次保存的标记已经用过。", "The token of this save was used before.")
            return Saved(version=before.version, repeated=True)
        if project.state != "open":
            raise closed_project()
        version = _next_version(connection, mine, submission.base_version)
        task = read_candidates(connection, project, mine.task)
        labels = _labels(project, task, mine, submission)
        _insert(connection, project, mine, submission, version)
        _mirror(connection, project, mine.task, account, version, labels)
        _settle(connection, project, mine, skipped=submission.skip is not None)
    return Saved(version=version, repeated=False)


def _next_version(connection: Connection, assignment: Assignment, base: int) -> int:
    query = (
        select(RESPONSES.c.version)
        .where(RESPONSES.c.seat == assignment.key)
        .order_by(RESPONSES.c.version.desc())
    )
    latest = connection.execute(query.limit(1)).scalar() or 0
    if base != latest:
        raise Conflict(
            f"这道题已有第 {latest} 版（可能在另一个标签页保存过）；请打开最新版再改。",
            f"This task has version {latest} already, perhaps saved in another tab; open the latest and correct it.",
        )
    return int(latest) + 1


def _check_size(submission: Submission) -> None:
    for text, most, zh, en in (
        (submission.comment, COMMENT, "评语", "comment"),
        (submission.own_answer, OWN_ANSWER, "自己的回答", "own answer"),
        (submission.skip or "", REASON, "跳过的原因", "reason to skip"),
    ):
        if len(text) > most:
            raise TooLarge(
                f"{zh}有 {len(text)} 个字符，最多 {most} 个。没有任何改动。",
                f"The {en} has {len(text)} characters; at most {most} are taken. Nothing was changed.",
            )
    if len(submission.spans) > SPANS:
        raise TooLarge(f"最多标 {SPANS} 处。", f"At most {SPANS} spans are taken.")
    if not 8 <= len(submission.token) <= _TOKEN:
        raise PeopleError("保存的标记不对，请刷新页面。", "The save has no proper token; reload the page.")
    if submission.skip is not None and not submission.skip.strip():
        raise PeopleError("跳过请写明原因。", "Say why you skip this task.")


def _labels(
    project: Project, task: TaskCandidates, assignment: Assignment, submission: Submission
) -> list[_Label]:
    """A label for every answer of the task, in the order of this person's page."""
    _check_spans(task, assignment, submission.spans)
    answers = [
        (place, task.candidate(candidate), turn.turn)
        for place, candidate in enumerate(assignment.order)
        for turn in task.candidate(candidate).turns
        if turn.judgeable
    ]
    if submission.skip is not None:
        return [
            _Label(candidate=candidate, turn=turn, level=None, reason=submission.skip)
            for _, candidate, turn in answers
        ]
    if project.kind == "expert":
        return _expert_labels(answers, submission)
    scale = project.scale_for(task.item.category)
    strange = set(submission.levels) - {(place, turn) for place, _, turn in answers}
    if strange:
        raise PeopleError(
            "提交里有这道题没有的回答。", "The levels name an answer that the task does not have."
        )
    made = []
    for place, candidate, turn in answers:
        level = submission.levels.get((place, turn))
        if level is None:
            raise PeopleError(
                f"第 {place + 1} 个回答的第 {turn} 轮还没有等级。",
                f"Answer {place + 1}, turn {turn} has no level yet.",
            )
        if scale.level(level) is None:
            names = [one.name for one in scale.levels]
            raise PeopleError(
                f"等级“{level[:40]}”不在量表里，应是：{'、'.join(names)}。",
                f"The level {level[:40]!r} is not on the scale; it should be one of {', '.join(names)}.",
            )
        made.append(_Label(candidate=candidate, turn=turn, level=level, reason=submission.comment))
    return made


def _expert_labels(answers: Sequence[tuple[int, Candidate, int]], submission: Submission) -> list[_Label]:
    """The points for the best answers, on the last turn of each dialogue; the others have no level."""
    last = {place: (candidate, turn) for place, candidate, turn in answers}
    best = set(submission.best)
    if submission.none_good == bool(best) or not best <= set(last):
        raise PeopleError(
            "请选出最好的回答（可以几个），或选“都不好”。",
            "Choose the best answer (several may be), or that none is good.",
        )
    if best and (submission.points is None or str(submission.points) not in POINTS):
        raise PeopleError("请给最好的回答打 1 到 10 分。", "Give the best answer 1 to 10 points.")
    labels = []
    for place, (candidate, turn) in last.items():
        level = str(submission.points) if place in best else None
        why = submission.comment if level else NONE_GOOD if submission.none_good else NOT_BEST
        labels.append(_Label(candidate=candidate, turn=turn, level=level, reason=why))
    return labels


def _check_spans(task: TaskCandidates, assignment: Assignment, spans: Sequence[Span]) -> None:
    for span in spans:
        candidate = (
            task.candidate(assignment.order[span.place]) if 0 <= span.place < len(assignment.order) else None
        )
        answer = (
            next((turn.answer for turn in candidate.turns if turn.turn == span.turn), None)
            if candidate
            else None
        )
        if answer is None or not 0 <= span.start < span.end <= len(answer):
            raise PeopleError(
                "标出的文字不在回答里，请重新标。", "A marked span is not within its answer; mark it again."
            )


def _insert(
    connection: Connection, project: Project, assignment: Assignment, submission: Submission, version: int
) -> None:
    content = {
        "levels": {f"{place}:{turn}": level for (place, turn), level in submission.levels.items()},
        "comment": submission.comment,
        "spans": [asdict(span) for span in submission.spans],
        "best": sorted(set(submission.best)),
        "none_good": submission.none_good,
        "points": submission.points,
        "own_answer": submission.own_answer,
        "skip": submission.skip,
    }
    row = {
        "seat": assignment.key,
        "version": version,
        "token": submission.token,
        "account": assignment.account,
        "project": project.key,
        "task": assignment.task,
        "skipped": int(submission.skip is not None),
        "seconds": max(0.0, min(submission.seconds, 86_400.0)),
        "created": time.time(),
        "content": canonical(content),
    }
    connection.execute(insert(RESPONSES), [row])


def _mirror(
    connection: Connection,
    project: Project,
    task: int,
    account: int,
    version: int,
    labels: Sequence[_Label],
) -> None:
    """Append the labels, and the same as judgements of the runs' judge `people:PROJECT`."""
    now = time.time()
    rows = [
        {
            "project": project.key,
            "task": task,
            "slot": label.candidate.number,
            "turn": label.turn,
            "account": account,
            "version": version,
            "level": label.level,
            "created": now,
        }
        for label in labels
    ]
    if rows:
        connection.execute(insert(LABELS), rows)
    if not project.mirrored:
        return
    judges = judges_of(connection, project.identity)
    alias = connection.execute(select(ACCOUNTS.c.alias).where(ACCOUNTS.c.key == account)).scalar_one()
    append(
        connection,
        [
            judgement_row(
                AttemptKey(
                    label.candidate.run, label.candidate.rank, label.candidate.trial, label.turn, version
                ),
                judges[label.candidate.run],
                alias,
                given(label.level, label.reason),
                now,
            )
            for label in labels
        ],
    )


def _settle(connection: Connection, project: Project, assignment: Assignment, *, skipped: bool) -> None:
    """The assignment's new state; who skips makes room for somebody else, and who comes back takes it again."""
    state = "skipped" if skipped else "done"
    values = {"state": state, "done": assignment.done or time.time(), "until": None}
    connection.execute(update(ASSIGNMENTS).where(ASSIGNMENTS.c.key == assignment.key).values(**values))
    if skipped and assignment.state != "skipped":
        add_assignment(connection, project.key, assignment.task)
    elif not skipped and assignment.state in ("skipped", "overdue"):
        drop_spare(connection, assignment.task)
