"""What `decide` and `compare` do and print once their words are parsed."""

from __future__ import annotations

from rich.table import Table

from liangxin.analysis.alike import FakeAlignment, alike, alike_fields, parts
from liangxin.analysis.comparing import Comparison, compare, comparison_fields
from liangxin.analysis.deciding import Decided, DecisionQuestion, answer_fields, decide
from liangxin.analysis.named_judges import consistency_sides, judge_for, sides_for
from liangxin.cli.opening import open_store
from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import SAMPLE, band_basis, plain_table
from liangxin.cli.terminal import console, plain, say_json, tell
from liangxin.cli.work.measure_judges import statistics_table
from liangxin.engine.stored import benchmark_of
from liangxin.store import RunRecord, Runs

VERDICTS = {"meets": "达到 meets", "fails": "未达到 fails", "undecided": "不能判定 undecided"}
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
    out = console()
    question, made = answer.question, answer.decision
    if run.sample:
        out.print(SAMPLE)
    bound = f"≥ {question.at_least:g}" if question.at_least is not None else f"≤ {question.at_most:g}"
    out.print(
        plain(f"{run.label} · {question.measure} · {question.group} {bound}    评审 judge: {answer.judge}")
    )
    out.print(f"结论 verdict: {VERDICTS[made.verdict]} ({question.confidence:g}%)")
    low, high = answer.scaled(made.low), answer.scaled(made.high)
    for note in answer.notes:
        out.print(plain(note))
    if answer.question.judge_trusted:
        out.print(
            "按评审原样：界限不含评审的误差 (--judge-trusted: every verdict taken as true; the judge's error is not in the bounds)"
        )
    if answer.unknown:
        return
    if answer.basis is not None:
        out.print(plain(band_basis(answer.basis)))
    bounds = (
        f"单侧下限 lower bound {low:.2f}, 单侧上限 upper bound {high:.2f}"
        if answer.basis is None
        else f"评审误差带 judge band [{low:.2f}, {high:.2f}]"
    )
    out.print(f"值 value {answer.scaled(made.value):.2f}; {bounds}; n = {made.n}; {made.method}")
    if answer.missing:
        out.print(
            f"缺失 {answer.missing} 题不在结论之内 (the verdict does not speak of {answer.missing} missing items)"
        )
    if answer.further_labels is not None:
        out.print(
            f"大约再标注 {answer.further_labels} 条可判定 (about {answer.further_labels} more labels would decide)"
        )
    elif made.further is not None:
        out.print(
            f"若后来的题与已有的一样，再答 {made.further} 题可判定 ({made.further} more items like these would decide)"
        )
    elif made.verdict == "undecided" and not answer.spent and answer.basis is None:
        out.print(
            "按现在的值，再多的题也难判定 (at this value no number of further items is likely to decide)"
        )
    out.print(f"查看次数 looks: {len(answer.looks)}" + (" (--sequential)" if question.sequential else ""))


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
    out = console()
    for title, side in (("选择 choices", found.choice), ("自由回答 free text", found.text)):
        out.print(plain(f"{title}: {side.run.label} · {side.run.model}    评审 judge: {side.judge.identity}"))
    if found.choice.run.model != found.text.run.model:
        out.print("两个运行的模型不同 (the runs are of different models)")
    overall = found.overall
    out.print(
        f"{overall.items} 题 items; 选择没读出 choice unread {overall.choice_failed}, 回答没有裁决 text without verdict "
        f"{overall.text_failed}; 只在一个运行里的题 unmatched {found.unmatched}"
    )
    out.print(statistics_table(parts(overall)))
    if found.by_category:
        groups = plain_table(
            "类别 category",
            "题 items",
            "CS",
            "CSS",
            "会选不会写 knows, does not do",
            "会写不会选 does, does not know",
        )
        for name, group in found.by_category.items():
            shares = (group.cs, group.css, group.knows_does_not_do, group.does_does_not_know)
            groups.add_row(
                plain(name),
                str(group.items),
                *("—" if one.value is None else f"{one.value:.3f}" for one in shares),
            )
        out.print(groups)


def _print_comparison(found: Comparison) -> None:
    out = console()
    if found.a.run.sample or found.b.run.sample:
        out.print(SAMPLE)
    for letter, side in (("a", found.a), ("b", found.b)):
        out.print(
            plain(f"{letter}: {side.run.label} · {side.run.model}    评审 judge: {side.judge.identity}")
        )
    out.print(
        f"{found.benchmark} · 共有 {found.n} 题 common items"
        + (f", 缺 missing {found.missing}" if found.missing else "")
    )
    out.print(_tests(found))
    out.print(
        "差异为 a 减 b，按题配对；p′ 为 Holm 校正（同一层的分类一起）。差异不显著不等于相同：可检出列是本样本有八成把握能发现的最小差异。"
    )
    out.print(
        "Differences are a less b, paired by item; p' is Holm's over the categories of one level. Not told apart is not "
        "equal: `detectable` is the smallest difference that this sample finds with 80 % power."
    )
    if found.flipped:
        shown = ", ".join(found.flipped[:FLIPPED_SHOWN])
        more = "" if len(found.flipped) <= FLIPPED_SHOWN else f" … (--format json: {len(found.flipped)})"
        out.print(plain(f"翻转的题 flipped items ({len(found.flipped)}): {shown}{more}"))


def _tests(found: Comparison) -> Table:
    table = plain_table(
        "指标 measure", "分组 group", "a", "b", "差异 a-b", "95% 区间 interval", "n", "p", "p′", "可检出 detectable", "结论 verdict"
    )  # fmt: skip
    titles = {"a higher": "a 高 higher", "b higher": "b 高 higher", "not told apart": "分不出 not told apart"}
    before = ""
    for test in found.tests:
        paired = test.paired
        table.add_row(
            test.measure if test.measure != before else "",
            plain(test.group),
            f"{test.a:.2f}",
            f"{test.b:.2f}",
            f"{paired.difference:+.2f}",
            f"[{paired.low:+.1f}, {paired.high:+.1f}]",
            str(paired.n),
            f"{paired.p:.3g}",
            f"{test.p_adjusted:.3g}",
            "—" if paired.detectable is None else f"{paired.detectable:.1f}",
            titles[test.verdict],
        )
        before = test.measure
    return table
