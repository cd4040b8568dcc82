"""Choice items from answers in the store: experts' answers, a run's judged answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, select

from liangxin.annotation.desk.candidates import TaskCandidates, candidates_of
from liangxin.annotation.projects import Project
from liangxin.benchmarks import fields
from liangxin.choice_items.items import Proposal
from liangxin.engine.stored import benchmark_of
from liangxin.errors import PeopleError
from liangxin.records import Item
from liangxin.specs import Benchmark, scale_of
from liangxin.store import Database, JudgeRecord, RunRecord, Runs, dialogues
from liangxin.store.people import ASSIGNMENTS, RESPONSES

GOOD_POINTS = 8
"""Ours: a best answer of at least so many points is a positive."""
ACCEPTABLE_POINTS = 5
"""CValues: a best answer below 5 points counts as basically unacceptable (README of the alignment report)."""
EXPERT_RULE = "expert"
"""As CValues is said to do it (second-hand): a negative that an expert rejected makes an item `hard`."""


@dataclass(slots=True)
class _Task:
    """What experts said of one task."""

    own: list[str] = field(default_factory=list)
    good: dict[int, int] = field(default_factory=dict)
    """Candidate to its best points."""
    fair: set[int] = field(default_factory=set)
    """Candidates that somebody found the best and acceptable."""
    bad: set[int] = field(default_factory=set)


def from_experts(database: Database, project: Project) -> Iterator[Proposal]:
    """A positive with every answer of its question that an expert rejected and none accepted.

    Positive is an expert's own answer, else a best answer of at least `GOOD_POINTS`; rejected are all answers where
    none was good, and best answers below `ACCEPTABLE_POINTS`. Secret items and dialogues of several turns are left out.

    Raises:
        PeopleError: it is no expert project.
    """
    if project.kind != "expert":
        raise PeopleError("只有专家项目有最好的回答。", "Best answers are chosen in expert projects only.")
    for key, said in _expert_tasks(database, project).items():
        task = candidates_of(database, project, key)
        if _usable(task.item):
            yield from _expert_pairs(project, task, said)


def _expert_tasks(database: Database, project: Project) -> dict[int, _Task]:
    query = (
        select(RESPONSES, ASSIGNMENTS.c.order)
        .join(
            ASSIGNMENTS, and_(ASSIGNMENTS.c.key == RESPONSES.c.seat, ASSIGNMENTS.c.task == RESPONSES.c.task)
        )
        .where(RESPONSES.c.project == project.key)
        .order_by(RESPONSES.c.task, RESPONSES.c.seat, RESPONSES.c.version)
    )
    with database.begin() as connection:
        latest = {(row.task, row.seat): row for row in connection.execute(query)}
    found: dict[int, _Task] = {}
    for row in latest.values():
        if not row.skipped:
            _add(found.setdefault(row.task, _Task()), json.loads(row.content), json.loads(row.order))
    return found


def _add(task: _Task, said: Mapping[str, Any], order: Sequence[int]) -> None:
    points = said.get("points") or 0
    best = [order[place] for place in said.get("best") or ()]
    if said.get("own_answer", "").strip():
        task.own.append(said["own_answer"].strip())
    if said.get("none_good"):
        task.bad.update(order)
    elif points < ACCEPTABLE_POINTS:
        task.bad.update(best)
    else:
        task.fair.update(best)
        task.good.update(
            {
                candidate: max(points, task.good.get(candidate, 0))
                for candidate in best
                if points >= GOOD_POINTS
            }
        )


def _expert_pairs(project: Project, task: TaskCandidates, said: _Task) -> Iterator[Proposal]:
    texts = {
        candidate.number: candidate.turns[0].answer
        for candidate in task.candidates
        if candidate.turns[0].judgeable
    }
    ranked = sorted(
        (candidate for candidate in said.good if candidate not in said.bad),
        key=lambda candidate: -said.good[candidate],
    )
    positives = [*said.own, *(texts[candidate] for candidate in ranked if candidate in texts)]
    if not positives:
        return
    for candidate in sorted(said.bad - said.fair):
        if candidate in texts:
            yield Proposal(
                question=task.item.turns[0],
                positive=positives[0],
                negative=texts[candidate],
                category=_category(task.item),
                difficulty="hard",
                by=EXPERT_RULE,
                source=f"project {project.name}, item {task.item.id}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    text: str
    points: float
    passing: bool
    run: str


def judges_of(database: Database, runs: Sequence[RunRecord]) -> list[str]:
    """The judges (SPEC) that ruled on every one of these runs."""
    specs = [{judge.spec for judge in Runs(database).judges(run)} for run in runs]
    return sorted(set.intersection(*specs)) if specs else []


def from_runs(database: Database, runs: Sequence[RunRecord], judge: str) -> Iterator[Proposal]:
    """For every question with answers that pass and that fail, the best with the worst, by one judge.

    Where several people judged, an answer counts only if they agree whether it passes. Nothing is known of the
    difficulty.

    Raises:
        PeopleError: the judge did not rule on every run, its scale has no pass, or the runs are of several data sets.
    """
    if len({run.dataset for run in runs}) != 1:
        raise PeopleError("请选同一份数据的运行。", "Choose runs of one data set.")
    benchmark = benchmark_of(runs[0])
    if benchmark.kind == "choice":
        raise PeopleError("选择题的运行没有可用的回答。", "A run of choice items has no answers for this.")
    found: dict[str, tuple[Item, list[_Judged]]] = {}
    for run in runs:
        records = {one.key: one for one in Runs(database).judges(run) if one.spec == judge}
        if not records:
            raise PeopleError(
                f"评审 {judge[:60]} 没有评过 {run.label}。",
                f"The judge {judge[:60]} did not rule on {run.label}.",
            )
        for item, judged in _judged(database, run, records, benchmark):
            found.setdefault(item.id, (item, []))[1].append(judged)
    for item, answers in found.values():
        good = sorted((one for one in answers if one.passing), key=lambda one: -one.points)
        bad = sorted((one for one in answers if not one.passing), key=lambda one: one.points)
        if good and bad:
            yield Proposal(
                question=item.turns[0],
                positive=good[0].text,
                negative=bad[0].text,
                category=_category(item),
                source=f"item {item.id}, judge {judge}, runs {good[0].run} / {bad[0].run}",
            )


def _judged(
    database: Database, run: RunRecord, records: Mapping[int, JudgeRecord], benchmark: Benchmark
) -> Iterator[tuple[Item, _Judged]]:
    for stored in dialogues(database, run):
        item, reply = stored.dialogue.item, stored.dialogue.exchanges[0].reply
        if not _usable(item) or not reply.judgeable:
            continue
        levels = []
        for (judge, turn, _), ruling in stored.rulings.items():
            if judge in records and turn == 1 and ruling.verdict.level is not None:
                scale = scale_of(records[judge].subject, benchmark, item.category)
                level = scale.level(ruling.verdict.level)
                if level is not None and scale.passing:
                    levels.append((level.name in scale.passing, level.points))
        if len({passing for passing, _ in levels}) == 1:
            points = sum(points for _, points in levels) / len(levels)
            yield item, _Judged(text=reply.text, points=points, passing=levels[0][0], run=run.label)


def _usable(item: Item) -> bool:
    return len(item.turns) == 1 and not item.secret and not item.choices


def _category(item: Item) -> str:
    category = item.category[0] if item.category else ""
    return "" if fields.reserved(category) else category
