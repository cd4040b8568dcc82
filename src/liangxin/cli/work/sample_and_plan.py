"""What `sample`, `plan` and `leaderboard` do and print once their words are parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from liangxin.analysis.blind_sample import ToRead, Wish, sample
from liangxin.analysis.named_judges import judge_for
from liangxin.analysis.needed_sizes import PlanRequest, plan
from liangxin.analysis.ranking import ARCHIVED, Leaderboard, LeaderboardRow, leaderboard, leaderboard_fields
from liangxin.benchmarks import open_benchmark
from liangxin.cli.layout import TextTable
from liangxin.cli.opening import open_store
from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import SAMPLE
from liangxin.cli.terminal import here, plain_table, put, put_table, say_json, tell
from liangxin.engine.banding import cannot_tell
from liangxin.engine.export import write_whole
from liangxin.engine.stored import benchmark_of
from liangxin.errors import UsageError
from liangxin.files.writing import FORMATS, Format, write_rows
from liangxin.languages import in_language
from liangxin.specs import Benchmark
from liangxin.store import Runs
from liangxin.words import CANNOT_TELL, SAMPLING_ONLY, band_title

TITLES = {
    "items": "items",
    "items_each": "items for each model",
    "least_passes": "passes needed",
    "power": "power (%)",
    "at_least": "claim: at least (%)",
    "rate": "supposed true rate (%)",
    "raw_rate": "the judge would report (%)",
    "margin": "margin (±)",
    "difference": "difference",
    "discordant": "items that differ (%)",
    "sensitivity": "good answers judged good (%)",
    "specificity": "bad answers judged bad (%)",
    "labels": "labels on this run",
    "calibration": "or labels on other answers",
    "confidence": "confidence (%)",
    "design": "design",
    "method": "method",
}


def draw(name: str, judge: str | None, wish: Wish, store: str | None, output: str | None) -> None:
    """Draw a sample for labelling and write it."""
    form = None if output is None else _form(output)
    database = open_store(store)
    try:
        run = Runs(database).find(name)
        record = judge_for(database, run, judge)
        found = sample(database, run, benchmark_of(run), record, wish)
    finally:
        database.close()
    if output is None or form is None:
        for row in found.rows:
            say_json(row)
        return
    if form != "jsonl" and any("response" not in row for row in found.rows):
        raise UsageError(
            f"{output}: secret items have no answers to show, and a table would leave blanks; write .jsonl"
        )
    content = write_rows(found.rows, form)
    write_whole(Path(output), partial(_write, content))
    _print_strata(found, record.identity)
    tell(
        f"{len(found.rows)} answers written to {output}; fill in `level`, then `liangxin judge {run.label} --judge labels:{output}`"
    )


def _print_strata(found: ToRead, judge: str) -> None:
    table = plain_table("dimension", "judged", "answers", "labelled", "drawn", "read", right=range(2, 6))
    for one in found.strata:
        numbers = (str(one.size), str(one.labelled), str(one.chosen), f"{one.fraction:.1%}")
        table.add_row(one.dimension or "—", one.level, *numbers)
    put(f"judge: {judge}", "simple random" if found.simple_random else "at random within strata")
    put_table(table)


def _write(content: bytes, stream: TextIOWrapper) -> int:
    stream.buffer.write(content)
    return len(content)


def _form(output: str) -> Format:
    ending = Path(output).suffix.lower()
    for form in FORMATS:
        if ending == f".{form}":
            return form
    raise UsageError(f"{output}: ends with neither .jsonl, .csv nor .xlsx; choose one of them")


def print_plan(wanted: PlanRequest, output: OutputFormat) -> None:
    """Print how much is needed."""
    found = plan(wanted)
    if output is OutputFormat.JSON:
        say_json(found)
        return
    table = plain_table("plan", "")
    for name, value in found.items():
        table.add_row(in_language(TITLES[name]), _planned(value))
    put_table(table)


def _planned(value: object) -> str:
    if value is None:
        return in_language("not enough answers for this")
    if isinstance(value, Mapping):
        return in_language(f"good {value['good']} + bad {value['bad']}")
    return f"{value:.4g}" if isinstance(value, float) else in_language(str(value))


def print_leaderboard(
    name: str,
    judge: str | None,
    store: str | None,
    output: OutputFormat,
    *,
    samples: bool,
    archived: bool,
) -> None:
    """Print every row of a benchmark's leaderboard."""
    database = open_store(store)
    try:
        board = leaderboard(database, open_benchmark(name), judge, samples=samples, archived=archived)
    finally:
        database.close()
    hidden = sum(one.reason is ARCHIVED for one in board.left_out)
    for one in board.left_out:
        if one.reason is not ARCHIVED:
            tell(f"left out: {one.run.label}: {here(one.reason)}")
    if hidden:
        tell(f"left out: {hidden} {here(ARCHIVED)}")
    if output is OutputFormat.JSON:
        say_json(leaderboard_fields(board))
        return
    put(f"{here(board.benchmark.title)} · {board.measure}")
    if board.sample:
        put(SAMPLE)
    put_table(_board(board))
    for row in board.rows:
        if not row.published and row.comparability:
            put(f"{row.model} ({row.source}): {_notes(row.comparability)}")
    published = [row for row in board.rows if row.published]
    for source in dict.fromkeys(
        (row.source, row.date, row.annotators, row.comparability) for row in published
    ):
        about = f"{source[0]} ({source[1]})"
        put(f"published: {about}; judges: {source[2]}", _notes(source[3]))
    put(
        "Rank sets come from all pairwise paired tests (Holm, 95 %); rows that are not told apart share ranks."
    )
    if published:
        put("Published rows are for reference, never ranked.")


