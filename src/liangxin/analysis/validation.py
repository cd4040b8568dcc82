"""A judge measured against people on the very answers that people labelled."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from liangxin.agreement.annotators import Reliability, reliability
from liangxin.agreement.bias import JudgeBias, bias
from liangxin.agreement.estimate import Estimate
from liangxin.agreement.pairs import Agreement, agreement, agreement_by
from liangxin.agreement.scales import common_scale
from liangxin.analysis.pairs import GoldPairs, Pair, Ratings
from liangxin.correction.sources import JudgeSource, source_of, sources_values
from liangxin.errors import JudgeError
from liangxin.records import Scale
from liangxin.store import Evidence, ValidationRecord

NOMINAL = ("exact", "alpha_nominal", "kappa", "ac1")
"""What may be said of choices, whose levels have no order and no safe side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was measured on what."""

    benchmark: str
    judge: str
    """The judge's identity."""
    gold: str
    """The labels' identity."""
    scale: str
    """`primary` (the benchmark's own), `refusal` or `safety`."""
    run: str = ""
    """The run's id; empty for a labelled file."""
    model: str = ""
    """The SPEC whose answers were labelled; empty where a file names none."""
    families: frozenset[str] = frozenset()
    """The model's, by its name."""
    nominal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """How a judge's verdicts agree with people's labels."""

    subject: Subject
    labelled: int
    """Answers with a gold level."""
    answers: int
    """Answers that could have been labelled."""
    missing: Mapping[str, int]
    """Labelled answers without a verdict of the judge, by reason."""
    tied: int
    overall: Agreement | None
    """None where the dimensions' scales have no common one."""
    by_dimension: Mapping[str, Agreement]
    length: JudgeBias | None
    turn: JudgeBias | None
    """Error against the place in the dialogue; None for single turns."""
    people: Reliability | None
    """How far several annotators agree among themselves; None for one."""
    sources: tuple[JudgeSource, ...] = ()
    """The labelled answers as sources of the judge's error, one for each scale; none of choices.

    Answers to prompts that the judge was trained on are in none of them.
    """

    def shown(self, found: Agreement) -> tuple[Estimate, ...]:
        """The coefficients that mean something on this scale."""
        return tuple(one for one in found.estimates if not self.subject.nominal or one.name in NOMINAL)


def validate(subject: Subject, found: GoldPairs, ratings: Ratings | None = None) -> Validation:
    """All coefficients of a judge against gold, over all and by dimension.

    Args:
        ratings: every annotator's levels, places on the common scale.

    Raises:
        JudgeError: no answer has both a label and a verdict.
    """
    rows = found.both
    if not rows:
        raise JudgeError(
            f"{subject.gold} and {subject.judge} have no answer in common: {len(found.rows)} answers are labelled, "
            f"and the judge ruled on none of them"
        )
    scale = common_scale({row.scale.name: row.scale for row in found.rows}.values())
    seed = f"{subject.run}/{subject.judge}/{subject.gold}"
    gold, judged, units = _codes(rows, scale)
    overall = None if scale is None else agreement(gold, judged, scale, units=units, seed=seed)
    first = _first_of_each(rows)
    lengths = None
    turns = None
    if scale is not None and not subject.nominal:
        one, two, _ = _codes(first, scale)
        lengths = bias(one, two, np.array([float(row.length) for row in first]), scale, seed=f"{seed}/length")
        if len({row.turn for row in rows}) > 1:
            places = np.array([float(row.turn) for row in rows])
            turns = bias(gold, judged, places, scale, seed=f"{seed}/turn")
    return Validation(
        subject=subject,
        labelled=len(found.rows),
        answers=found.answers,
        missing=found.missing,
        tied=found.tied,
        overall=overall,
        by_dimension=_by_dimension(rows, seed),
        length=lengths,
        turn=turns,
        people=_people(ratings, scale, seed),
        sources=() if subject.nominal else _sources(subject, rows),
    )


def _sources(subject: Subject, rows: Sequence[Pair]) -> tuple[JudgeSource, ...]:
    name = f"{subject.gold} · run {subject.run}" if subject.run else subject.gold
    scales = dict.fromkeys(row.scale.name for row in rows)
    return tuple(
        source_of(
            name,
            scale,
            [
                (row.gold, row.judged or "", row.answer_length)
                for row in rows
                if row.scale.name == scale and not row.trained
            ],
        )
        for scale in scales
    )


