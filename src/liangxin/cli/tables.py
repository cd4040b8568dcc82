"""Results as tables in the terminal, the same numbers as in JSON and in the report."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from liangxin.analysis.words import statistic_title
from liangxin.cli.layout import TextTable
from liangxin.cli.terminal import here, plain_table, put, put_table, say
from liangxin.engine.banding import cannot_tell
from liangxin.engine.headline import headlines, said_by, ungiven
from liangxin.engine.hosts.spending import Bill, bills
from liangxin.engine.results import JudgeResult, RunResult
from liangxin.engine.summary import score_fields
from liangxin.files.writing import write_csv
from liangxin.languages import in_language, language
from liangxin.records import Score
from liangxin.specs import Benchmark
from liangxin.store import RunRecord, ValidationRecord
from liangxin.store.life.states import ListedRun
from liangxin.words import (
    CANNOT_TELL,
    Bilingual,
    band_title,
    category_titles,
    reason_title,
    status_title,
    title_of,
    verdict_title,
)

SAMPLE = "样例·非成绩 (sample, not a result)"
FAKE = "a scripted model is a fake: this shows the plumbing, not values"


def print_result(result: RunResult) -> None:
    """The headline, what no judge here gives, one table a judge with what is missing and why."""
    run = result.run
    put(f"{here(result.benchmark.title)} · {run.model} · {run.label}")
    if run.sample:
        put(SAMPLE)
    if run.traits.scripted:
        put(FAKE)
    put(f"replies: {counts(result.replies, status_title)}")
    for bill in bills(result.spent, result.prices):
        told = f"{bill.name} · {here(bill.line)}"
        put(f"usage: {told}")
    put(*_headline_lines(result))
    for judge in result.judges:
        say("")
        put(f"judge: {judge.record.identity}; verdicts: {counts(judge.verdicts, verdict_title)}")
        if judge.validation is not None:
            put(_validity(judge.validation, run))
        if said_by(judge):
            put_table(_score_table(result, judge))
        put(*_band_notes(result, judge))
        if any(score.corrected is not None for score in judge.scores):
            put_table(_corrected_table(result, judge))
        if judge.position_bias is not None:
            put(_position_line(judge))
    if not result.judges:
        put("not judged: `liangxin judge RUN --judge SPEC`")


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
        {key: _plain_counts(cell) if isinstance(cell, Mapping) else cell for key, cell in row.items()}
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
    """A line for each run; tokens and cost where any run has some.

    Args:
        bills: by the run's id.
    """
    rows = [(listed, run_fields(listed, bills[listed.run.id])) for listed in runs]
    spent = [name for name in ("tokens", "cost") if any(fields[name] for _, fields in rows)]
    headings = ("run", "name", "benchmark", "model", "units", *spent, "created (UTC)")
    table = plain_table(*headings, right=range(4, 5 + len(spent)))
    for listed, fields in rows:
        run = listed.run
        benchmark = f"{run.benchmark} {in_language('(sample)')}" if run.sample else run.benchmark
        state = "pinned" if listed.pinned else "archived" if listed.archived else ""
        name = " · ".join(one for one in (run.name, state and in_language(state)) if one)
        told = {
            "tokens": f"{fields['tokens']:,}",
            "cost": "—" if fields["cost"] is None else f"{fields['cost']:,.4f} {fields['currency']}",
        }
        cells = (run.id, name, benchmark, run.model, str(run.units), *(told[one] for one in spent))
        table.add_row(*cells, _date(run))
    put_table(table)


def _headline_lines(result: RunResult) -> Iterator[str]:
    """The number that the run comes to, what stands beside it, and what is not given, a line each."""
    for place, one in enumerate(headlines(result)):
        title, score = here(title_of(one.measure)), one.score
        name = title if score.measure in title else f"{title} {score.measure}"
        value, limits = f"{name} {_value(score)}", _span(score.low, score.high)
        if score.erring:
            band = _band(score, result.benchmark)
            limits = in_language(f"judge band {band}, sampling only {limits}")
        missing = in_language(f", missing {score.missing}") if score.missing else ""
        count = f"{score.n}{missing}"
        by = in_language(f"n={count}; judge {one.judge.record.identity}")
        told = f"{value} {limits} {by}"
        yield f"beside: {told}" if place else f"headline: {told}"
    for lack in ungiven(result):
        yield lack.line


def _score_table(result: RunResult, judge: JudgeResult) -> TextTable:
    service = any(score.service is not None for score in judge.scores)
    erring = any(score.erring for score in judge.scores)
    limits = ("judge band", "sampling only") if erring else ("95% interval",)
    table = plain_table(
        "group",
        "value",
        *limits,
        "n",
        *(("service view*",) if service else ()),
        right=range(1, 4 + len(limits)),
        caption="* our convention: a block counts as the lowest harmless level" if service else "",
    )
    names = category_titles(result.benchmark.taxonomy)
    before = ""
    for score in _in_taxonomy_order(said_by(judge), names):
        if before != score.measure:
            table.add_line(score.measure)
        row = [f"  {_group(score, names)}", _value(score)]
        if erring:
            row.append(_band(score, result.benchmark))
        row += [_span(score.low, score.high), str(score.n)]
        table.add_row(*row, *([_number(score.service)] if service else []))
        if score.missing:
            table.add_line(f"      {_missing(score)}")
        before = score.measure
    return table


def _band(score: Score, benchmark: Benchmark) -> str:
    """Where the truth lies by the judge's error, or why that is not known."""
    if score.replaced is not None:
        return in_language(f"corrected {_span(*score.replaced[1:])}")
    if score.value is None or score.judge_basis is None:
        return "—"
    why = score.judge_basis["why"]
    if why is not None:
        return here(band_title(why))
    wide = cannot_tell(score.measure, score.judge_low, score.judge_high, benchmark)
    return _span(score.judge_low, score.judge_high) + (f" {here(CANNOT_TELL)}" if wide else "")


