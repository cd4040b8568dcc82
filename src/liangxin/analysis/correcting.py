"""Scores corrected for the judge's measured error, beside the raw ones and never instead of them.

From people's labels on part of the same run: the stratified estimator (or PPI++ where a simple random sample
allows it). Else from a validation of the same judge on other answers: Rogan-Gladen, or the simplex for several
levels, with a warning outside what it was measured on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from liangxin.analysis.ruled import OVERALL, RuledKind, Rulers, ruled
from liangxin.correction.applying import Judged, Target, correct
from liangxin.correction.calibration import Calibration, CalibrationTable
from liangxin.correction.corrected import Corrected, cannot_say
from liangxin.correction.ppi import prediction_powered
from liangxin.correction.stratified import Stratum, stratified
from liangxin.judges.families import families
from liangxin.measures.formulas import formula_of
from liangxin.records import Measure
from liangxin.specs import Benchmark
from liangxin.store import Database, Evidence, JudgeRecord, RunRecord, Runs

NOT_DRAWN = "not all labels were drawn by `liangxin sample`: if somebody chose which answers to label, the value may be off"
SEVERAL = "corrected rates are for one answer an item, and this run has several turns or trials"


class ScoreKey(NamedTuple):
    """Which score of a run is meant."""

    measure: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How the answers that people read were drawn."""

    chosen: frozenset[str]
    simple: bool
    """A simple random sample of the run, so that PPI++ may be used."""


def corrections(
    database: Database,
    run: RunRecord,
    benchmark: Benchmark,
    judge: JudgeRecord,
    *,
    confidence: float = 0.95,
    only: ScoreKey | None = None,
) -> dict[tuple[str, str], Corrected]:
    """(measure, group) -> the corrected value, for `overall`, top categories and what is expected.

    Empty where nothing is known of the judge's error.

    Args:
        only: the one that is wanted; None makes all.
    """
    if benchmark.kind == "choice" or judge.traits.people:
        return {}
    gold = _gold(database, run, judge)
    calibration = None if gold is not None else _calibration(database, run, judge)
    if gold is None and calibration is None:
        return {}
    measures = [
        measure
        for measure in benchmark.measures
        if measure.subject == judge.subject and formula_of(measure).corrected
    ]
    design = _design(database, run, judge)
    answers = ruled(database, run, benchmark, Rulers(judge=judge, gold=gold, chosen=design.chosen))
    if answers is None:
        return {(measure.name, OVERALL): cannot_say(SEVERAL) for measure in measures}
    if gold is not None and not any(one.gold for one in answers):
        return {}
    groups = dict.fromkeys(group for one in answers for group in one.groups)
    made: dict[tuple[str, str], Corrected] = {}
    for measure in measures:
        for group in groups:
            if not _has(measure, group) or only not in (None, (measure.name, group)):
                continue
            mine = [one for one in answers if group in one.groups]
            seed = f"{run.id}/{judge.identity}/{measure.name}/{group}"
            made[measure.name, group] = (
                _from_labels(design, measure, group, mine, seed, confidence)
                if calibration is None
                else correct(
                    calibration, _target(run, judge, measure, group, mine), seed=seed, confidence=confidence
                )
            )
    return made


def _gold(database: Database, run: RunRecord, judge: JudgeRecord) -> JudgeRecord | None:
    """The newest of people's labels on the same scale of the same run."""
    found = [
        one
        for one in Runs(database).judges(run)
        if one.traits.people and one.subject == judge.subject and one.identity != judge.identity
    ]
    return max(found, key=lambda one: one.key, default=None)


def _calibration(database: Database, run: RunRecord, judge: JudgeRecord) -> Calibration | None:
    """The newest validation of the judge on answers other than this run's."""
    records = Evidence(database).validations(judge.identity, run.benchmark)
    usable = [
        one
        for one in records
        if one.run != run.id and one.content["scale"] == judge.subject and _tables(one.content)
    ]
    if not usable:
        return None
    newest = usable[0]
    return Calibration(
        judge=newest.judge,
        benchmark=newest.benchmark,
        families=tuple(newest.content["model_families"]),
        tables=_tables(newest.content),
        labelled=newest.gold,
    )


