"""Results as tables in the terminal, the same numbers as in JSON and in the report."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from rich import box
from rich.table import Table

from liangxin.analysis.words import statistic_title
from liangxin.cli.terminal import console, plain, say
from liangxin.engine.banding import cannot_tell
from liangxin.engine.headline import headlines, said_by, ungiven
from liangxin.engine.hosts.spending import Bill, bills
from liangxin.engine.results import JudgeResult, RunResult
from liangxin.engine.summary import score_fields
from liangxin.files.writing import write_csv
from liangxin.records import Score
from liangxin.specs import Benchmark
from liangxin.store import RunRecord, ValidationRecord
from liangxin.store.life.states import ListedRun
from liangxin.words import CANNOT_TELL, Bilingual, band_title, category_titles, title_of

SAMPLE = "样例·非成绩 (sample, not a result)"
FAKE = "scripted: 模型是假的，只验证流程 (a scripted model is a fake: this shows the plumbing, not values)"


def print_result(result: RunResult) -> None:
    """The headline, what no judge here gives, one table a judge with what is missing and why."""
    out = console()
    run = result.run
    out.print(plain(f"{result.benchmark.title.zh} {result.benchmark.title.en} · {run.model} · {run.label}"))
    if run.sample:
        out.print(SAMPLE)
    if run.traits.scripted:
        out.print(FAKE)
    out.print(f"回答 replies: {_counts(result.replies)}")
    for bill in bills(result.spent, result.prices):
        out.print(plain(f"用量 usage: {bill.line}"))
    for line in _headline_lines(result):
        out.print(plain(line))
    for judge in result.judges:
        out.print(plain(f"\n评审 judge: {judge.record.identity}    裁决 verdicts: {_counts(judge.verdicts)}"))
        if judge.validation is not None:
            out.print(plain(_validity(judge.validation, run)))
        if said_by(judge):
            out.print(_score_table(result, judge))
        for note in _band_notes(result, judge):
            out.print(plain(note))
        if any(score.corrected is not None for score in judge.scores):
            out.print(_corrected_table(result, judge))
        if judge.position_bias is not None:
            out.print(_position_line(judge))
    if not result.judges:
        out.print("未评审 not judged: `liangxin judge RUN --judge SPEC`")


def print_csv(result: RunResult) -> None:
    """Every score as a row of csv; the fields are the contract's."""
    fields = [
        {"run": result.run.id, "sample": result.run.sample} | score_fields(score, judge.record.identity)
        for judge in result.judges
        for score in judge.scores
    ]
    stream = io.StringIO(newline="")
    columns = list(fields[0]) if fields else ["run", "sample", "measure", "group", "judge", "value"]
    rows = (
        {key: _counts(cell) if isinstance(cell, Mapping) else cell for key, cell in row.items()}
        for row in fields
    )
    write_csv(stream, rows, columns)
    say(stream.getvalue().replace("\r\n", "\n").rstrip("\n"))


def run_fields(listed: ListedRun, bills: Sequence[Bill]) -> dict[str, object]:
    """A run as `runs --format json` prints it, with what it asked of hosts."""
    run = listed.run
    costs = [bill.cost for bill in bills if bill.cost is not None]
    whole = bool(bills) and len(costs) == len(bills)
    return {
        "run": run.id,
        "name": run.name,
        "benchmark": run.benchmark,
        "version": run.version,
        "data_sha256": run.data_sha256,
        "sample": run.sample,
        "model": run.model,
        "trials": run.trials,
        "units": run.units,
        "created": _date(run),
        "pinned": listed.pinned,
        "archived": listed.archived,
        "requests": sum(bill.spent.requests for bill in bills),
        "tokens": sum(bill.spent.tokens for bill in bills),
        "cost": sum(costs) if whole else None,
        "currency": bills[0].currency if whole else None,
    }


