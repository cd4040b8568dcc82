"""What `decide` and `compare` do and print once their words are parsed."""

from __future__ import annotations

from liangxin.analysis.alike import FakeAlignment, JudgedRun, alike, alike_fields, parts
from liangxin.analysis.comparing import Comparison, Side, compare, comparison_fields
from liangxin.analysis.deciding import Decided, DecisionQuestion, answer_fields, decide
from liangxin.analysis.named_judges import consistency_sides, judge_for, sides_for
from liangxin.cli.layout import TextTable
from liangxin.cli.opening import open_store
from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import SAMPLE, band_basis
from liangxin.cli.terminal import plain_table, put, put_table, say_json, tell
from liangxin.cli.work.measure_judges import statistics_table
from liangxin.engine.stored import benchmark_of
from liangxin.languages import in_language
from liangxin.store import RunRecord, Runs

FLIPPED_SHOWN = 20


def decide_run(
    name: str, judge: str | None, question: DecisionQuestion, store: str | None, output: OutputFormat
) -> None:
    """Decide, count the look, and print what may be claimed."""
    database = open_store(store)
    try:
        run = Runs(database).find(name)
        benchmark = benchmark_of(run)
        subject = next((one.subject for one in benchmark.measures if one.name == question.measure), None)
        record = judge_for(database, run, judge, subject)
        answer = decide(database, run, benchmark, record, question)
    finally:
        database.close()
    if answer.spent:
        counts = ", ".join(str(look.n) for look in answer.looks)
        tell(
            f"looked {len(answer.looks)} times, at n = {counts}: exact bounds hold for one planned n, so nothing can be "
            "claimed now; the first look stands, and looking again needs --sequential"
        )
    if output is OutputFormat.JSON:
        say_json(answer_fields(answer))
    else:
        _print_answer(run, answer)


def _print_answer(run: RunRecord, answer: Decided) -> None:
    question, made = answer.question, answer.decision
    if run.sample:
        put(SAMPLE)
    bound = f"≥ {question.at_least:g}" if question.at_least is not None else f"≤ {question.at_most:g}"
    put(
        in_language(f"{run.label} · {question.measure} · {question.group} {bound}; judge {answer.judge}"),
        f"verdict: {in_language(made.verdict)} ({question.confidence:g}%)",
        *answer.notes,
    )
    if question.judge_trusted:
        put("--judge-trusted: every verdict taken as true; the judge's error is not in the bounds")
    if answer.unknown:
        return
    low, high = answer.scaled(made.low), answer.scaled(made.high)
    if answer.basis is None:
        bounds = in_language(f"lower bound {low:.2f}, upper bound {high:.2f}")
    else:
        put(band_basis(answer.basis))
        span = f"[{low:.2f}, {high:.2f}]"
        bounds = in_language(f"judge band {span}")
    put(f"value {answer.scaled(made.value):.2f}; {bounds}; n = {made.n}; {made.method}")
    if answer.missing:
        put(f"the verdict does not speak of {answer.missing} missing items")
    if answer.further_labels is not None:
        put(f"about {answer.further_labels} more labels would decide")
    elif made.further is not None:
        put(f"{made.further} more items like these would decide")
    elif made.verdict == "undecided" and not answer.spent and answer.basis is None:
        put("at this value no number of further items is likely to decide")
    put(f"looks: {len(answer.looks)}" + (" (--sequential)" if question.sequential else ""))


def compare_runs(
    names: tuple[str, str], judges: tuple[str, ...], store: str | None, output: OutputFormat, *, mid: bool
) -> None:
    """Compare and print; a run of choices and one of free text are compared for consistency."""
    database = open_store(store)
    try:
        asked = consistency_sides(database, names, judges)
        if asked is not None:
            _say_alike(alike(database, *asked), output)
            return
        a, b = sides_for(database, names, judges)
        found = compare(database, benchmark_of(a.run), a, b, mid=mid)
    finally:
        database.close()
    for caution in found.cautions:
        tell(caution)
    if output is OutputFormat.JSON:
        say_json(comparison_fields(found))
    else:
        _print_comparison(found)


def _say_alike(found: FakeAlignment, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        say_json(alike_fields(found))
        return
    for title, side in (("choices", found.choice), ("free text", found.text)):
        put(_side(in_language(title), side))
    if found.choice.run.model != found.text.run.model:
        put("the runs are of different models")
    overall = found.overall
    put(
        f"{overall.items} items; choice unread {overall.choice_failed}, text without verdict {overall.text_failed}; "
        f"in one run only {found.unmatched}"
    )
    put_table(statistics_table(parts(overall)))
    if found.by_category:
        groups = plain_table(
            "category", "items", "CS", "CSS", "knows, does not do", "does, does not know", right=range(1, 6)
        )
        for name, group in found.by_category.items():
            shares = (group.cs, group.css, group.knows_does_not_do, group.does_does_not_know)
            shown = ("—" if one.value is None else f"{one.value:.3f}" for one in shares)
            groups.add_row(name, str(group.items), *shown)
        put_table(groups)


def _side(title: str, side: Side | JudgedRun) -> str:
    return in_language(f"{title}: {side.run.label} · {side.run.model}; judge {side.judge.identity}")


def _print_comparison(found: Comparison) -> None:
    if found.a.run.sample or found.b.run.sample:
        put(SAMPLE)
    put(_side("a", found.a), _side("b", found.b))
    missing = in_language(f", missing {found.missing}") if found.missing else ""
    put(f"{found.benchmark}: {found.n} common items{missing}")
    put_table(_tests(found))
    put(
        "Differences are a less b, paired by item; p' is Holm's over the categories of one level. Not told apart is not "
        "equal: `detectable` is the smallest difference that this sample finds with 80 % power."
    )
    if found.flipped:
        shown = ", ".join(found.flipped[:FLIPPED_SHOWN])
        more = "" if len(found.flipped) <= FLIPPED_SHOWN else f" … (--format json: {len(found.flipped)})"
        put(f"flipped items ({len(found.flipped)}): {shown}{more}")


def _tests(found: Comparison) -> TextTable:
    table = plain_table(
        "group", "a", "b", "a-b", "95% interval", "n", "p", "p'", "detectable", "verdict", right=range(1, 9)
    )
    before = ""
    for test in found.tests:
        paired = test.paired
        if test.measure != before:
            table.add_line(test.measure)
        table.add_row(
            f"  {test.group}",
            f"{test.a:.2f}",
            f"{test.b:.2f}",
            f"{paired.difference:+.2f}",
            f"[{paired.low:+.1f}, {paired.high:+.1f}]",
            str(paired.n),
            f"{paired.p:.3g}",
            f"{test.p_adjusted:.3g}",
            "—" if paired.detectable is None else f"{paired.detectable:.1f}",
            in_language(test.verdict),
        )
        before = test.measure
    return table
