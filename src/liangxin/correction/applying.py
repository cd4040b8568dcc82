"""A calibration applied to a run: dimension by dimension, with a warning wherever it is used outside its scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from liangxin.correction import rogan_gladen, simplex
from liangxin.correction.calibration import Calibration, CalibrationTable, Scope
from liangxin.correction.combining import weighted
from liangxin.correction.corrected import Corrected, CorrectedPart, cannot_say
from liangxin.measures.intervals import generator

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a judge gave one dimension of the run that is corrected, one verdict an item."""

    dimension: str
    """The top category, also where the score is of a group below it."""
    levels: tuple[str, ...]
    """The scale's levels, worst first."""
    counts: tuple[int, ...]
    """How many answers the judge gave each level."""
    worth: tuple[float, ...]
    """What each level is worth, in the score's unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A run's score that is to be corrected."""

    judge: str
    """The identity of the judge that ruled on the run."""
    benchmark: str
    family: str
    """The family of the model that answered; empty where it is unknown."""
    groups: tuple[Judged, ...]
    combine: Literal["macro", "micro"]


def correct(calibration: Calibration, target: Target, *, seed: str, confidence: float = 0.95) -> Corrected:
    """A score corrected for the judge's error, its dimensions combined as the benchmark combines them.

    A dimension without a calibration of its own takes the pooled error of all that share its scale: the value
    then carries a warning, and its limits add up instead of averaging out.
    """
    if target.judge != calibration.judge:
        reason = f"the calibration is of judge {calibration.judge}, the run's judge is {target.judge}"
        return cannot_say(reason)
    groups = [one for one in target.groups if sum(one.counts)]
    if not groups:
        return cannot_say("the judge ruled on nothing")
    dimensions = tuple(one.dimension for one in groups)
    families = (target.family,) if target.family else ()
    scope = Scope(benchmark=target.benchmark, dimensions=dimensions, families=families)
    warning = calibration.warning(scope)
    covered = {
        one.dimension: calibration.tables[one.dimension] for one in groups if _covers(calibration, one)
    }
    own = len(covered) == len(set(dimensions))
    used = covered if own else calibration.tables
    n = sum(table.n for table in used.values())
    draws = generator(seed, "calibration")
    parts: list[CorrectedPart] = []
    for one in groups:
        table = covered.get(one.dimension) or calibration.pooled(one.levels)
        lone = len(groups) == 1
        found = _part(table, one, draws, confidence, lone=lone) if table else "no calibration has its scale"
        if isinstance(found, str):
            return cannot_say(f"{one.dimension}: {found}" if one.dimension else found, n, warning)
        parts.append(found)
    sizes = [sum(one.counts) for one in groups]
    weights = [1 / len(parts) if target.combine == "macro" else size / sum(sizes) for size in sizes]
    whole = weighted(parts, weights) if own else _added(parts, weights)
    bottom, top = min(min(one.worth) for one in groups), max(max(one.worth) for one in groups)
    value, low, high = (min(top, max(bottom, one)) for one in (whole.value, whole.low, whole.high))
    return Corrected(
        value=value,
        low=low,
        high=high,
        method="simplex" if any(len(set(one.worth)) > 2 for one in groups) else "rogan-gladen",
        n_calibration=n,
        warning=warning,
    )


def _covers(calibration: Calibration, one: Judged) -> bool:
    table = calibration.tables.get(one.dimension)
    return table is not None and table.levels == one.levels


def _part(
    table: CalibrationTable, one: Judged, draws: np.random.Generator, confidence: float, *, lone: bool
) -> CorrectedPart | str:
    """One dimension: Rogan-Gladen where its levels are worth one of two values, else on the simplex."""
    kinds = sorted(set(one.worth))
    if len(kinds) == 1:
        return CorrectedPart(value=kinds[0], low=kinds[0], high=kinds[0], n=table.n)
    if len(kinds) > 2:
        return simplex.part(table.counts, one.counts, one.worth, draws, confidence, bounded=lone)
    passing = [worth == kinds[1] for worth in one.worth]
    cells = {(people, ruled): 0 for people in (True, False) for ruled in (True, False)}
    for people, row in zip(passing, table.counts, strict=True):
        for ruled, count in zip(passing, row, strict=True):
            cells[people, ruled] += count
    counts = rogan_gladen.CalibrationCounts(
        tp=cells[True, True], fn=cells[True, False], fp=cells[False, True], tn=cells[False, False]
    )
    passed = sum(count for count, good in zip(one.counts, passing, strict=True) if good)
    found = rogan_gladen.part(counts, passed, sum(one.counts), draws, confidence)
    if isinstance(found, str):
        return found
    low, span = kinds[0], kinds[1] - kinds[0]
    return CorrectedPart(
        value=low + span * found.value, low=low + span * found.low, high=low + span * found.high, n=found.n
    )


def _added(parts: Sequence[CorrectedPart], weights: Sequence[float]) -> CorrectedPart:
    """Limits of a mean of estimates that rest on the same labels: their errors may all go one way."""
    pairs = list(zip(parts, weights, strict=True))
    return CorrectedPart(
        value=sum(weight * part.value for part, weight in pairs),
        low=sum(weight * part.low for part, weight in pairs),
        high=sum(weight * part.high for part, weight in pairs),
        n=max(part.n for part in parts),
    )
