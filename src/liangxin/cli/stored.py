"""`scores`, `export` and `report`: what is read from the store and asks nobody anything."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from liangxin.cli import options
from liangxin.cli.terminal import put, say, stated, tell
from liangxin.languages import in_language


class ScoresFormat(StrEnum):
    """How scores are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@stated
def scores(
    run: options.RunArgument,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="J", help="One judge (default: all).")
    ] = None,
    store: options.StoreOption = None,
    output: Annotated[
        ScoresFormat, typer.Option("--format", help="table, json or csv.")
    ] = ScoresFormat.TABLE,
) -> None:
    """The scores of a stored run, made again from its verdicts."""
    from liangxin.analysis.evidence import stored_with_evidence
    from liangxin.cli.opening import open_store
    from liangxin.cli.tables import print_csv
    from liangxin.cli.work.run_and_judge import show

    database = open_store(store)
    try:
        result = stored_with_evidence(database, run, judge)
    finally:
        database.close()
    if output is ScoresFormat.CSV:
        print_csv(result)
    else:
        show(result, options.OutputFormat(output.value))


@stated
def export(
    run: options.RunArgument,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            metavar="FILE",
            help="FILE.jsonl, FILE.csv, FILE.xlsx, FILE.parquet; FILE.db takes the whole run along.",
        ),
    ],
    store: options.StoreOption = None,
) -> None:
    """Every turn and verdict of a run as rows of a file, or the run itself as a portable store."""
    from liangxin.cli.opening import open_store
    from liangxin.engine.export import export as write
    from liangxin.engine.portable import ENDING, pack
    from liangxin.store import Runs

    database = open_store(store)
    try:
        work = pack if output.lower().endswith(ENDING) else write
        found = Runs(database).find(run)
        count = work(database, found, output)
        secret = work is pack and any(item.secret for item in Runs(database).items(found.dataset))
    finally:
        database.close()
    if secret:
        tell(f"{output} is a store: it holds the texts of secret items; keep it as you keep the store")
    tell(f"{count} rows written to {output}")


@stated
def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE.db", help="What `liangxin export` wrote, or any store.")
    ],
    store: options.StoreOption = None,
) -> None:
    """Bring a portable run (FILE.db) into the store; what the store has already stays."""
    from liangxin.cli.opening import open_store
    from liangxin.engine.portable import unpack

    database = open_store(store, create=True)
    try:
        for one in unpack(file, database):
            renamed = "; its name belongs to another run here, so it came without" if one.renamed else ""
            put(
                f"{one.run.id} {one.run.label} · {one.run.benchmark} · {one.run.model}: {one.added} new rows"
                + in_language(renamed)
            )
    finally:
        database.close()


@stated
def report(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="One or several runs.")],
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="FILE.html")],
    store: options.StoreOption = None,
) -> None:
    """One self-contained HTML page on one or several runs."""
    from pathlib import Path

    from liangxin.analysis.evidence import stored_with_evidence
    from liangxin.cli.opening import open_store
    from liangxin.engine.export import write_whole
    from liangxin.report import render

    database = open_store(store)
    try:
        page = render(database, [stored_with_evidence(database, name) for name in names])
    finally:
        database.close()
    write_whole(Path(output), lambda stream: stream.write(page))
    say(output)