def _notes(comparability: Iterable[str]) -> str:
    return "; ".join(map(in_language, comparability))


def _board(board: Leaderboard) -> TextTable:
    measures = list(
        dict.fromkeys(
            score["measure"] for row in board.rows for score in row.scores if score["group"] == "overall"
        )
    )
    table = plain_table("rank", "model", *measures, "judge", "source")
    for row in board.rows:
        ranks = in_language("published") if row.ranks is None else _span(row.ranks)
        table.add_row(
            ranks,
            row.model,
            *(_cell(row, measure, board.benchmark) for measure in measures),
            row.annotators,
            row.date if row.published else f"{row.source} {row.date}",
        )
    return table


def _span(ranks: tuple[int, int]) -> str:
    return str(ranks[0]) if ranks[0] == ranks[1] else f"{ranks[0]}-{ranks[1]}"


def _cell(row: LeaderboardRow, measure: str, benchmark: Benchmark) -> str:
    for score in row.scores:
        if (score["measure"], score["group"]) == (measure, "overall") and score["value"] is not None:
            erring = score["judge_basis"] is not None or score["corrected"] is not None
            of = f" {here(SAMPLING_ONLY)}" if erring else ""
            span = "" if score["low"] is None else f"{of} [{score['low']:.1f}, {score['high']:.1f}]"
            n = "" if score["n"] is None else f" n={score['n']}"
            return f"{score['value']:.2f}{span}{n}{_band(score, benchmark)}"
    return "—"


def _band(score: Mapping[str, Any], benchmark: Benchmark) -> str:
    """The judge band of a board's number, or why there is none; nothing where people judged."""
    basis, corrected = score["judge_basis"], score["corrected"]
    if basis is None:
        if corrected is None or corrected["value"] is None:
            return ""
        found = f"{corrected['value']:.2f} [{corrected['low']:.1f}, {corrected['high']:.1f}]"
        return "; " + in_language(f"corrected {found}")
    if basis["why"] is not None:
        return f"; {here(band_title(basis['why']))}"
    low, high = score["judge_low"], score["judge_high"]
    wide = f" {here(CANNOT_TELL)}" if cannot_tell(score["measure"], low, high, benchmark) else ""
    return f"; {in_language('judge band')} [{low:.1f}, {high:.1f}]{wide}"