def _people(ratings: Ratings | None, scale: Scale | None, seed: str) -> Reliability | None:
    if scale is None or ratings is None or len(ratings.places) < 2:
        return None
    places = np.array(ratings.places, dtype=np.int64)
    return reliability(places, scale, units=_numbers(ratings.units), seed=seed)


def _by_dimension(rows: Sequence[Pair], seed: str) -> dict[str, Agreement]:
    """Each dimension on its own scale; nothing where the benchmark has no dimensions."""
    found: dict[str, Agreement] = {}
    for scale in {row.scale.name: row.scale for row in rows}.values():
        mine = [row for row in rows if row.scale.name == scale.name and row.dimension]
        if mine:
            gold, judged, units = _codes(mine, scale)
            groups = [row.dimension for row in mine]
            found |= agreement_by(gold, judged, scale, groups=groups, units=units, seed=seed)
    return dict(sorted(found.items()))


def _codes(rows: Sequence[Pair], scale: Scale | None) -> tuple[Any, Any, Any]:
    names = [] if scale is None else [level.name for level in scale.levels]
    gold = np.array([names.index(row.gold) for row in rows] if names else [], dtype=np.int64)
    judged = np.array([names.index(row.judged or "") for row in rows] if names else [], dtype=np.int64)
    return gold, judged, _numbers(row.unit for row in rows)


def _numbers(units: Iterable[str]) -> Any:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(unit, len(numbers)) for unit in units], dtype=np.int64)


def _first_of_each(rows: Sequence[Pair]) -> list[Pair]:
    """One answer an item: rows of one item are not independent."""
    return list({row.unit: row for row in reversed(rows)}.values())


def content(one: Validation) -> dict[str, Any]:
    """A validation as JSON: what is printed and what is stored."""

    def told(found: Agreement) -> dict[str, Any]:
        return {
            "levels": list(found.levels),
            "confusion": [list(row) for row in found.table],
            "n": found.n,
            "items": found.units,
            "statistics": [estimate_fields(estimate) for estimate in one.shown(found)],
        }

    subject = one.subject
    return {
        "benchmark": subject.benchmark,
        "run": subject.run or None,
        "model": subject.model or None,
        "model_families": sorted(subject.families),
        "judge": subject.judge,
        "gold": subject.gold,
        "scale": subject.scale,
        "answers": one.answers,
        "labelled": one.labelled,
        "tied": one.tied,
        "missing": sum(one.missing.values()),
        "missing_by_reason": dict(one.missing),
        "overall": None if one.overall is None else told(one.overall),
        "dimensions": {name: told(found) for name, found in one.by_dimension.items()},
        "length_bias": _bias(one.length),
        "turn_bias": _bias(one.turn),
        "annotators": None
        if one.people is None
        else {
            "annotators": one.people.annotators,
            "items": one.people.items,
            "labelled_twice": one.people.pairable,
            "statistics": [estimate_fields(estimate) for estimate in one.people.estimates],
        },
        "sources": sources_values(one.sources),
    }


def keep(evidence: Evidence, one: Validation) -> None:
    """Store a validation, unless the newest one says the same."""
    subject = one.subject
    told = content(one)
    same = [
        record
        for record in evidence.validations(subject.judge, subject.benchmark)
        if (record.gold, record.run, record.content["scale"]) == (subject.gold, subject.run, subject.scale)
    ]
    if not same or same[0].content != told:
        evidence.add_validation(
            ValidationRecord(
                judge=subject.judge,
                benchmark=subject.benchmark,
                gold=subject.gold,
                run=subject.run,
                created=time.time(),
                content=told,
            )
        )


def estimate_fields(one: Estimate) -> dict[str, Any]:
    """An estimate as JSON."""
    told = asdict(one)
    told["statistic"] = told.pop("name")
    told["cannot_say"] = None if one.cannot_say is None else str(one.cannot_say)
    order = ("statistic", "value", "low", "high", "method", "n", "cannot_say")
    return {name: told[name] for name in order}


def _bias(one: JudgeBias | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "correlation": estimate_fields(one.correlation),
        "difference": estimate_fields(one.difference),
        "p": one.p,
    }
