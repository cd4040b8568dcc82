"""Measuring judges: whoever has not ruled yet rules first, then the verdicts are laid beside the labels."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from liangxin.agreement.scales import common_scale
from liangxin.analysis.labelled_file import ask_all, pairs_of, ratings_of, read_labelled
from liangxin.analysis.pairs import GoldPairs, pairs, ratings
from liangxin.analysis.validation import Subject, Validation, keep, validate
from liangxin.correction.known_prompts import KnownPrompts
from liangxin.engine.run import judge_run
from liangxin.engine.session import Session
from liangxin.errors import JudgeError, UsageError
from liangxin.judges import Judge, JudgeContext, MeasuredJudge, judge_traits, open_judges
from liangxin.judges.families import families
from liangxin.models import model_traits
from liangxin.records import Scale
from liangxin.registry import kind_and_name
from liangxin.specs import Benchmark, RunSpec
from liangxin.store import Evidence, JudgeRecord, RunRecord, Runs


def validate_run(
    session: Session, run: RunRecord, benchmark: Benchmark, spec: RunSpec, gold: str
) -> list[Validation]:
    """Measure `spec.judges` against `gold` on a stored run, on every scale that both rule on; keeps the result.

    Args:
        gold: `labels:FILE`, or another judge that stands for the truth.

    Raises:
        JudgeError: no scale or no answer in common.
        DataError: the labels are wrong; nothing of them is used.
    """
    truths = records(session, run, benchmark, spec, gold)
    found: list[Validation] = []
    for name in spec.judges:
        for judge in records(session, run, benchmark, spec, name):
            fitting = [truth for truth in truths if truth.subject == judge.subject]
            if judge.identity in {truth.identity for truth in fitting}:
                raise UsageError(f"{judge.identity} would be measured against itself")
            found.extend(validate_pair(session, run, benchmark, truth, judge) for truth in fitting)
    if not found:
        raise JudgeError(
            f"{gold} labels {_subjects(truths)}, and {', '.join(spec.judges)} rules on no such scale: "
            "levels of the benchmark's own scale measure judges that grade (--judge llm:MODELSPEC), levels of "
            "refusal those that read refusal (--judge rule)"
        )
    for one in found:
        keep(Evidence(session.database), one)
    return found


def validate_file(session: Session, benchmark: Benchmark, spec: RunSpec, gold: str) -> list[Validation]:
    """Measure `spec.judges` on a plain labelled file; keeps the result.

    Args:
        gold: `labels:FILE`.

    Raises:
        UsageError: `gold` names no file of labels.
        DataError: the file is wrong.
        JudgeError: a judge gives no level to any labelled answer.
    """
    if not judge_traits(gold).from_labels:
        raise UsageError("without a run, --gold must be labels:FILE, and the file must hold the answers")
    context = JudgeContext(
        benchmark=benchmark,
        endpoint=spec.judge_endpoint,
        generation=spec.judge_generation,
        refusal=spec.refusal,
    )
    found = [
        one
        for name in spec.judges
        for judge in open_judges(name, context)
        for one in [_on_file(benchmark, judge, gold)]
    ]
    for one in found:
        keep(Evidence(session.database), one)
    return found


def records(
    session: Session, run: RunRecord, benchmark: Benchmark, spec: RunSpec, name: str
) -> Sequence[JudgeRecord]:
    """The judges of a run that `name` means: stored ones, else those that it opens, which rule now.

    Labels are read anew each time: their file may have grown.
    """
    stored = Runs(session.database).judges(run)
    fresh = judge_traits(name).from_labels
    known = [] if fresh else [one for one in stored if name in (one.identity, one.spec)]
    if known:
        return known
    result = judge_run(session, run, replace(spec, judges=(name,)), benchmark)
    return [judge.record for judge in result.judges]


def validate_pair(
    session: Session, run: RunRecord, benchmark: Benchmark, gold: JudgeRecord, judge: JudgeRecord
) -> Validation:
    """Measure one stored judge against another that stands for the truth, on the same scale.

    Raises:
        JudgeError: no answer has both a label and a verdict.
    """
    found = pairs(session.database, run, benchmark, gold, judge)
    scale = _scale(found)
    subject = Subject(
        benchmark=run.benchmark,
        judge=judge.identity,
        gold=gold.identity,
        scale=judge.subject,
        run=run.id,
        model=run.model,
        families=families(run.model, run.traits),
        nominal=benchmark.kind == "choice",
    )
    people = None if scale is None else ratings(session.database, run, gold, scale)
    return validate(subject, found, people)


def _on_file(benchmark: Benchmark, judge: Judge, gold: str) -> Validation:
    kind, path = kind_and_name(gold)
    file = read_labelled(path, benchmark, judge.subject)
    trained = judge.trained_on() if isinstance(judge, MeasuredJudge) else KnownPrompts()
    found = pairs_of(file, benchmark, asyncio.run(ask_all(judge, file.cases)), trained)
    scale = _scale(found)
    model = next(iter(file.models)) if len(file.models) == 1 else ""
    subject = Subject(
        benchmark=benchmark.name,
        judge=judge.identity,
        gold=f"{kind}:{PurePath(path).name}@{file.sha256[:12]}",
        scale=judge.subject,
        model=model,
        families=families(model, model_traits(model)),
    )
    return validate(subject, found, None if scale is None else ratings_of(file, scale))


def _scale(found: GoldPairs) -> Scale | None:
    return common_scale({row.scale.name: row.scale for row in found.rows}.values())


def _subjects(records_: Sequence[JudgeRecord]) -> str:
    names = {"primary": "the benchmark's own scale"}
    return " and ".join(sorted({names.get(one.subject, one.subject) for one in records_})) or "nothing"
