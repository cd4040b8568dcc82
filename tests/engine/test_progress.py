"""Progress says count, rate and the estimated end, and does not flood a log."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from liangxin.engine.progress import Progress, ProgressLine
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


class Terminal(io.StringIO):
    """What a terminal was sent."""

    def isatty(self) -> bool:
        return True


def test_stages_at_once_share_one_line_of_a_terminal() -> None:
    stream, line = Terminal(), ProgressLine()
    asked = Progress(stream, "asked", 200, line)
    judged = Progress(stream, "judged by rule@0123456789ab", 200, line, "rule")
    other = Progress(stream, "judged by llm:openai:judge@ab", 200, line, "llm:openai:judge")
    for done in range(60):
        asked.advance()
        if done % 2:
            judged.advance()
    other.advance(failed=True)
    now = time.monotonic() + 10
    shown = line.text(now, 200)
    assert shown.startswith("asked 60/200 · ")
    assert " left | rule 30/200 | llm:openai:judge 1/200 · 1 failed" in shown
    narrow = line.text(now, 60)
    assert len(narrow) < 60
    assert narrow.startswith("asked 60/200 · ")
    assert narrow.endswith("…")
    asked.finish()
    assert stream.getvalue().splitlines()[-1].startswith("\x1b[Kasked 60/60 · ")
    assert line.text(now, 200).startswith("judged by rule@0123456789ab 30/200 · ")
    # What fails leaves the line without a word of having finished.
    with pytest.raises(ValueError, match="gone"), judged:
        raise ValueError("gone")
    assert line.text(now, 200).startswith("judged by llm:openai:judge@ab 1/200 · 1 failed · ")


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
