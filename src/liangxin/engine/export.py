"""A run as rows: one for each turn and judge (and annotator), one with an empty judge where none ruled."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from liangxin.errors import LiangxinError, UsageError
from liangxin.files.writing import write_csv, write_xlsx
from liangxin.records import Exchange
from liangxin.store import Database, RunRecord, Runs, StoredDialogue, dialogues, hashed

COLUMNS = (
    "run", "item", "prompt", "category", "trial", "turn", "response", "reasoning", "reply_status", "detail",
    "judge", "annotator", "level", "verdict_status", "confidence", "reason",
)  # fmt: skip

TEXTS = ("prompt", "response", "reasoning", "detail", "reason")
"""The columns that hold what was asked and said."""
NO_RULING: Mapping[str, Any] = {
    "judge": "",
    "annotator": "",
    "level": None,
    "verdict_status": None,
    "confidence": None,
    "reason": "",
}
"""What stands in these columns of a turn that nobody ruled on."""


def export_rows(database: Database, run: RunRecord) -> Iterator[dict[str, Any]]:
    """Every row of a run, in the run's order; of a secret item the texts are digests."""
    names = {judge.key: judge.identity for judge in Runs(database).judges(run)}
    for stored in dialogues(database, run, settled=False):
        for exchange in stored.dialogue.exchanges:
            for row in _turn_rows(run, stored, exchange, names):
                if stored.dialogue.item.secret:
                    row |= {name: hashed(row[name]) for name in TEXTS}
                yield row


def export(database: Database, run: RunRecord, output: str) -> int:
    """Write a run to a .jsonl, .csv, .xlsx or .parquet file, whole or not at all; returns the number of rows.

    Raises:
        UsageError: another ending.
        LiangxinError: the file cannot be written.
    """
    place = Path(output)
    writers: dict[str, Callable[[IO[str], Iterator[dict[str, Any]]], int]] = {
        ".jsonl": _write_json_lines,
        ".csv": lambda stream, rows: write_csv(stream, rows, COLUMNS),
        ".xlsx": _write_json_lines,
        ".parquet": _write_json_lines,
    }
    convert = {".xlsx": _to_xlsx, ".parquet": _to_parquet}
    write = writers.get(place.suffix.lower())
    if write is None:
        raise UsageError(f"{output}: ends with neither .jsonl, .csv, .xlsx nor .parquet; choose one of them")
    return write_whole(
        place,
        lambda stream: write(stream, export_rows(database, run)),
        convert=convert.get(place.suffix.lower()),
    )


def write_whole(
    place: Path, write: Callable[[io.TextIOWrapper], int], convert: Callable[[Path], None] | None = None
) -> int:
    """Write a UTF-8 file under another name and move it into place: never half a file.

    Raises:
        LiangxinError: the folder is missing, or the system refuses.
    """
    if place.is_dir():
        raise LiangxinError(f"{place} is a directory; give the path of a file")
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as stream:
                count = write(stream)
            if convert is not None:
                convert(temporary)
            temporary.chmod(0o644)
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise LiangxinError(f"{place} cannot be written: {error.strerror or error}") from None
    return count


def _turn_rows(
    run: RunRecord, stored: StoredDialogue, exchange: Exchange, names: dict[int, str]
) -> Iterator[dict[str, Any]]:
    reply = exchange.reply
    shared: dict[str, Any] = {
        "run": run.id,
        "item": stored.dialogue.item.id,
        "prompt": exchange.prompt,
        "category": "/".join(stored.dialogue.item.category),
        "trial": stored.dialogue.trial,
        "turn": exchange.turn,
        "response": reply.text,
        "reasoning": reply.reasoning,
        "reply_status": str(reply.status),
        "detail": reply.detail,
    }
    ruled = False
    for (judge, turn, annotator), ruling in stored.rulings.items():
        if turn == exchange.turn:
            ruled = True
            verdict = ruling.verdict
            yield shared | {
                "judge": names[judge],
                "annotator": annotator,
                "level": verdict.level,
                "verdict_status": str(verdict.status),
                "confidence": verdict.confidence,
                "reason": verdict.reason,
            }
    if not ruled:
        yield {**shared, **NO_RULING}


def _write_json_lines(stream: IO[str], rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    for row in rows:
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _to_xlsx(place: Path) -> None:
    """Turn the JSON lines at `place` into a workbook without holding them in memory."""
    target = place.with_name(place.name + ".xlsx")
    try:
        with place.open(encoding="utf-8") as lines, target.open("wb") as stream:
            write_xlsx(stream, (json.loads(line) for line in lines), COLUMNS)
        target.replace(place)
    finally:
        target.unlink(missing_ok=True)


def _to_parquet(place: Path) -> None:
    """Turn the JSON lines at `place` into parquet without holding them in memory."""
    import polars

    types: dict[str, Any] = dict.fromkeys(COLUMNS, polars.String)
    types |= {"trial": polars.Int64, "turn": polars.Int64, "confidence": polars.Float64}
    target = place.with_name(place.name + ".parquet")
    try:
        polars.scan_ndjson(place, schema=types).sink_parquet(target)
        target.replace(place)
    finally:
        target.unlink(missing_ok=True)
