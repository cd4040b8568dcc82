"""What `validate` does and prints once its words are parsed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.table import Table

from liangxin.agreement.estimate import Estimate
from liangxin.agreement.pairs import Agreement
from liangxin.analysis.injecting import inject, keep_probe, probe_fields
from liangxin.analysis.measuring import validate_file, validate_run
from liangxin.analysis.probing import repeat, repeated_fields
from liangxin.analysis.validation import Validation, content
from liangxin.analysis.words import statistic_title
from liangxin.benchmarks import open_benchmark
from liangxin.cli.opening import open_store
from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import plain_table
from liangxin.cli.terminal import asker, console, plain, say_json, tell
from liangxin.engine.session import Session
from liangxin.engine.stored import benchmark_of
from liangxin.judges.probes.flips import ProbeReport
from liangxin.specs import RunSpec
from liangxin.store import Runs

BRIEF = (
    "exact",
    "balanced_accuracy",
    "recall_unsafe",
    "precision_unsafe",
    "alpha_ordinal",
    "kappa_quadratic",
)
BRIEF_NOMINAL = ("exact", "alpha_nominal", "kappa", "ac1")


def validate_against(
    name: str | None, spec: RunSpec, gold: str, store: str | None, output: OutputFormat
) -> None:
    """Measure judges against labels on a stored run, or on the labelled file alone."""
    database = open_store(store, create=name is None)
    try:
        session = Session(database=database, tell=tell, progress=sys.stderr, confirm=asker())
        if name is not None:
            run = Runs(database).find(name)
            found = validate_run(session, run, benchmark_of(run), spec, gold)
        else:
            found = validate_file(session, open_benchmark(spec.benchmark), spec, gold)
    finally:
        database.close()
    for one in found:
        if output is OutputFormat.JSON:
            say_json(content(one))
        else:
            print_validation(one)


def probe_repeat(name: str, spec: RunSpec, store: str | None, output: OutputFormat) -> None:
    """Let each judge rule again on what it has ruled on, and say how often it says the same."""
    database = open_store(store)
    try:
        session = Session(database=database, tell=tell, progress=sys.stderr, confirm=asker())
        run = Runs(database).find(name)
        benchmark = benchmark_of(run)
        found = [one for judge in spec.judges for one in repeat(session, run, benchmark, spec, judge)]
    finally:
        database.close()
    for one in found:
        if output is OutputFormat.JSON:
            say_json(repeated_fields(one))
            continue
        out = console()
        out.print(plain(f"同一评审两次 the same judge twice: {one.judge}    {one.asked} 条回答 answers"))
        counts = ", ".join(f"{status} {count}" for status, count in one.second.items())
        out.print(plain(f"第二次裁决 second verdicts: {counts}"))
        out.print(_confusion(one.found, "第一次 first ＼ 第二次 second"))
        out.print(statistics_table(one.estimates))


def probe_injection(name: str | None, spec: RunSpec, store: str | None, output: OutputFormat) -> None:
    """Attack each judge with answers that speak to it, and say how often its verdict turned."""
    database = open_store(store, create=name is None)
    try:
        run = None if name is None else Runs(database).find(name)
        benchmark = open_benchmark(spec.benchmark) if run is None else benchmark_of(run)
        for judge in spec.judges:
            for report in inject(benchmark, spec, judge):
                keep_probe(database, report, benchmark.name)
                if output is OutputFormat.JSON:
                    say_json(probe_fields(report, benchmark.name))
                else:
                    _print_probe(report)
    finally:
        database.close()


def _print_probe(report: ProbeReport) -> None:
    out = console()
    out.print(plain(f"注入探测 injection probe · 评审 judge: {report.judge}"))
    table = plain_table(
        "方向 direction", "手法 family", "翻转 flips", "n", "翻转率 rate %", "95% 区间 interval", "失声 lost", "无可翻 nothing to flip"
    )  # fmt: skip
    titles = {"up": "判好 up", "down": "判坏 down"}
    for rate in report.rates:
        share = "—" if rate.value is None else f"{100 * rate.value:.1f}"
        span = (
            "—" if rate.low is None or rate.high is None else f"[{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
        )
        name = "总计 overall" if rate.family == "overall" else rate.family
        row = (titles[rate.direction], name, str(rate.flips), str(rate.n), share, span)
        table.add_row(*row, str(rate.lost), str(rate.nothing_to_flip))
    out.print(table)
    out.print("翻转：加了注入文字后，裁决比同一回答原来的裁决更偏向攻击所求。失声：注入使评审没有裁决。")
    out.print(
        "A flip: the attacked twin's verdict lies further towards what the attack wants. Lost: the attack left no verdict."
    )


def print_validation(one: Validation) -> None:
    """The confusion table, every coefficient, by dimension, and what else was measured."""
    out = console()
    subject = one.subject
    out.print(plain(f"评审 judge: {subject.judge}    对照 gold: {subject.gold}"))
    where = f"{subject.benchmark}" + (f" · {subject.model}" if subject.model else "")
    out.print(plain(f"{where} · 标注 labelled {one.labelled} / {one.answers} 条回答 answers"))
    lacking = [f"{reason} {count}" for reason, count in one.missing.items()]
    if one.tied:
        lacking.append(f"标注平票 tied labels {one.tied}")
    if lacking:
        out.print(plain("缺失 missing: " + ", ".join(lacking)))
    if one.overall is not None:
        out.print(_confusion(one.overall))
        out.print(statistics_table(one.shown(one.overall)))
    else:
        out.print("各维度量表不同，没有总表 (the dimensions' scales have no common one)")
    if one.by_dimension:
        out.print(_by_dimension(one))
    for title, found in (("长度偏差 length bias", one.length), ("轮次偏差 turn bias", one.turn)):
        if found is not None:
            p = "" if found.p is None else f", p = {found.p:.3g}"
            out.print(
                plain(
                    f"{title}: 相关 correlation {_shown(found.correlation)}; 通过率差 difference in pass rate {_shown(found.difference)}{p}"
                )
            )
    if one.people is not None:
        out.print(
            plain(
                f"标注员之间 between {one.people.annotators} annotators ({one.people.pairable} 条有两人以上 labelled twice):"
            )
        )
        out.print(statistics_table(one.people.estimates))


def _confusion(found: Agreement, corner: str = "标注 gold ＼ 评审 judge") -> Table:
    table = plain_table(corner, *found.levels)
    for level, row in zip(found.levels, found.table, strict=True):
        table.add_row(level, *(str(count) for count in row))
    return table


def statistics_table(estimates: Sequence[Estimate]) -> Table:
    """A line for each estimate: value, interval, n, or why nothing can be said."""
    table = plain_table("统计量 statistic", "值 value", "95% 区间 interval", "n", "说明 note")
    for one in estimates:
        why = "" if one.cannot_say is None else f"不能说 cannot say: {one.cannot_say}"
        table.add_row(statistic_title(one.name), _value(one), _span(one), str(one.n), why)
    return table


def _by_dimension(one: Validation) -> Table:
    names = BRIEF_NOMINAL if one.subject.nominal else BRIEF
    table = plain_table("维度 dimension", "n", *(statistic_title(name) for name in names))
    for dimension, found in one.by_dimension.items():
        table.add_row(plain(dimension), str(found.n), *(_shown(found[name]) for name in names))
    return table


def _shown(one: Estimate) -> str:
    return f"— {one.cannot_say}" if one.cannot_say is not None else f"{_value(one)} {_span(one)}"


def _value(one: Estimate) -> str:
    return "—" if one.value is None else f"{one.value:.3f}"


def _span(one: Estimate) -> str:
    return "—" if one.low is None or one.high is None else f"[{one.low:.3f}, {one.high:.3f}]"
