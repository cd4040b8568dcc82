"""Tables and tiles of scores, several judges (or runs) beside each other on one axis."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from liangxin.charts import Axis, scale_line
from liangxin.engine.headline import said_by
from liangxin.engine.results import JudgeResult, RunResult
from liangxin.records import Measure, Score
from liangxin.report.numbers import Number, NumberFrame, axis_for, number
from liangxin.specs import Benchmark
from liangxin.words import Bilingual, category_titles, measure_note, same, title_of

Part = Literal["overall", "category", "tags", "round", "expect"]

OVERALL = "overall"
_ROUND = re.compile(r"round [0-9]+")
_EXPECT = {
    "expect refuse": Bilingual(zh="应拒答：拒答率（高为好）", en="Refusals due (high is good)"),
    "expect answer": Bilingual(zh="误拒：不该拒的拒答率（低为好）", en="Refusals not due (low is good)"),
}
_TAGS = {"easy": Bilingual(zh="容易", en="easy"), "hard": Bilingual(zh="困难", en="hard")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """A group's numbers, one for each series that has it."""

    group: str
    word: str
    """The data's own word for the group."""
    title: Bilingual
    depth: int
    """0 overall, 1 a top category, 2 beneath one."""
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """One measure by group."""

    measure: Measure
    title: Bilingual
    note: Bilingual
    axis: Axis
    scale: Markup
    rows: tuple[ScoreRow, ...]

    @property
    def bounds_title(self) -> Bilingual:
        """What the bounds are called: they stand least first, so only where more is better is that from worst to best."""
        if not self.measure.higher_is_better:
            return Bilingual(zh="最低–最高", en="Lowest–highest")
        return Bilingual(zh="最坏–最好", en="Worst–best")

    @property
    def service(self) -> bool:
        """Whether any of its numbers differs in the service view."""
        return any(number.score.service is not None for row in self.rows for number in row.numbers)

    @property
    def erring(self) -> bool:
        """Whether any of its numbers is of a judge that may err."""
        return any(number.score.erring for row in self.rows for number in row.numbers)

    @property
    def several(self) -> bool:
        """Whether any of its rows holds more than one number."""
        return any(len(row.numbers) > 1 for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One judge's scores of one run: a colour in the charts, a line in each row."""

    number: int
    judge: int
    """The judge's key in the store."""
    name: str
    scores: tuple[Score, ...]
    whole: bool
    """Whether one unit is one verdict."""


def series_of(result: RunResult) -> tuple[Series, ...]:
    """A run's judges as series."""
    return tuple(one_series(result, judge, place) for place, judge in enumerate(result.judges))


def one_series(result: RunResult, judge: JudgeResult, place: int) -> Series:
    """One judge of one run as a series."""
    rounds = any("round" in measure.by for measure in result.benchmark.measures)
    return Series(
        number=place,
        judge=judge.record.key,
        name=judge.record.identity,
        scores=said_by(judge),
        whole=result.run.trials == 1 and not rounds,
    )


def score_table(
    benchmark: Benchmark,
    measure: Measure,
    series: Sequence[Series],
    wanted: Callable[[str], bool],
    *,
    dot: bool = False,
) -> ScoreTable | None:
    """One measure's table over the groups that are wanted; None where none of them has a score."""
    told = _told(series, measure.name, wanted)
    groups = list(dict.fromkeys(score.group for _, scores in told for score in scores))
    if not groups:
        return None
    axis = axis_for(benchmark, measure, [score for _, scores in told for score in scores])
    names = category_titles(benchmark.taxonomy)
    rows = []
    for group in _ordered(groups, names):
        numbers = [
            number(score, measure, _place(one, axis, dot=dot, named=len(series) > 1), benchmark)
            for one, scores in told
            for score in scores
            if score.group == group
        ]
        rows.append(_row(group, names, tuple(numbers)))
    return _frame(measure, axis, tuple(rows))


def tiles(benchmark: Benchmark, series: Series) -> tuple[tuple[ScoreTable, Number], ...]:
    """One judge's overall numbers, each with its measure's frame (title, note, axis)."""
    made = []
    for measure in benchmark.measures:
        found = [one for one in series.scores if one.measure == measure.name and one.group == OVERALL]
        if found:
            axis = axis_for(benchmark, measure, found)
            place = _place(series, axis, dot=False, named=False)
            made.append((_frame(measure, axis, ()), number(found[0], measure, place, benchmark)))
    return tuple(made)


def group_title(group: str, names: Mapping[str, Bilingual]) -> Bilingual:
    """A group's name for people: the taxonomy's, or the contract's, or its own word."""
    if group == OVERALL:
        return Bilingual(zh="总计", en="Overall")
    if group in names:
        return names[group]
    if _ROUND.fullmatch(group):
        turn = group.removeprefix("round ")
        return Bilingual(zh=f"第 {turn} 轮", en=f"Round {turn}")
    return _EXPECT.get(group) or _TAGS.get(group) or same(group.rpartition("/")[2])


def part_of(group: str, categories: frozenset[str]) -> Part:
    """Which part of the page a group belongs to; the items say which words are categories."""
    if group == OVERALL:
        return "overall"
    if group in categories:
        return "category"
    if _ROUND.fullmatch(group):
        return "round"
    return "expect" if group in _EXPECT else "tags"


def _place(series: Series, axis: Axis, *, dot: bool, named: bool) -> NumberFrame:
    return NumberFrame(
        axis=axis,
        judge=series.judge,
        series=series.number,
        dot=dot,
        whole=series.whole,
        whose=series.name if named else "",
    )


def _row(group: str, names: Mapping[str, Bilingual], numbers: tuple[Number, ...]) -> ScoreRow:
    contracted = group == OVERALL or group in _EXPECT or bool(_ROUND.fullmatch(group))
    return ScoreRow(
        group=group,
        word="" if contracted else group.rpartition("/")[2],
        title=group_title(group, names),
        depth=0 if group == OVERALL else 2 if "/" in group else 1,
        numbers=numbers,
    )


def _frame(measure: Measure, axis: Axis, rows: tuple[ScoreRow, ...]) -> ScoreTable:
    return ScoreTable(
        measure=measure,
        title=title_of(measure),
        note=measure_note(measure.name),
        axis=axis,
        scale=scale_line(axis),
        rows=rows,
    )


def _told(
    series: Sequence[Series], measure: str, wanted: Callable[[str], bool]
) -> list[tuple[Series, list[Score]]]:
    """Each judge's scores of a measure; judges that can say nothing of it only where none can, and once."""
    found = [(one, [score for score in one.scores if score.measure == measure]) for one in series]
    able = [(one, scores) for one, scores in found if any(score.value is not None for score in scores)]
    if able:
        return [(one, [score for score in scores if wanted(score.group)]) for one, scores in able]
    return [
        (one, [score for score in scores if wanted(score.group) and score.group == OVERALL])
        for one, scores in found
    ]


def _ordered(groups: Sequence[str], names: Mapping[str, Bilingual]) -> list[str]:
    """Overall, expectations, then each top category with what is beneath it, in the taxonomy's order."""
    place = {name: number for number, name in enumerate((OVERALL, *_EXPECT, *names))}
    first = {group: number for number, group in enumerate(groups)}
    unknown = len(place)

    def key(group: str) -> tuple[int, int, int, int]:
        top = group.partition("/")[0]
        return (place.get(top, unknown), first.get(top, unknown), place.get(group, unknown), first[group])

    return sorted(groups, key=key)
