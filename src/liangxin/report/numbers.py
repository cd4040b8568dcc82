"""Scores as the page shows them: every number with n, what is missing and why, interval and bounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from markupsafe import Markup

from liangxin.charts import PERCENT, Axis, Mark, lane, points_axis, symmetric_axis
from liangxin.engine.banding import cannot_tell
from liangxin.measures.formulas import attainable, formula_of
from liangxin.records import Measure, Score
from liangxin.specs import Benchmark
from liangxin.words import Bilingual, band_title, measure_title, reason_title

FEW = 30
"""Below this many units: counts and interval only, no bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Units that a score lacks, for one reason."""

    reason: Bilingual
    raw: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One score in words, and as a lane of a chart."""

    score: Score
    judge: int
    """The judge's key in the store."""
    series: int
    """Which of the judges (or runs) it stands for in a chart."""
    unit: str
    value: str
    interval: str
    bounds: str
    service: str
    count: str
    """`k/n` where the value is a share of few whole units; else empty."""
    few: bool
    missing: tuple[Missing, ...]
    chart: Markup
    band: str
    """The judge band; empty where there is none."""
    unknown: Bilingual | None
    """Why the judge's error gives no band; None where there is one, or none is due."""
    wide: bool
    """Whether the band is so wide that the numbers say nothing."""

    corrected: str
    """The value corrected by people's labels on the run, with its interval, where it stands in place of a band."""

    @property
    def empty(self) -> bool:
        """Whether nothing can be said; such tiles stand last."""
        return self.score.value is None

    @property
    def reason(self) -> Bilingual | None:
        """Why there is no value."""
        if self.score.value is not None:
            return None
        if not self.missing:
            return Bilingual(zh="该组没有题目", en="no items in this group")
        return self.missing[0].reason


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFrame:
    """Where a number is shown: its axis, and which judge or run it belongs to."""

    axis: Axis
    judge: int
    series: int
    dot: bool = False
    whole: bool = True
    """Whether one unit is one verdict, so that a share of units can be written as a count."""
    whose: str = ""
    """Named in the chart's description where several are drawn."""


def number(score: Score, measure: Measure, place: NumberFrame, benchmark: Benchmark) -> Number:
    """A score made ready for the page; rounded only here."""
    few = score.n < FEW
    bounded = score.missing or score.judge_low is not None
    mark = Mark(
        value=score.value,
        low=score.low,
        high=score.high,
        worst=score.worst if bounded else None,
        best=score.best if bounded else None,
        service=score.service,
        bare=few,
        dot=place.dot,
        series=place.series,
    )
    formula = formula_of(measure)
    signed, unit = formula.signed, "%" if formula.share and measure.unit == "percent" else ""
    title, description = _described(score, unit, place)
    return Number(
        score=score,
        judge=place.judge,
        series=place.series,
        unit=unit,
        value=figure(score.value, signed=signed),
        interval=span(score.low, score.high),
        bounds=span(*score.bounds),
        service="" if score.service is None else figure(score.service, signed=signed),
        count=_count(score, measure) if few and place.whole else "",
        few=few,
        missing=missing(score),
        chart=lane(place.axis, mark, title, description),
        band="" if score.judge_low is None else span(score.judge_low, score.judge_high),
        unknown=_unknown(score),
        corrected=""
        if score.replaced is None
        else f"{figure(score.replaced[0])} {span(*score.replaced[1:])}",
        wide=cannot_tell(score.measure, score.judge_low, score.judge_high, benchmark),
    )


def _unknown(score: Score) -> Bilingual | None:
    basis = score.judge_basis
    return None if basis is None or basis["why"] is None else band_title(basis["why"])


def missing(score: Score) -> tuple[Missing, ...]:
    """What is missing in the measures' order: a blocked judge first, then a blocked model, then the rest."""
    return tuple(
        Missing(reason=reason_title(reason), raw=reason, count=count)
        for reason, count in score.missing_by_reason.items()
        if count
    )


def axis_for(benchmark: Benchmark, measure: Measure, scores: Iterable[Score]) -> Axis:
    """The fixed axis of a measure; only where values have a sign is it as wide as its numbers need."""
    formula = formula_of(measure)
    if formula.signed:
        ends = [end for one in scores for end in (one.value, one.low, one.high, one.worst, one.best)]
        return symmetric_axis([end for end in ends if end is not None])
    worths = attainable(measure, benchmark)
    if measure.unit == "points":
        return points_axis(worths[0], worths[-1])
    return PERCENT if formula.share or worths[0] <= 0 else replace(PERCENT, floor=worths[0])


def figure(value: float | None, *, signed: bool = False) -> str:
    """A value with two decimals, as in the terminal; a dash where there is none."""
    return "—" if value is None else f"{value:+.2f}" if signed else f"{value:.2f}"


def span(low: float | None, high: float | None) -> str:
    """An interval or bounds with one decimal, as in the terminal."""
    return "—" if low is None or high is None else f"[{low:.1f}, {high:.1f}]"


def _count(score: Score, measure: Measure) -> str:
    """`k/n` where a share is of whole units; a mean over groups, turns or trials has no such count."""
    if score.value is None or not formula_of(measure).share:
        return ""
    if measure.combine == "macro" and score.group == "overall":
        return ""
    whole = score.value * score.n / 100
    return f"{round(whole)}/{score.n}" if abs(whole - round(whole)) < 1e-6 else ""


def _described(score: Score, unit: str, place: NumberFrame) -> tuple[str, str]:
    name = measure_title(score.measure)
    title = f"{score.group} · {name.zh} {name.en}" + (f" · {place.whose}" if place.whose else "")
    parts = [f"{figure(score.value)}{unit}", f"n = {score.n}"]
    if score.low is not None and score.high is not None:
        of = "仅抽样 sampling only" if score.erring else "95% 区间 interval"
        parts.insert(1, f"{of} {span(score.low, score.high)}")
    if score.judge_low is not None:
        parts.insert(1, f"评审误差带 judge band {span(score.judge_low, score.judge_high)}")
    if score.missing:
        parts.append(f"缺失 missing {score.missing}: 最坏–最好 bounds {span(*score.bounds)}")
    if score.service is not None:
        parts.append(f"服务口径 service view {figure(score.service)}")
    return title, "; ".join(parts)
