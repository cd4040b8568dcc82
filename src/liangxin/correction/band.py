"""The judge band: between which values the truth lies, by the judge's measured error and the sampling together.

An answer is *counted* where it is in a measure's numerator. Of the truly counted the judge rules Se counted, of the
others Sp not counted. Se and Sp differ from set to set, so only their ranges over labelled sets are taken as known;
the share π of truly counted answers is then every one that can give the share q that the judge ruled counted:

    q = π Se + (1 - π)(1 - Sp)  for some Se in [Se₋, Se₊], Sp in [Sp₋, Sp₊]

Both sides are linear in π, and nothing is divided by Se + Sp - 1. The proof stands in docs/judge-band.

Sources: Rogan and Gladen 1978 (the equation); Manski 2003, *Partial Identification of Probability Distributions*
(ranges instead of points); Wilson 1927; Clopper and Pearson 1934; Zou and Donner 2008 (MOVER).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from liangxin.correction.sources import JudgeSource
from liangxin.measures.intervals import clopper_pearson, wilson
from liangxin.records import AnswerLength

LEAST = 20
"""Labelled answers of a level and length, or items of a cell, below which nothing is narrowed."""
WIDE = 60.0
"""Points beyond which the numbers say nothing (不能判断)."""
_ROUNDING = 1e-12
_SIDES = ("low", "high", "lowest", "highest")

Why = Literal["not measured", "unlike every source"]
NOT_MEASURED: Why = "not measured"
UNLIKE: Why = "unlike every source"
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandCell:
    """Answers of one group, scale and length that the judge gave a level, or that have none."""

    weight: float
    """The group's weight in the measure times the cell's share of the group's answers with a level."""
    kept: float
    """The share of the group's planned answers that have a level."""
    scale: str
    worths: Mapping[str, float]
    """What each level is worth in the measure, in the scale's order (worst level first)."""
    length: AnswerLength
    items: int
    """Different items among the answers: several answers to one item are no independent trials."""
    counts: Mapping[str, int]
    """Answers by ruled level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandGap:
    """Answers of one group and scale without a level."""

    weight: float
    """The group's weight in the measure times their share of the group's planned answers."""
    worths: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeBand:
    """Where the truth lies, in the measure's unit; or why that is not known."""

    sources: tuple[str, ...]
    """The names of the labelled sets."""
    why: Why | None = None
    low: float | None = None
    """Over the answers that have a level; None where `why` says so, as all that follow."""
    high: float | None = None
    lowest: float | None = None
    """The same over all planned answers, those without a level at the scale's lowest worth."""
    highest: float | None = None

    def basis(self) -> dict[str, object]:
        """As JSON, for a score's `judge_basis`."""
        return {"sources": list(self.sources), "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRange:
    """Between what a judge's sensitivity and specificity lie; by default anything."""

    sensitivity: Span = (0.0, 1.0)
    specificity: Span = (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    """A cell's share of truly counted answers: with sampling (l, h), and at the observed share (l°, h°)."""

    low: float
    high: float
    low_at: float
    high_at: float


@dataclass(slots=True)
class _Pooled:
    """A length pooled over groups."""

    counted: int = 0
    answers: int = 0
    items: int = 0


def judge_band(
    cells: Sequence[BandCell],
    gaps: Sequence[BandGap],
    sources: Sequence[JudgeSource],
    confidence: float = 0.95,
) -> JudgeBand:
    """A measure's band over its cells.

    The measure is its lowest worth and, for every higher one, the step up to it times the share of answers worth that
    much or more; each share has a band of its own, and they add up with the steps.

    Args:
        sources: the judge's, of any scale; those of the cells' scales are used.
    """
    scales = {cell.scale for cell in cells}
    used = [one for one in sources if one.scale in scales]
    names = tuple(dict.fromkeys(one.name for one in used))
    if not used:
        return JudgeBand(sources=(), why=NOT_MEASURED)
    found = _Ranges(used, confidence)
    cuts = sorted({worth for cell in cells for worth in cell.worths.values()})
    total = dict.fromkeys(_SIDES, cuts[0])
    for below, cut in pairwise(cuts):
        ends = found.ends(cells, cut)
        if ends is None:
            return JudgeBand(sources=names, why=UNLIKE)
        for side, share in _shares(cells, gaps, ends, cut).items():
            total[side] += (cut - below) * share
    low, high, lowest, highest = (total[side] for side in _SIDES)
    return JudgeBand(sources=names, low=low, high=high, lowest=lowest, highest=highest)


def difference(second: JudgeBand, first: JudgeBand) -> JudgeBand:
    """The band of a second value less a first: differences of opposite ends."""
    names = tuple(dict.fromkeys((*first.sources, *second.sources)))
    if first.why or second.why:
        return JudgeBand(sources=names, why=first.why or second.why)
    return JudgeBand(
        sources=names,
        low=_less(second.low, first.high),
        high=_less(second.high, first.low),
        lowest=_less(second.lowest, first.highest),
        highest=_less(second.highest, first.lowest),
    )


def truths(error: ErrorRange, observed: Span) -> Span | None:
    """The least and greatest π in [0, 1] that can give an observed share within limits; None where none can.

    π Se₋ + (1 - π)(1 - Sp₊) ≤ q₊ and π Se₊ + (1 - π)(1 - Sp₋) ≥ q₋: two half-lines of π.
    """
    (se_low, se_high), (sp_low, sp_high) = error.sensitivity, error.specificity
    least = (1 - sp_high, se_low)
    most = (1 - sp_low, se_high)
    upper = _half_line(*least, observed[1])
    # A share of at least q is one of at most 1 - q of the others.
    lower = _half_line(1 - most[0], 1 - most[1], 1 - observed[0])
    if upper is None or lower is None:
        return None
    low, high = max(upper[0], lower[0]), min(upper[1], lower[1])
    if low > high + _ROUNDING:
        return None
    return min(low, high), max(low, high)


def error_range(
    sources: Sequence[JudgeSource],
    worths: Mapping[str, float],
    cut: float,
    length: AnswerLength,
    confidence: float = 0.95,
) -> ErrorRange:
    """What is known of a judge's Se and Sp at one cut of a scale, on answers of one length.

    For each true level the least lower and greatest upper Wilson limit over the sources with `LEAST` answers of it;
    over a side of the cut the widest, since how its levels are mixed is not known.
    """
    sides: dict[bool, list[Span]] = {True: [], False: []}
    placed = [_placed(one, worths, length) for one in sources]
    for level, worth in worths.items():
        side = worth >= cut
        limits = []
        for table in placed:
            ruled = table.get(level, Counter())
            n = ruled.total()
            if n >= LEAST:
                right = sum(count for name, count in ruled.items() if (worths[name] >= cut) == side)
                limits.append(wilson(right, n, confidence))
        sides[side].append(_widest(limits) if limits else (0.0, 1.0))
    return ErrorRange(sensitivity=_widest(sides[True]), specificity=_widest(sides[False]))


@dataclass(slots=True)
class _Ranges:
    """A judge's error by scale, cut and length, each worked out once."""

    sources: Sequence[JudgeSource]
    confidence: float
    _known: dict[tuple[str, float, AnswerLength], ErrorRange] = field(default_factory=dict)

    def ends(self, cells: Sequence[BandCell], cut: float) -> list[_Ends] | None:
        """Every cell's ends at one cut; None where a length, pooled over the groups, is unlike every source."""
        pooled: dict[tuple[str, AnswerLength], _Pooled] = {}
        found = []
        for cell in cells:
            fixed = _fixed(cell.worths, cut)
            if fixed is not None:
                found.append(_Ends(low=fixed, high=fixed, low_at=fixed, high_at=fixed))
                continue
            counted, answers = _counted(cell, cut)
            whole = pooled.setdefault((cell.scale, cell.length), _Pooled())
            whole.counted += counted
            whole.answers += answers
            whole.items += cell.items
            found.append(self._of(cell, cut, counted / answers))
        for (scale, length), whole in pooled.items():
            worths = next(one.worths for one in cells if one.scale == scale)
            limits = self._sampled(whole.counted / whole.answers, whole.items)
            if truths(self._range(scale, worths, cut, length), limits) is None:
                return None
        return found

    def _of(self, cell: BandCell, cut: float, share: float) -> _Ends:
        error = self._range(cell.scale, cell.worths, cut, cell.length)
        low, high = truths(error, self._sampled(share, cell.items)) or (0.0, 1.0)
        at = truths(error, (share, share)) if cell.items >= LEAST else None
        low_at, high_at = at or (low, high)
        return _Ends(low=low, high=high, low_at=low_at, high_at=high_at)

    def _sampled(self, share: float, items: int) -> Span:
        return clopper_pearson(share * items, items, self.confidence)

    def _range(self, scale: str, worths: Mapping[str, float], cut: float, length: AnswerLength) -> ErrorRange:
        key = scale, cut, length
        if key not in self._known:
            mine = [one for one in self.sources if one.scale == scale]
            self._known[key] = error_range(mine, worths, cut, length, self.confidence)
        return self._known[key]


def _shares(
    cells: Sequence[BandCell], gaps: Sequence[BandGap], ends: Sequence[_Ends], cut: float
) -> dict[str, float]:
    """The band of the share of answers worth `cut` or more: over those with a level, and over all planned."""
    ruled = [(cell.weight, one) for cell, one in zip(cells, ends, strict=True)]
    planned = [(cell.weight * cell.kept, one) for cell, one in zip(cells, ends, strict=True)]
    worst = sum(gap.weight for gap in gaps if min(gap.worths.values()) >= cut)
    best = sum(gap.weight for gap in gaps if max(gap.worths.values()) >= cut)
    low, high = _mover(ruled)
    lowest, highest = _mover(planned)
    made = {"low": low, "high": high, "lowest": lowest + worst, "highest": highest + best}
    return {side: min(1.0, max(0.0, share)) for side, share in made.items()}


def _mover(parts: Sequence[tuple[float, _Ends]]) -> Span:
    """Σ w l° - √Σ w²(l° - l)² and Σ w h° + √Σ w²(h - h°)²."""
    below = math.sqrt(math.fsum((weight * (one.low_at - one.low)) ** 2 for weight, one in parts))
    above = math.sqrt(math.fsum((weight * (one.high - one.high_at)) ** 2 for weight, one in parts))
    return (
        math.fsum(weight * one.low_at for weight, one in parts) - below,
        math.fsum(weight * one.high_at for weight, one in parts) + above,
    )


def _half_line(at_none: float, at_all: float, most: float) -> Span | None:
    """Every π in [0, 1] with (1 - π) at_none + π at_all ≤ most; None where there is none."""
    if max(at_none, at_all) <= most + _ROUNDING:
        return 0.0, 1.0
    if min(at_none, at_all) > most + _ROUNDING:
        return None
    reached = min(1.0, max(0.0, (most - at_none) / (at_all - at_none)))
    return (0.0, reached) if at_all > at_none else (reached, 1.0)


def _placed(
    source: JudgeSource, worths: Mapping[str, float], length: AnswerLength
) -> dict[str, Counter[str]]:
    """True level -> ruled levels of a source's answers of one length; what is on no level of the scale is left out."""
    names = list(worths)
    ends = {"unsafe": names[0], "safe": names[-1]} | {name: name for name in names}
    found: dict[str, Counter[str]] = {}
    for one in source.counts:
        if one.length == length and one.true in ends and one.ruled in ends:
            found.setdefault(ends[one.true], Counter())[ends[one.ruled]] += one.n
    return found


def _fixed(worths: Mapping[str, float], cut: float) -> float | None:
    """1 or 0 where every or no level of the scale is worth `cut` or more."""
    over = [worth >= cut for worth in worths.values()]
    return 1.0 if all(over) else None if any(over) else 0.0


def _counted(cell: BandCell, cut: float) -> tuple[int, int]:
    counted = sum(count for level, count in cell.counts.items() if cell.worths[level] >= cut)
    return counted, sum(cell.counts.values())


def _widest(spans: Sequence[Span]) -> Span:
    return min(low for low, _ in spans), max(high for _, high in spans)


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