def band_basis(basis: Mapping[str, object]) -> str:
    """On what a judge's error was measured, in one line."""
    sources = basis["sources"]
    names = "; ".join(map(str, sources)) if isinstance(sources, Sequence) else ""
    return f"the judge's error was measured on: {names or '—'}"


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
        sample = f"liangxin sample {run} --for-labels 240 --output labels.jsonl"
        measure = f"liangxin validate {run} --judge {spec} --gold labels:labels.jsonl"
        yield (
            "the intervals are of the sampling only. Where there is no band, or a wide one, people's labels measure the "
            f"judge: {sample}; {measure}"
        )
        if spec.startswith("scorer"):
            yield f"or train a scorer on them: liangxin scorer train --from {run} --output DIR"


def _validity(record: ValidationRecord, run: RunRecord) -> str:
    """How the judge agrees with people, in one line."""
    overall = record.content.get("overall") or {}
    found = {one["statistic"]: one for one in overall.get("statistics", ())}
    names = ("balanced_accuracy", "recall_unsafe", "precision_unsafe", "exact", "kappa")
    shown = [
        f"{in_language(statistic_title(name))} {found[name]['value']:.2f} [{found[name]['low']:.2f}, {found[name]['high']:.2f}]"
        for name in names
        if found.get(name, {}).get("value") is not None
    ][:3]
    where = "" if record.run == run.id else in_language(" (measured on other answers)")
    said = ", ".join(shown) or in_language("cannot say")
    return f"judge against people: {said}; n = {overall.get('n', 0)}, {record.gold}{where}"


def _corrected_table(result: RunResult, judge: JudgeResult) -> TextTable:
    """The values corrected for the judge's error, beside the raw ones."""
    table = plain_table(
        "group", "raw", "corrected", "95% interval", "method", "labels", "note", right=(1, 2, 3, 5),
        title="corrected for the judge's measured error; beside the raw values, not instead",
    )  # fmt: skip
    before = ""
    names = category_titles(result.benchmark.taxonomy)
    found = [(score, told) for score in _in_taxonomy_order(judge.scores, names) if (told := score.corrected)]
    notes = {_note(told) for _, told in found}
    for score, told in found:
        value, low, high = (_float(told[key]) for key in ("value", "low", "high"))
        note = _note(told) if len(notes) > 1 else ""
        if before != score.measure:
            table.add_line(score.measure)
        before = score.measure
        row = (f"  {_group(score, names)}", _number(score.value), _number(value), _span(low, high))
        table.add_row(*row, str(told["method"]), str(told["n_calibration"]), note)
    for note in notes if len(notes) == 1 else ():
        table.add_line(note)
    return table


def _note(told: Mapping[str, object]) -> str:
    """Why there is no corrected value, or what to beware of."""
    return "; ".join(map(_reason, (str(told[key]) for key in ("reason", "warning") if told[key])))


def _reason(said: str) -> str:
    """Why there is no corrected value, in the user's language: sentences in a row, a dimension before the first."""
    left, told = said.split("; "), []
    while left:
        # A sentence may have a semicolon of its own: the longest that is known comes first.
        for size in range(len(left), 0, -1):
            part = "; ".join(left[:size])
            before, between, rest = part.partition(": ")
            known = in_language(part)
            if known == part:
                known = f"{before}{between}{in_language(rest)}"
            if known != part or size == 1:
                break
        told.append(known)
        left = left[size:]
    return "; ".join(told)


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
        return "position bias: —"
    share = f"{_number(bias.share_first)} {_span(bias.low, bias.high)}"
    return (
        f"position bias: chose the first {share} % (n={bias.decided}); "
        f"same reply in both orders {bias.consistent}/{bias.pairs_decided}"
    )


def _group(score: Score, names: Mapping[str, Bilingual]) -> str:
    """A group as the data names it; in Chinese as the benchmark does."""
    shown = names[score.group].zh if language() == "zh" and score.group in names else score.group
    return ("  " if "/" in score.group else "") + shown.rpartition("/")[2].strip()


def _value(score: Score) -> str:
    return _number(score.value) + (f" {in_language('incomplete')}" if score.incomplete else "")


def _missing(score: Score) -> str:
    """What is missing and why, and what the value could be at worst and at best."""
    reasons = counts(score.missing_by_reason, reason_title)
    bounds = _span(*score.bounds)
    return in_language(f"missing {score.missing} ({reasons}); with them anywhere in {bounds}")


def _float(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def _span(low: float | None, high: float | None) -> str:
    return "—" if low is None or high is None else f"[{low:.1f}, {high:.1f}]"


def counts(found: Mapping[str, int], title: Callable[[str], Bilingual]) -> str:
    """How often each name occurs, the names in Chinese where the user reads it."""
    named = ((title(name).zh if language() == "zh" else name, count) for name, count in found.items())
    return ", ".join(f"{name} {count}" for name, count in named) or "—"


def _plain_counts(found: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.items()) or "—"


def _date(run: RunRecord) -> str:
    return datetime.fromtimestamp(run.created, UTC).strftime("%Y-%m-%d %H:%M")
