"""What `validate` does and prints once its words are parsed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from liangxin.agreement.estimate import Estimate
from liangxin.agreement.pairs import Agreement
from liangxin.analysis.injecting import inject, keep_probe, probe_fields
from liangxin.analysis.measuring import validate_file, validate_run
from liangxin.analysis.probing import repeat, repeated_fields
from liangxin.analysis.validation import Validation, content
from liangxin.analysis.words import statistic_title
from liangxin.benchmarks import open_benchmark
from liangxin.cli.layout import TextTable
from liangxin.cli.opening import open_store
from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import counts
from liangxin.cli.terminal import asker, plain_table, put, put_table, say_json, tell
from liangxin.engine.session import Session
from liangxin.engine.stored import benchmark_of
from liangxin.judges.probes.flips import ProbeReport
from liangxin.languages import in_language
from liangxin.specs import RunSpec
from liangxin.store import Runs
from liangxin.words import reason_title, verdict_title

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
        put(
            f"the same judge twice: {one.judge}; {one.asked} answers",
            f"second verdicts: {counts(one.second, verdict_title)}",
        )
        put_table(_confusion(one.found, "first ＼ second"))
        put_table(statistics_table(one.estimates))


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
    put(f"injection probe; judge {report.judge}")
    table = plain_table(
        "direction",
        "family",
        "flips",
        "n",
        "rate %",
        "95% interval",
        "lost",
        "nothing to flip",
        right=range(2, 8),
    )
    for rate in report.rates:
        share = "—" if rate.value is None else f"{100 * rate.value:.1f}"
        span = (
            "—" if rate.low is None or rate.high is None else f"[{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
        )
        name = in_language("overall") if rate.family == "overall" else rate.family
        row = (in_language(rate.direction), name, str(rate.flips), str(rate.n), share, span)
        table.add_row(*row, str(rate.lost), str(rate.nothing_to_flip))
    put_table(table)
    put(
        "A flip: the attacked twin's verdict lies further towards what the attack wants. Lost: the attack left no verdict."
    )


def print_validation(one: Validation) -> None:
    """The confusion table, every coefficient, by dimension, and what else was measured."""
    subject = one.subject
    where = f"{subject.benchmark}" + (f" · {subject.model}" if subject.model else "")
    put(
        f"judge: {subject.judge}; gold: {subject.gold}",
        f"{where}: {one.labelled} of {one.answers} answers are labelled",
    )
    lacking = [counts(one.missing, reason_title)] if one.missing else []
    if one.tied:
        lacking.append(in_language(f"tied labels {one.tied}"))
    if lacking:
        put(f"missing: {', '.join(lacking)}")
    if one.overall is not None:
        put_table(_confusion(one.overall))
        put_table(statistics_table(one.shown(one.overall)))
    else:
        put("the dimensions' scales have no common one")
    if one.by_dimension:
        put_table(_by_dimension(one))
    for title, found in (("length bias", one.length), ("turn bias", one.turn)):
        if found is not None:
            p = "" if found.p is None else f", p = {found.p:.3g}"
            put(
                f"{in_language(title)}: correlation {_shown(found.correlation)}; "
                f"difference in pass rate {_shown(found.difference)}{p}"
            )
    if one.people is not None:
        put(f"between {one.people.annotators} annotators ({one.people.pairable} answers labelled twice):")
        put_table(statistics_table(one.people.estimates))


def _confusion(found: Agreement, corner: str = "gold ＼ judge") -> TextTable:
    table = plain_table(corner, *found.levels, right=range(1, 1 + len(found.levels)))
    for level, row in zip(found.levels, found.table, strict=True):
        table.add_row(level, *(str(count) for count in row))
    return table


def statistics_table(estimates: Sequence[Estimate]) -> TextTable:
    """A line for each estimate: value, interval, n, or why nothing can be said."""
    table = plain_table("statistic", "value", "95% interval", "n", "note", right=(1, 2, 3))
    for one in estimates:
        title = in_language(statistic_title(one.name))
        table.add_row(title, _value(one), _span(one), str(one.n), _why(one))
    return table


def _by_dimension(one: Validation) -> TextTable:
    names = BRIEF_NOMINAL if one.subject.nominal else BRIEF
    table = plain_table("dimension", "n", *(statistic_title(name) for name in names), right=(1,))
    for dimension, found in one.by_dimension.items():
        table.add_row(dimension, str(found.n), *(_shown(found[name]) for name in names))
    return table


def _shown(one: Estimate) -> str:
    return f"— {_why(one)}" if one.cannot_say is not None else f"{_value(one)} {_span(one)}"


def _why(one: Estimate) -> str:
    return "" if one.cannot_say is None else in_language(f"cannot say: {one.cannot_say}")


def _value(one: Estimate) -> str:
    return "—" if one.value is None else f"{one.value:.3f}"


def _span(one: Estimate) -> str:
    return "—" if one.low is None or one.high is None else f"[{one.low:.3f}, {one.high:.3f}]"