def print_runs(runs: Sequence[ListedRun], bills: Mapping[str, Sequence[Bill]]) -> None:
    """A line for each run.

    Args:
        bills: by the run's id.
    """
    table = plain_table(
        "运行 run",
        "名称 name",
        "基准 benchmark",
        "模型 model",
        "题 units",
        "词元 tokens",
        "费用 cost",
        "时间 created (UTC)",
    )
    for listed in runs:
        run = listed.run
        benchmark = f"{run.benchmark} 样例 sample" if run.sample else run.benchmark
        state = "置顶 pinned" if listed.pinned else "已归档 archived" if listed.archived else ""
        name = " · ".join(one for one in (run.name, state) if one)
        fields = run_fields(listed, bills[run.id])
        tokens = f"{fields['tokens']:,}"
        cost = "—" if fields["cost"] is None else f"{fields['cost']:,.4f} {fields['currency']}"
        table.add_row(
            run.id, plain(name), benchmark, plain(run.model), str(run.units), tokens, cost, _date(run)
        )
    console().print(table)


def _headline_lines(result: RunResult) -> Iterator[str]:
    """The number that the run comes to, what stands beside it, and what is not given, a line each."""
    for place, one in enumerate(headlines(result)):
        title, score = title_of(one.measure).zh, one.score
        name = title if score.measure in title else f"{title} {score.measure}"
        missing = f", 缺失 missing {score.missing}" if score.missing else ""
        limits = _span(score.low, score.high)
        if score.erring:
            limits = f"误差带 judge band {_band(score, result.benchmark)}, 仅抽样 sampling only {limits}"
        yield (
            f"{'旁列 beside' if place else '总分 headline'}: {name} {_value(score)} "
            f"{limits} n={score.n}{missing}    评审 judge: {one.judge.record.identity}"
        )
    for lack in ungiven(result):
        yield lack.line


def _score_table(result: RunResult, judge: JudgeResult) -> Table:
    service = any(score.service is not None for score in judge.scores)
    erring = any(score.erring for score in judge.scores)
    columns = [
        "指标 measure",
        "分组 group",
        "值 value",
        *(["评审误差带 judge band", "仅抽样 sampling only"] if erring else ["95% 区间 interval"]),
        "n",
        "缺失 missing",
        "最坏与最好 bounds",
    ]
    table = plain_table(*columns, *(["服务口径 service*"] if service else []))
    for name in (2, 3, 4, *((5, 7) if erring else (6,))):
        table.columns[name].justify = "right"
    names = category_titles(result.benchmark.taxonomy)
    before = ""
    for score in _in_taxonomy_order(said_by(judge), names):
        if before and before != score.measure:
            table.add_section()
        row = [score.measure if score.measure != before else "", _group(score, names), _value(score)]
        if erring:
            row.append(_band(score, result.benchmark))
        row += [_span(score.low, score.high), str(score.n), _missing(score), _span(*score.bounds)]
        table.add_row(*row, *([_number(score.service)] if service else []))
        before = score.measure
    if service:
        table.caption = "* 服务口径为本项目约定：拦截计为无害的最低一级 (our convention: a block counts as the lowest harmless level)"
        table.caption_justify = "left"
    return table


def _band(score: Score, benchmark: Benchmark) -> str:
    """Where the truth lies by the judge's error, or why that is not known."""
    if score.replaced is not None:
        return f"校正 corrected {_span(*score.replaced[1:])}"
    if score.value is None or score.judge_basis is None:
        return "—"
    why = score.judge_basis["why"]
    if why is not None:
        title = band_title(why)
        return f"{title.zh} {title.en}"
    wide = cannot_tell(score.measure, score.judge_low, score.judge_high, benchmark)
    return _span(score.judge_low, score.judge_high) + (f" {CANNOT_TELL.zh}" if wide else "")


def band_basis(basis: Mapping[str, object]) -> str:
    """On what a judge's error was measured, in one line."""
    sources = basis["sources"]
    names = sources if isinstance(sources, Sequence) else ()
    return "评审误差测自 the judge's error was measured on: " + ("; ".join(map(str, names)) or "—")


def _band_notes(result: RunResult, judge: JudgeResult) -> Iterator[str]:
    """On what the bands rest; and where there is none, or one is wide, what gives a narrower one."""
    shown = [score for score in judge.scores if score.judge_basis is not None and score.value is not None]
    names: dict[str, None] = {}
    open_ = False
    for score in shown:
        basis: Mapping[str, Any] = score.judge_basis or {}
        names |= dict.fromkeys(basis["sources"])
        wide = cannot_tell(score.measure, score.judge_low, score.judge_high, result.benchmark)
        open_ = open_ or wide or basis["why"] is not None
    if names:
        yield band_basis({"sources": list(names)})
    if open_:
        run, spec = result.run.label, judge.record.spec
        train = f"; liangxin scorer train --from {run} --output DIR" if spec.startswith("scorer") else ""
        yield (
            f"区间只含抽样误差。误差带没有或太宽时，人工标注可测: liangxin sample {run} --for-labels 240 --output labels.jsonl; "
            f"liangxin validate {run} --judge {spec} --gold labels:labels.jsonl{train} "
            "(intervals are of the sampling only; people's labels measure the judge)"
        )


