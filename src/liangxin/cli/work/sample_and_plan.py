"""What `sample`, `plan` and `leaderboard` do and print once their words are parsed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from rich.table import Table

from liangxin.analysis.blind_sample import ToRead, Wish, sample
from liangxin.analysis.named_judges import judge_for
from liangxin.analysis.needed_sizes import PlanRequest, plan
from liangxin.analysis.ranking import ARCHIVED, Leaderboard, LeaderboardRow, leaderboard, leaderboard_fields
from liangxin.benchmarks import open_benchmark
from liangxin.cli.opening import open_store
from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import SAMPLE, plain_table
from liangxin.cli.terminal import console, plain, say_json, tell
from liangxin.engine.banding import cannot_tell
from liangxin.engine.export import write_whole
from liangxin.engine.stored import benchmark_of
from liangxin.errors import UsageError
from liangxin.files.writing import FORMATS, Format, write_rows
from liangxin.specs import Benchmark
from liangxin.store import Runs
from liangxin.words import CANNOT_TELL, JUDGE_BAND, SAMPLING_ONLY, band_title

TITLES = {
    "items": "题数 items",
    "items_each": "每个模型的题数 items for each model",
    "least_passes": "至少要通过 passes needed",
    "power": "把握 power (%)",
    "at_least": "声明 claim: at least (%)",
    "rate": "假设的真值 supposed true rate (%)",
    "raw_rate": "评审会报 the judge would report (%)",
    "margin": "误差 margin (±)",
    "difference": "差异 difference",
    "discordant": "两者不同的题 items that differ (%)",
    "sensitivity": "好答案判好 sensitivity (%)",
    "specificity": "坏答案判坏 specificity (%)",
    "labels": "本运行上的标注 labels on this run",
    "calibration": "或另一批回答上的标注 or labels on other answers",
    "confidence": "置信度 confidence (%)",
    "design": "设计 design",
    "method": "方法 method",
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
    table = plain_table(
        "维度 dimension",
        "评审判为 judged",
        "回答 answers",
        "已有标注 labelled",
        "抽中 drawn",
        "读过的比例 read",
    )
    for one in found.strata:
        table.add_row(
            plain(one.dimension or "—"),
            one.level,
            str(one.size),
            str(one.labelled),
            str(one.chosen),
            f"{one.fraction:.1%}",
        )
    out = console()
    how = "简单随机 simple random" if found.simple_random else "层内随机 at random within strata"
    out.print(plain(f"评审 judge: {judge}    {how}"))
    out.print(table)


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
    table = plain_table("计划 plan", "")
    for name, value in found.items():
        table.add_row(TITLES[name], _planned(value))
    console().print(table)


def _planned(value: object) -> str:
    if value is None:
        return "不够 not enough answers for this"
    if isinstance(value, Mapping):
        return f"好 good {value['good']} + 坏 bad {value['bad']}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


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
            tell(f"left out: {one.run.label}: {one.reason.zh} ({one.reason.en})")
    if hidden:
        tell(f"left out: {hidden} {ARCHIVED.zh} ({ARCHIVED.en})")
    if output is OutputFormat.JSON:
        say_json(leaderboard_fields(board))
        return
    out = console()
    out.print(plain(f"{board.benchmark.title.zh} {board.benchmark.title.en} · {board.measure}"))
    if board.sample:
        out.print(SAMPLE)
    out.print(_board(board))
    for row in board.rows:
        if not row.published and row.comparability:
            out.print(plain(f"{row.model} ({row.source}): {'; '.join(row.comparability)}"))
    published = [row for row in board.rows if row.published]
    for source in dict.fromkeys(
        (row.source, row.date, row.annotators, row.comparability) for row in published
    ):
        out.print(
            plain(
                f"发表 published: {source[0]} ({source[1]}), 评审 judged by {source[2]}. {' '.join(source[3])}"
            )
        )
    out.print(
        "名次区间由所有两两配对检验（Holm）得出，95%；没有分出高下的行名次重叠。"
        + ("发表的行只作参照，不排名。" if published else "")
    )
    out.print(
        "Rank sets come from all pairwise paired tests (Holm, 95 %); rows that are not told apart share ranks."
        + (" Published rows are for reference, never ranked." if published else "")
    )


def _board(board: Leaderboard) -> Table:
    measures = list(
        dict.fromkeys(
            score["measure"] for row in board.rows for score in row.scores if score["group"] == "overall"
        )
    )
    table = plain_table(
        "名次 rank", "模型 model", *measures, "评审 judge", "来源 source", "可比性 comparability"
    )
    for row in board.rows:
        ranks = "发表 published" if row.ranks is None else _span(row.ranks)
        table.add_row(
            ranks,
            plain(row.model),
            *(_cell(row, measure, board.benchmark) for measure in measures),
            plain(row.annotators),
            plain(row.date if row.published else f"{row.source} {row.date}"),
        )
    return table


def _span(ranks: tuple[int, int]) -> str:
    return str(ranks[0]) if ranks[0] == ranks[1] else f"{ranks[0]}-{ranks[1]}"


def _cell(row: LeaderboardRow, measure: str, benchmark: Benchmark) -> str:
    for score in row.scores:
        if (score["measure"], score["group"]) == (measure, "overall") and score["value"] is not None:
            erring = score["judge_basis"] is not None or score["corrected"] is not None
            of = f" {SAMPLING_ONLY.zh}" if erring else ""
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
        return f"; 校正 corrected {corrected['value']:.2f} [{corrected['low']:.1f}, {corrected['high']:.1f}]"
    if basis["why"] is not None:
        title = band_title(basis["why"])
        return f"; {title.zh} {title.en}"
    low, high = score["judge_low"], score["judge_high"]
    wide = f" {CANNOT_TELL.zh}" if cannot_tell(score["measure"], low, high, benchmark) else ""
    return f"; {JUDGE_BAND.zh} band [{low:.1f}, {high:.1f}]{wide}"