def _tables(content: Mapping[str, object]) -> dict[str, CalibrationTable]:
    dimensions = content.get("dimensions")
    parts: dict[str, object] = dict(dimensions) if isinstance(dimensions, Mapping) else {}
    if not parts and content.get("overall"):
        parts = {"": content["overall"]}
    return {
        name: CalibrationTable(
            levels=tuple(one["levels"]), counts=tuple(tuple(row) for row in one["confusion"])
        )
        for name, one in parts.items()
        if isinstance(one, Mapping)
    }


def _design(database: Database, run: RunRecord, judge: JudgeRecord) -> Design:
    drawn = Evidence(database).samples(run, judge.identity)
    return Design(
        chosen=frozenset(key for sample in drawn for key in sample["chosen"]),
        simple=bool(drawn) and all(sample["simple_random"] for sample in drawn),
    )


def _has(measure: Measure, group: str) -> bool:
    return group == OVERALL or ("expect" if group.startswith("expect ") else "category") in measure.by


def _combine(measure: Measure, group: str) -> str:
    return measure.combine if group == OVERALL else "micro"


def _from_labels(
    design: Design, measure: Measure, group: str, answers: Sequence[RuledKind], seed: str, confidence: float
) -> Corrected:
    warning = "" if all(one.drawn for one in answers if one.gold) else NOT_DRAWN
    macro = _combine(measure, group) == "macro"
    if design.simple and not warning and not macro:
        found = _prediction_powered(measure, answers, confidence)
        if found.value is not None:
            return found
    strata: dict[tuple[str, str], list[RuledKind]] = {}
    for one in answers:
        strata.setdefault((one.dimension, one.judged), []).append(one)
    found = stratified(
        [_stratum(measure, *cell, mine) for cell, mine in sorted(strata.items())],
        combine="macro" if macro else "micro",
        seed=seed,
        confidence=confidence,
    )
    return replace(found, warning=warning)


def _stratum(measure: Measure, dimension: str, level: str, answers: Sequence[RuledKind]) -> Stratum:
    worth = formula_of(measure).worths(answers[0].scale)
    counts: Counter[str] = Counter()
    for one in answers:
        counts[one.gold] += one.count
    return Stratum(
        dimension=dimension,
        level=level,
        size=sum(one.count for one in answers),
        counts=tuple(counts[name] for name in worth),
        worth=tuple(worth.values()),
    )


def _prediction_powered(measure: Measure, answers: Sequence[RuledKind], confidence: float) -> Corrected:
    formula = formula_of(measure)

    def worth(one: RuledKind, level: str) -> float:
        return formula.worths(one.scale)[level]

    read = [one for one in answers if one.gold for _ in range(one.count)]
    return prediction_powered(
        [worth(one, one.gold) for one in read],
        [worth(one, one.judged) for one in read],
        [worth(one, one.judged) for one in answers if not one.gold for _ in range(one.count)],
        simple_random=True,
        confidence=confidence,
    )


def _target(
    run: RunRecord, judge: JudgeRecord, measure: Measure, group: str, answers: Sequence[RuledKind]
) -> Target:
    by_dimension: dict[str, list[RuledKind]] = {}
    for one in answers:
        by_dimension.setdefault(one.dimension, []).append(one)
    parts = []
    for dimension, mine in sorted(by_dimension.items()):
        worth = formula_of(measure).worths(mine[0].scale)
        counts: Counter[str] = Counter()
        for one in mine:
            counts[one.judged] += one.count
        parts.append(
            Judged(
                dimension=dimension,
                levels=tuple(worth),
                counts=tuple(counts[level] for level in worth),
                worth=tuple(worth.values()),
            )
        )
    return Target(
        judge=judge.identity,
        benchmark=run.benchmark,
        family=next(iter(sorted(families(run.model, run.traits))), ""),
        groups=tuple(parts),
        combine="macro" if _combine(measure, group) == "macro" else "micro",
    )
