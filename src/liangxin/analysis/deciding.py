"""Whether a run's measure meets a bound: at least, or at most, so much, at a stated confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

import numpy as np

from liangxin.analysis.corrected_claim import (
    CANNOT_SAY,
    WithError,
    any_time,
    decide_banded,
    decide_corrected,
)
from liangxin.analysis.correcting import ScoreKey, corrections
from liangxin.analysis.values import Array, GroupValues, UnitValues, unit_values
from liangxin.engine.banding import ON_THE_RUN, measured_error
from liangxin.engine.counting import level_counts
from liangxin.engine.headline import ruling_command
from liangxin.engine.results import may_err
from liangxin.errors import JudgeError, UsageError
from liangxin.hints import hint
from liangxin.inference.binomial import decide_rate
from liangxin.inference.claims import Claim, Decision
from liangxin.inference.means import GroupMean, decide_groups, decide_mean, mean_bounds
from liangxin.inference.sequential import decide_rate_at_any_time
from liangxin.measures.formulas import attainable, formula_of
from liangxin.records import Measure
from liangxin.specs import Benchmark
from liangxin.store import Database, Evidence, JudgeRecord, Look, RunRecord
from liangxin.store.columns import ColumnReader

OVERALL = "overall"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionQuestion:
    """What is to be decided, in the measure's own unit (percent or points)."""

    measure: str
    group: str
    at_least: float | None
    at_most: float | None
    confidence: float = 95.0
    """In percent."""
    sequential: bool = False
    corrected: bool = False
    """On the value corrected for the judge's error."""
    judge_trusted: bool = False
    """By bounds that take every verdict as true, as if the judge never erred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What can be said, in the measure's own unit."""

    question: DecisionQuestion
    judge: str
    decision: Decision
    """Its numbers are shares of the measure's range."""
    range: tuple[float, float]
    missing: int
    """Units without a value, which the decision does not speak of."""
    looks: tuple[Look, ...]
    spent: bool
    """An earlier look at other data has used the confidence up, so that nothing may be claimed."""
    further_labels: int | None = None
    """How many more of people's labels would decide, where the judge's error is in the bounds."""
    notes: tuple[str, ...] = ()
    """What is to be known of a corrected value or of a judge's error: why there is none, or a warning."""
    basis: Mapping[str, object] | None = None
    """What the judge band rests on, where it decided."""

    @property
    def unknown(self) -> bool:
        """Whether a corrected value was asked for and none can be said."""
        return self.decision.method == CANNOT_SAY

    def scaled(self, share: float) -> float:
        """A share of the range as a value of the measure."""
        low, high = self.range
        return low + (high - low) * share


