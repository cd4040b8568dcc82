"""Progress says count, rate and the estimated end, and does not flood a log."""

from __future__ import annotations

import io
import time

from liangxin.engine.progress import Progress


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
