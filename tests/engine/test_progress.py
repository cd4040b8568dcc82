"""Progress says count, rate and the estimated end, and does not flood a log."""

from __future__ import annotations

import io
import time
from pathlib import Path

from liangxin.engine.progress import Progress
from liangxin.store import Database, Runs
from testbench.command import process


def test_a_log_gets_a_last_line_with_count_and_rate() -> None:
    stream = io.StringIO()
    progress = Progress(stream, "asked", 10)
    progress.skip()
    for failed in (False, True, False):
        progress.advance(failed=failed)
    progress.finish()
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("asked 4/4 · 1 failed · ")
    assert "/s" in line


def test_the_estimated_end() -> None:
    progress = Progress(None, "asked", 100)
    for _ in range(25):
        progress.advance()
    assert "about 3 min" in progress.line(time.monotonic() + 60)


def test_nothing_done_says_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(stream, "asked", 3)
    progress.skip()
    progress.finish()
    assert stream.getvalue() == ""


def test_both_orders_of_a_pair_are_counted(tmp_path: Path) -> None:
    """A pair is one unit and two calls: the total is what will be asked, not the units."""
    (tmp_path / "rules.jsonl").write_text('{"text": "回复1"}\n', encoding="utf-8")
    words = ("cvalues-choice", "--model", "scripted:rules.jsonl", "--limit", "3", "--store", "s.db")
    told = process(tmp_path, "run", *words)
    assert told.returncode in (0, 3), told.stderr
    database = Database(f"sqlite:///{tmp_path / 's.db'}", create=False)
    runs = Runs(database)
    (run,) = runs.all()
    assert (run.units, runs.planned_items(run)) == (3, 6)
    database.close()
