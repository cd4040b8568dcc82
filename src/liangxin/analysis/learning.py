"""People's verdicts in the store as labels for a scorer: what a run has taught is not asked of people again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from liangxin.analysis.measuring import records, validate_pair
from liangxin.analysis.pairs import consensus, verdicts_of
from liangxin.analysis.validation import Validation, content, keep
from liangxin.correction.corrected import LEAST_STRENGTH
from liangxin.engine.session import Session
from liangxin.engine.stored import benchmark_of
from liangxin.errors import JudgeError
from liangxin.records import Scale
from liangxin.scorer.rows import HeadSpec, Labelled
from liangxin.specs import Benchmark, RunSpec
from liangxin.store import Database, Evidence, JudgeRecord, RunRecord, Runs, dialogues


def labels_of(database: Database, names: Iterable[str]) -> tuple[list[Labelled], tuple[HeadSpec, ...]]:
    """Every answer of some runs that people gave a level on the benchmark's own scale, and the heads they speak of.

    A head is a top category; where all have one scale of the same levels they may still differ in what they
    judge, so each keeps its own. The run's label is the source, its SPEC the responding model.

    Raises:
        JudgeError: no answer of the runs has a person's label.
    """
    rows: list[Labelled] = []
    heads: dict[str, HeadSpec] = {}
    labels = []
    for name in names:
        run = Runs(database).find(name)
        labels.append(run.label)
        gold = _gold(database, run)
        if gold is not None:
            found, scales = _of_run(database, run, gold)
            rows += found
            heads |= {
                head: HeadSpec(name=head, levels=tuple(level.name for level in scale.levels))
                for head, scale in scales.items()
            }
    if not rows:
        raise JudgeError(
            f"no answer of {', '.join(labels)} has a person's label on the benchmark's own scale: let people label some "
            "(`liangxin sample`), then `liangxin judge RUN --judge labels:FILE`"
        )
    return rows, tuple(heads[name] for name in sorted(heads))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """Whether a scorer may be used on a run."""

    validation: Validation
    verdict: Literal["yes", "no", "cannot say"]
    strength: float | None
    """The lower limit of recall of unsafe plus recall of safe, less 1: what a correction divides by."""

    def fields(self) -> dict[str, Any]:
        """The validation as JSON."""
        return content(self.validation)


def usable(session: Session, run: RunRecord, benchmark: Benchmark, scorer: str) -> list[Usable]:
    """Measure a scorer against the labels that people gave on a run, keep it, and say whether it may be used there.

    It may where its lower limit of Se + Sp - 1 lies above what a correction needs; its measured error then
    enters the run's corrected rates.

    Raises:
        JudgeError: people labelled nothing on a scale that the scorer rules on.
    """
    people = [one for one in Runs(session.database).judges(run) if one.traits.people]
    judges = records(session, run, benchmark, RunSpec(benchmark="", model=""), scorer)
    found = [
        validate_pair(session, run, benchmark, gold, judge)
        for judge in judges
        for gold in people
        if gold.subject == judge.subject
    ]
    if not found:
        scales = ", ".join(sorted({one.subject for one in judges}))
        raise JudgeError(
            f"nobody labelled run {run.label} on the scale that {scorer} rules on ({scales}): let people label some answers "
            "(`liangxin sample`), then `liangxin judge RUN --judge labels:FILE`"
        )
    for one in found:
        keep(Evidence(session.database), one)
    return [_usable(one) for one in found]


def _usable(one: Validation) -> Usable:
    """Balanced accuracy b is (Se + Sp) / 2, so Se + Sp - 1 = 2 b - 1."""
    estimate = None if one.overall is None else one.overall["balanced_accuracy"]
    if estimate is None or estimate.low is None:
        return Usable(validation=one, verdict="cannot say", strength=None)
    strength = 2 * estimate.low - 1
    return Usable(validation=one, verdict="yes" if strength > LEAST_STRENGTH else "no", strength=strength)


def _gold(database: Database, run: RunRecord) -> JudgeRecord | None:
    found = [one for one in Runs(database).judges(run) if one.traits.people and one.subject == "primary"]
    return max(found, key=lambda one: one.key, default=None)


def _of_run(database: Database, run: RunRecord, gold: JudgeRecord) -> tuple[list[Labelled], dict[str, Scale]]:
    benchmark = benchmark_of(run)
    rows: list[Labelled] = []
    scales: dict[str, Scale] = {}
    for stored in dialogues(database, run):
        item = stored.dialogue.item
        scale = benchmark.scale_for(item.category)
        for exchange in stored.dialogue.exchanges:
            level = consensus(verdicts_of(stored, gold.key, exchange.turn), scale, benchmark.annotators)
            if level is None or not exchange.reply.judgeable:
                continue
            head = item.category[0] if item.category else "*"
            scales[head] = scale
            rows.append(
                Labelled(
                    head=head,
                    prompt=exchange.prompt,
                    response=exchange.reply.text,
                    level=level,
                    model=run.model,
                    source=run.label,
                    place=f"{run.label}:{stored.rank + 1}",
                )
            )
    return rows, scales