def decide(
    database: Database, run: RunRecord, benchmark: Benchmark, judge: JudgeRecord, question: DecisionQuestion
) -> Decided:
    """Answer one question on a stored run, and count the look.

    A decision by exact bounds holds for one look at a number of items that was planned. Where other data were
    looked at before, the verdict is `undecided`: only `sequential` bounds allow looking again.

    Raises:
        UsageError: no such measure or group, or the bound lies outside the measure's range.
        JudgeError: the judge gives no value there.
    """
    if question.corrected and question.sequential:
        raise UsageError("a corrected value has bounds for one planned look only: leave --sequential out")
    values = _measure(database, run, benchmark, judge, question)
    span = measure_range(values.measure, benchmark)
    bound = question.at_least if question.at_least is not None else question.at_most
    assert bound is not None
    if not span[0] <= bound <= span[1]:
        raise UsageError(f"{question.measure} lies between {span[0]:g} and {span[1]:g}; {bound:g} is outside")
    claim = Claim(
        bound=(bound - span[0]) / (span[1] - span[0]),
        direction="at_least" if question.at_least is not None else "at_most",
        confidence=question.confidence / 100,
    )
    found: WithError | None = None
    if question.corrected or (may_err(benchmark, judge) and not question.judge_trusted):
        found = _with_error(_Asked(database, run, benchmark, judge, question), values, claim, span)
    made = _decide(values, question, claim, span) if found is None else found.decision
    looks = _look(database, run, judge, question, made, found)
    spent = not question.sequential and len(looks) > 1
    if spent and made.verdict != "undecided":
        made = replace(made, verdict="undecided", further=None)
    units = values.groups[question.group]
    return Decided(
        question=question,
        judge=judge.identity,
        decision=made,
        range=span,
        missing=values.planned[question.group] - len(units),
        looks=looks,
        spent=spent,
        further_labels=None if found is None or spent else found.further_labels,
        notes=() if found is None else found.notes,
        basis=None if found is None else found.basis,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question of a stored run."""

    database: Database
    run: RunRecord
    benchmark: Benchmark
    judge: JudgeRecord
    question: DecisionQuestion


def _with_error(asked: _Asked, values: UnitValues, claim: Claim, span: tuple[float, float]) -> WithError:
    """By the corrected value where it is asked for or people labelled a part of the run, else by the judge band."""
    question = asked.question
    place = ScoreKey(question.measure, question.group)
    units = values.groups[question.group]
    sides = asked.database, asked.run, asked.benchmark, asked.judge
    two_sided = max(0.02, 2 * claim.confidence - 1)
    made_of = (
        None if question.sequential else corrections(*sides, confidence=two_sided, only=place).get(place)
    )
    if question.corrected or (made_of is not None and made_of.method in ON_THE_RUN):
        return decide_corrected(made_of, claim, span, len(units))
    value = _decide(values, question, claim, span).value
    if question.sequential:
        return any_time(value, claim, len(units))
    counts = level_counts(ColumnReader(asked.database, asked.run, [asked.judge.key]), asked.judge.key)
    error = measured_error(asked.database, asked.benchmark, asked.judge, counts)
    return decide_banded(error.bands(claim.confidence, place)[place], value, claim, span, len(units))


def measure_range(measure: Measure, benchmark: Benchmark) -> tuple[float, float]:
    """The lowest and the highest value of a measure, in its unit."""
    worths = attainable(measure, benchmark)
    return worths[0], worths[-1]


def tops(values: UnitValues) -> dict[str, GroupValues]:
    """The groups that an unweighted overall mean is made of; empty where `overall` is over all units alike."""
    if values.measure.combine != "macro":
        return {}
    return {group: units for group, units in values.groups.items() if group != OVERALL and "/" not in group}


def _measure(
    database: Database, run: RunRecord, benchmark: Benchmark, judge: JudgeRecord, question: DecisionQuestion
) -> UnitValues:
    names = [measure.name for measure in benchmark.measures if formula_of(measure).decided]
    if question.measure not in names:
        raise UsageError(
            f"{run.benchmark} has no measure {question.measure!r} to decide on; it has {', '.join(names)}."
            + hint(question.measure, names)
        )
    found = unit_values(database, run, benchmark, judge, only={question.measure})
    if not found:
        subject = next(one.subject for one in benchmark.measures if one.name == question.measure)
        raise JudgeError(
            f"{judge.identity} has no such levels: it says nothing of {question.measure}, which is brought by "
            f"`{ruling_command(run, subject)}`"
        )
    (values,) = found
    if question.group not in values.planned:
        groups = ", ".join(sorted(values.planned))
        raise UsageError(
            f"{question.measure} of run {run.label} has no group {question.group!r}; it has {groups}"
        )
    if question.group not in values.groups:
        raise JudgeError(f"no answer of group {question.group!r} has a value by {judge.identity}")
    return values


def _decide(
    values: UnitValues, question: DecisionQuestion, claim: Claim, span: tuple[float, float]
) -> Decision:
    parts = tops(values) if question.group == OVERALL else {}
    if len(parts) > 1:
        shares = [_shares(units, span) for units in parts.values()]
        if question.sequential:
            return _sequential_groups(shares, claim)
        weight = 1 / len(shares)
        return decide_groups(
            [GroupMean(mean=fsum(one.tolist()) / len(one), n=len(one), weight=weight) for one in shares],
            claim,
        )
    found = _shares(values.groups[question.group], span)
    if bool(np.isin(found, (0.0, 1.0)).all()) and values.groups[question.group].single:
        successes, n = int(found.sum()), len(found)
        return (decide_rate_at_any_time if question.sequential else decide_rate)(successes, n, claim)
    return decide_mean(found, claim, planned=not question.sequential)


def _sequential_groups(groups: Sequence[Array], claim: Claim) -> Decision:
    """Each group's any-time bound at a share of the error (Bonferroni), averaged: valid whenever one looks."""
    confidence = 1 - (1 - claim.confidence) / len(groups)
    limits = []
    for group in groups:
        distinct, counts = np.unique(group, return_counts=True)
        limits.append(mean_bounds(distinct, counts, confidence, planned=False))
    low, high = (fsum(side) / len(limits) for side in zip(*limits, strict=True))
    return Decision(
        verdict=claim.verdict(low, high),
        value=fsum(fsum(group.tolist()) / len(group) for group in groups) / len(groups),
        low=low,
        high=high,
        n=sum(map(len, groups)),
        method="betting any-time, Bonferroni over groups",
    )


def _shares(units: GroupValues, span: tuple[float, float]) -> Array:
    """Each unit's own mean as a share of the measure's range, rounding held within it."""
    return units.shares(span).clip(0.0, 1.0)


def _look(
    database: Database,
    run: RunRecord,
    judge: JudgeRecord,
    question: DecisionQuestion,
    made: Decision,
    found: WithError | None,
) -> tuple[Look, ...]:
    asked: dict[str, Any] = {
        "judge": judge.identity,
        "measure": question.measure,
        "group": question.group,
        "at_least": question.at_least,
        "at_most": question.at_most,
        "confidence": question.confidence,
        "sequential": question.sequential,
        **({"corrected": True} if question.corrected else {"judged": True} if found is not None else {}),
    }
    told = {"verdict": made.verdict, "value": made.value, "low": made.low, "high": made.high}
    looks = Evidence(database).look(run, asked, made.n, told)
    return tuple(sorted(looks, key=lambda look: look.n))


def answer_fields(one: Decided) -> dict[str, Any]:
    """An answer as JSON: the contract's keys first."""
    made = one.decision
    return {
        "verdict": made.verdict,
        "value": None if one.unknown else one.scaled(made.value),
        "low": one.scaled(made.low),
        "high": one.scaled(made.high),
        "further_items": made.further,
        "further_labels": one.further_labels,
        "measure": one.question.measure,
        "group": one.question.group,
        "judge": one.judge,
        "at_least": one.question.at_least,
        "at_most": one.question.at_most,
        "confidence": one.question.confidence,
        "n": made.n,
        "missing": one.missing,
        "method": made.method,
        "looks": len(one.looks),
        "corrected": one.question.corrected,
        "notes": list(one.notes),
        "judge_trusted": one.question.judge_trusted,
        "judge_basis": None if one.basis is None else dict(one.basis),
    }
