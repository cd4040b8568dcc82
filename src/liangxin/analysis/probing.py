"""Putting a judge to a probe on a stored run: would it say the same again?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from liangxin.agreement.estimate import Estimate
from liangxin.agreement.pairs import SYMMETRIC, Agreement, agreement
from liangxin.agreement.scales import common_scale
from liangxin.analysis.labelled_file import ask_all
from liangxin.analysis.validation import NOMINAL, estimate_fields
from liangxin.engine.session import Session
from liangxin.engine.stages.judging import case_of
from liangxin.errors import JudgeError, UsageError
from liangxin.judges import Judge, JudgeContext, judge_traits, open_judges
from liangxin.records import Case, VerdictStatus
from liangxin.specs import Benchmark, RunSpec
from liangxin.store import Database, JudgeRecord, RunRecord, Runs, dialogues


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The same judge on the same answers twice."""

    judge: str
    run: str
    asked: int
    """Answers that it was asked to rule on again."""
    second: Mapping[str, int]
    """The second time's verdicts by status."""
    found: Agreement
    nominal: bool

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """What means something where neither ruling is the truth."""
        names = NOMINAL if self.nominal else SYMMETRIC
        return tuple(one for one in self.found.estimates if one.name in names)


def repeat(
    session: Session, run: RunRecord, benchmark: Benchmark, spec: RunSpec, name: str
) -> list[Repeated]:
    """Let a judge rule again on the first `spec.limit` answers that it has a verdict for; nothing is stored.

    Raises:
        JudgeError: it has not ruled on the run, or is another judge now (its prompt or settings changed).
        UsageError: its verdicts are recorded, not made.
    """
    if judge_traits(name).people:
        raise UsageError(f"{name} is a record of verdicts: nothing can be asked of it twice")
    context = JudgeContext(
        benchmark=benchmark,
        endpoint=spec.judge_endpoint,
        generation=spec.judge_generation,
        run_model=run.model,
        run_traits=run.traits,
        refusal=spec.refusal,
    )
    stored = {record.identity: record for record in Runs(session.database).judges(run)}
    found = []
    for judge in open_judges(name, context):
        record = stored.get(judge.identity)
        if record is None:
            raise JudgeError(
                f"{judge.identity} has not ruled on run {run.label} yet, so there is no first time: "
                f"run `liangxin judge {run.label} --judge {name}` first"
            )
        found.append(_one(session.database, run, benchmark, judge, record, spec.limit))
    return found


def _one(
    database: Database,
    run: RunRecord,
    benchmark: Benchmark,
    judge: Judge,
    record: JudgeRecord,
    limit: int | None,
) -> Repeated:
    cases, before = _ruled_before(database, run, judge, record, limit)
    if not cases:
        raise JudgeError(f"{judge.identity} has given no level on run {run.label} that could be asked again")
    after = asyncio.run(ask_all(judge, cases))
    scale = common_scale({case.scale.name: case.scale for case in cases}.values())
    if scale is None:
        raise JudgeError(f"the scales of {benchmark.name} have no common one")
    names = [level.name for level in scale.levels]
    units: dict[str, int] = {}
    rows = [
        (names.index(first), names.index(verdict.level), units.setdefault(case.item_id, len(units)))
        for case, first, verdict in zip(cases, before, after, strict=True)
        if verdict is not None and verdict.level in names
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Repeated(
        judge=judge.identity,
        run=run.id,
        asked=len(cases),
        second=dict(Counter("not judged" if one is None else str(one.status) for one in after)),
        found=agreement(
            columns[0], columns[1], scale, units=columns[2], seed=f"{run.id}/{judge.identity}/repeat"
        ),
        nominal=benchmark.kind == "choice",
    )


def _ruled_before(
    database: Database, run: RunRecord, judge: Judge, record: JudgeRecord, limit: int | None
) -> tuple[list[Case], list[str]]:
    cases: list[Case] = []
    levels: list[str] = []
    for stored in dialogues(database, run):
        for exchange in stored.dialogue.exchanges:
            ruling = stored.rulings.get((record.key, exchange.turn, ""))
            if ruling is None or ruling.verdict.status is not VerdictStatus.GIVEN:
                continue
            if limit is not None and len(cases) >= limit:
                return cases, levels
            cases.append(case_of(judge, stored, exchange))
            levels.append(ruling.verdict.level or "")
    return cases, levels


def repeated_fields(one: Repeated) -> dict[str, Any]:
    """A repeat as JSON."""
    return {
        "probe": "repeat",
        "run": one.run,
        "judge": one.judge,
        "asked": one.asked,
        "second_verdicts": dict(one.second),
        "levels": list(one.found.levels),
        "confusion": [list(row) for row in one.found.table],
        "n": one.found.n,
        "statistics": [estimate_fields(estimate) for estimate in one.estimates],
    }