def _validity(record: ValidationRecord, run: RunRecord) -> str:
    """How the judge agrees with people, in one line."""
    overall = record.content.get("overall") or {}
    found = {one["statistic"]: one for one in overall.get("statistics", ())}
    names = ("balanced_accuracy", "recall_unsafe", "precision_unsafe", "exact", "kappa")
    shown = [
        f"{statistic_title(name)} {found[name]['value']:.2f} [{found[name]['low']:.2f}, {found[name]['high']:.2f}]"
        for name in names
        if found.get(name, {}).get("value") is not None
    ][:3]
    where = "" if record.run == run.id else " (在另外的回答上 measured on other answers)"
    said = ", ".join(shown) or "不能说 cannot say"
    return f"评审与人 judge against people: {said}; n = {overall.get('n', 0)}, {record.gold}{where}"


def _corrected_table(result: RunResult, judge: JudgeResult) -> Table:
    """The values corrected for the judge's error, beside the raw ones."""
    table = plain_table(
        "指标 measure", "分组 group", "原值 raw", "校正值 corrected", "95% 区间 interval", "方法 method", "标注 labels", "说明 note"
    )  # fmt: skip
    names = category_titles(result.benchmark.taxonomy)
    for score in _in_taxonomy_order(judge.scores, names):
        told = score.corrected
        if told is None:
            continue
        value, low, high = (_float(told[key]) for key in ("value", "low", "high"))
        note = "; ".join(str(told[key]) for key in ("reason", "warning") if told[key])
        row = (score.measure, _group(score, names), _number(score.value), _number(value), _span(low, high))
        table.add_row(*row, str(told["method"]), str(told["n_calibration"]), plain(note))
    table.title = "按评审的误差校正，不替代原值 (corrected for the judge's measured error; beside the raw values, not instead)"
    table.title_justify = "left"
    table.title_style = ""
    return table


def _in_taxonomy_order(scores: Sequence[Score], names: Iterable[str]) -> list[Score]:
    """Categories as the benchmark lists them; everything else stays where it is."""
    order = {path: place for place, path in enumerate(names)}
    runs: list[Score] = []
    for _, part in groupby(scores, key=lambda score: (score.measure, score.group in order)):
        runs.extend(sorted(part, key=lambda score: order.get(score.group, 0)))
    return runs


def _position_line(judge: JudgeResult) -> str:
    bias = judge.position_bias
    if bias is None or bias.decided == 0:
        return "位置偏差 position bias: —"
    share = f"{_number(bias.share_first)} {_span(bias.low, bias.high)}"
    return (
        f"位置偏差 position bias: 选前面的 chose the first {share} % (n={bias.decided}); "
        f"两序一致 same reply in both orders {bias.consistent}/{bias.pairs_decided}"
    )


def plain_table(*columns: str) -> Table:
    """An empty table in the house style."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _group(score: Score, names: Mapping[str, Bilingual]) -> str:
    shown = score.group
    chinese = names[score.group].zh if score.group in names else ""
    if "/" in shown:
        shown = "  " + shown.rpartition("/")[2]
    return plain(f"{shown} {chinese}" if chinese and chinese not in shown else shown)


def _value(score: Score) -> str:
    return _number(score.value) + (" 未完成 incomplete" if score.incomplete else "")


def _missing(score: Score) -> str:
    if not score.missing:
        return "0"
    reasons = ", ".join(f"{reason} {count}" for reason, count in score.missing_by_reason.items())
    return plain(f"{score.missing} ({reasons})")


def _float(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def _span(low: float | None, high: float | None) -> str:
    return "—" if low is None or high is None else f"[{low:.1f}, {high:.1f}]"


def _counts(counts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "—"


def _date(run: RunRecord) -> str:
    return datetime.fromtimestamp(run.created, UTC).strftime("%Y-%m-%d %H:%M")
