"""A run as the page shows it: made from its result and one pass over its dialogues, ready for the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from liangxin.charts import stack
from liangxin.engine.headline import Ungiven, headlines, ungiven
from liangxin.engine.hosts.spending import Bill, bills
from liangxin.engine.results import FAILURES_SHOWN, JudgeResult, RunResult
from liangxin.measures.formulas import formula_of
from liangxin.records import Measure
from liangxin.report.bias import PositionBiasView, bias_view
from liangxin.report.numbers import Number
from liangxin.report.picking import Picked, pick
from liangxin.report.reproduce import Command, Fact, command, facts
from liangxin.report.tables import OVERALL, ScoreTable, Series, part_of, score_table, series_of, tiles
from liangxin.store import Database, Runs, dialogues
from liangxin.words import Bilingual, band_title, category_titles, same, status_title, verdict_title


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A status and how often it came."""

    key: str
    title: Bilingual
    count: int

    @property
    def part(self) -> str:
        """Its name as a part of a chart: a class, and so without blanks."""
        return self.key.replace(" ", "-").replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeView:
    """One judge of a run."""

    letter: str
    """A, B, … where several judges are beside each other."""
    series: int
    spec: str
    digest: str
    subject: Bilingual
    verdicts: tuple[Count, ...]
    verdict_chart: Markup
    tiles: tuple[tuple[ScoreTable, Number], ...]
    measured_on: tuple[str, ...]
    """On which labelled sets its error was measured."""
    unknown: tuple[Bilingual, ...]
    """Why overall numbers have no band for its error."""
    bias: PositionBiasView | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """One of the numbers that a run comes to first."""

    judge: JudgeView
    frame: ScoreTable
    number: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A run's scores by group, each in its part of the page."""

    groups: tuple[ScoreTable, ...]
    tags: tuple[ScoreTable, ...]
    rounds: tuple[ScoreTable, ...]
    refusal: tuple[ScoreTable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run, ready for the template."""

    result: RunResult
    picked: Picked
    anchor: str
    date: str
    total_units: int
    scripted: bool
    judges: tuple[JudgeView, ...]
    letters: Mapping[int, JudgeView]
    """By the judge's key in the store."""
    names: Mapping[str, Bilingual]
    leads: tuple[Lead, ...]
    """The headline, then the refusal rate beside it."""
    ungiven: tuple[Ungiven, ...]
    tables: Tables
    replies: tuple[Count, ...]
    bills: tuple[Bill, ...]
    """What was asked of hosts, and what it cost where prices are known."""
    reply_chart: Markup
    blocked: tuple[Count, ...]
    facts: tuple[Fact, ...]
    command: Command

    @property
    def partial(self) -> bool:
        """Whether only a part of the data was asked (`--limit`)."""
        return self.result.run.units < self.total_units

    @property
    def keys(self) -> tuple[Markup, ...]:
        """How each judge is called in a table of several."""
        mark = Markup('<span class="letter s{}">{}</span>')
        return tuple(mark.format(judge.series % 6, judge.letter) for judge in self.judges)

    @property
    def serviced(self) -> bool:
        """Whether any number differs in the service view."""
        return any(score.service is not None for judge in self.result.judges for score in judge.scores)

    @property
    def biased(self) -> bool:
        """Whether any judge's choices say something of position bias."""
        return any(judge.bias is not None for judge in self.judges)

    @property
    def worst_keys(self) -> frozenset[str]:
        """The dialogues that stand among the worst, so that none is shown twice."""
        return frozenset(one.key for one in self.picked.worst)

    @property
    def failures_hidden(self) -> int:
        """Failures beyond those listed."""
        return max(0, self.result.failure_count - FAILURES_SHOWN)


def run_view(database: Database, result: RunResult) -> RunView:
    """Everything that the page says of one run; the dialogues are read once and not kept."""
    run = result.run
    records = [judge.record for judge in result.judges]
    picked = pick(dialogues(database, run), run, result.benchmark, records)
    series = series_of(result)
    judges = tuple(_judge(result, judge, one) for judge, one in zip(result.judges, series, strict=True))
    total = Runs(database).unit_count(run)
    replies = _counts(result.replies, status_title)
    return RunView(
        result=result,
        picked=picked,
        anchor=f"run-{run.id}",
        date=datetime.fromtimestamp(run.created, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        total_units=total,
        scripted=run.traits.scripted,
        judges=judges,
        letters={judge.record.key: view for judge, view in zip(result.judges, judges, strict=True)},
        names=category_titles(result.benchmark.taxonomy),
        leads=_leads(result, judges),
        ungiven=ungiven(result),
        tables=_tables(result, picked, series),
        replies=replies,
        bills=bills(result.spent, result.prices),
        reply_chart=_stack(replies, "回答状态 replies by status"),
        blocked=_counts(picked.blocked, _blocked_title),
        facts=facts(run.manifest),
        command=command(result, total),
    )


def _leads(result: RunResult, judges: Sequence[JudgeView]) -> tuple[Lead, ...]:
    views = {judge.record.identity: view for judge, view in zip(result.judges, judges, strict=True)}
    return tuple(
        Lead(judge=views[one.judge.record.identity], frame=frame, number=number)
        for one in headlines(result)
        for frame, number in views[one.judge.record.identity].tiles
        if frame.measure == one.measure
    )


def _tables(result: RunResult, picked: Picked, series: Sequence[Series]) -> Tables:
    measures = result.benchmark.measures
    plain = [one for one in measures if one.subject != "refusal" and not formula_of(one).rounds]
    change = [one for one in measures if formula_of(one).rounds]
    refusal = [one for one in measures if one.subject == "refusal"]

    def made(chosen: Sequence[Measure], *parts: str) -> tuple[ScoreTable, ...]:
        def wanted(group: str) -> bool:
            return part_of(group, picked.categories) in parts

        tables = [score_table(result.benchmark, measure, series, wanted) for measure in chosen]
        return tuple(table for table in tables if table is not None and _says_more(table))

    return Tables(
        groups=made(plain, OVERALL, "category"),
        tags=made(plain, "tags"),
        rounds=made(plain, "round") + made(change, OVERALL, "category"),
        refusal=made(refusal, OVERALL, "expect", "category"),
    )


def _says_more(table: ScoreTable) -> bool:
    """Whether a table holds more than the overall number, which its tile shows already."""
    return any(row.group != OVERALL for row in table.rows) or formula_of(table.measure).rounds


def _judge(result: RunResult, judge: JudgeResult, series: Series) -> JudgeView:
    spec, at, digest = judge.record.identity.rpartition("@")
    verdicts = _counts(judge.verdicts, verdict_title)
    bases: list[Mapping[str, Any]] = [
        one.judge_basis
        for one in judge.scores
        if one.judge_basis is not None and one.value is not None and one.group == OVERALL
    ]
    return JudgeView(
        letter=letter(series.number),
        series=series.number,
        spec=spec if at else judge.record.identity,
        digest=digest if at else "",
        subject=_SUBJECTS[judge.record.subject],
        verdicts=verdicts,
        verdict_chart=_stack(verdicts, f"裁决状态 verdicts by status: {judge.record.identity}"),
        tiles=tiles(result.benchmark, series),
        measured_on=tuple(dict.fromkeys(name for one in bases for name in one["sources"])),
        unknown=tuple(dict.fromkeys(band_title(one["why"]) for one in bases if one["why"] is not None)),
        bias=None if judge.position_bias is None else bias_view(judge.position_bias, series.number),
        facts=facts(judge.record.manifest),
    )


_SUBJECTS = {
    "primary": Bilingual(zh="按本基准的量表", en="on the benchmark's scale"),
    "refusal": Bilingual(zh="按拒答量表", en="on the refusal scale"),
    "safety": Bilingual(zh="按安全/不安全两级量表", en="on the safe/unsafe scale"),
}


def letter(place: int) -> str:
    """A, B, …, Z, then numbers."""
    return chr(ord("A") + place) if place < 26 else str(place + 1)


_BLOCKED = {
    "input": Bilingual(zh="拦截输入", en="input blocked"),
    "output": Bilingual(zh="拦截输出", en="output blocked"),
    "unknown": Bilingual(zh="未说明拦截了哪一侧", en="side not stated"),
}


def _blocked_title(key: str) -> Bilingual:
    return _BLOCKED.get(key, same(key))


def _counts(counts: Mapping[str, int], title: Callable[[str], Bilingual]) -> tuple[Count, ...]:
    """What went well, then what was blocked, then the rest."""
    order = {"ok": 0, "given": 0, "filtered": 1}
    keys = sorted(counts, key=lambda key: order.get(key, 2))
    return tuple(Count(key=key, title=title(key), count=counts[key]) for key in keys)


def _stack(counts: Sequence[Count], title: str) -> Markup:
    described = ", ".join(f"{one.title.zh} {one.title.en} {one.count}" for one in counts)
    return stack([(one.part, one.count) for one in counts], title, described)
