"""Several runs of one benchmark beside each other: a table of overall numbers, and dots with whiskers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from liangxin.charts import shape
from liangxin.report.numbers import Number
from liangxin.report.tables import OVERALL, ScoreTable, Series, one_series, part_of, score_table
from liangxin.report.view import JudgeView, RunView
from liangxin.specs import Benchmark
from liangxin.text import visible
from liangxin.words import Bilingual


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One run as one judge sees it."""

    run: RunView
    judge: JudgeView
    key: Markup
    """The mark that stands for it in the charts."""
    numbers: tuple[Number | None, ...]
    """Its overall numbers, one for each of the comparison's tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """What several runs of one benchmark have in common, and what keeps them from being compared."""

    benchmark: Benchmark
    sample: bool
    tables: tuple[ScoreTable, ...]
    lines: tuple[ComparedRun, ...]
    cautions: tuple[Bilingual, ...]

    @property
    def labels(self) -> tuple[Markup, ...]:
        """How each line is called in the tables: its mark, the run, and the judge where there are several."""
        several = len({line.judge.spec + line.judge.digest for line in self.lines}) > 1
        whole = Markup('<span class="line" title="{0} {1}">{2} <bdi>{0}</bdi>{3}</span>')
        return tuple(
            whole.format(
                visible(line.run.result.run.label),
                visible(line.judge.spec),
                line.key,
                Markup(" <small><bdi>{}</bdi></small>").format(visible(line.judge.spec)) if several else "",
            )
            for line in self.lines
        )


def comparisons(views: Sequence[RunView]) -> tuple[RunComparison, ...]:
    """A comparison for each benchmark that several of the runs are of."""
    by_name: dict[str, list[RunView]] = {}
    for view in views:
        by_name.setdefault(view.result.run.benchmark, []).append(view)
    made = [_comparison(group) for group in by_name.values() if len(group) > 1]
    return tuple(one for one in made if one is not None)


def _comparison(views: Sequence[RunView]) -> RunComparison | None:
    lines = _lines(views)
    if not lines:
        return None
    benchmark = views[0].result.benchmark
    categories = frozenset().union(*(view.picked.categories for view in views))
    series = [one for _, _, one in lines]

    def wanted(group: str) -> bool:
        part = part_of(group, categories)
        return part in (OVERALL, "round", "expect") or (part == "category" and "/" not in group)

    found = [score_table(benchmark, one, series, wanted, dot=True) for one in benchmark.measures]
    tables = tuple(table for table in found if table is not None)
    return RunComparison(
        benchmark=benchmark,
        sample=any(view.result.run.sample for view in views),
        tables=tables,
        lines=tuple(
            ComparedRun(
                run=view,
                judge=judge,
                key=shape(one.number),
                numbers=tuple(_overall(table, one.number) for table in tables),
            )
            for view, judge, one in lines
        ),
        cautions=tuple(_cautions(views)),
    )


def _lines(views: Sequence[RunView]) -> list[tuple[RunView, JudgeView, Series]]:
    """Every run and judge that has any value, the same judge's runs beside each other."""
    found = [
        (view, judge_view, one_series(view.result, judge, 0))
        for view in views
        for judge, judge_view in zip(view.result.judges, view.judges, strict=True)
        if any(score.value is not None for score in judge.scores)
    ]
    order = {name: place for place, name in enumerate(dict.fromkeys(one.name for _, _, one in found))}
    found.sort(key=lambda entry: order[entry[2].name])
    return [
        (view, judge, replace(one, number=place, name=f"{view.result.run.label} · {one.name}"))
        for place, (view, judge, one) in enumerate(found)
    ]


def _overall(table: ScoreTable, series: int) -> Number | None:
    rows = [row for row in table.rows if row.group == OVERALL]
    return next((number for row in rows for number in row.numbers if number.series == series), None)


def _cautions(views: Sequence[RunView]) -> list[Bilingual]:
    """Why the numbers may not compare, a sentence each."""
    cautions = [
        Bilingual(
            zh="区间重叠与否不是显著性检验；这里不排名次。",
            en="Whether intervals overlap is no significance test; nothing is ranked here.",
        )
    ]
    runs = [view.result.run for view in views]
    if len({run.data_sha256 for run in runs}) > 1:
        cautions.append(
            Bilingual(
                zh="这些运行的数据文件不同（sha256 不一致），题目不同，数字不能直接比较。",
                en="The runs' data files differ (sha256): other items, so the numbers do not compare directly.",
            )
        )
    elif len({(run.units, run.trials) for run in runs}) > 1:
        cautions.append(
            Bilingual(
                zh="这些运行的题数或重复次数不同。",
                en="The runs differ in the number of items or of trials.",
            )
        )
    if len({frozenset(judge.record.identity for judge in view.result.judges) for view in views}) > 1:
        cautions.append(
            Bilingual(
                zh="这些运行的评审不完全相同；只应比较同一评审（含 12 位指纹）给出的数字。",
                en="The runs' judges differ; compare only numbers of one judge (its 12-digit digest included).",
            )
        )
    return cautions
