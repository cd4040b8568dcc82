"""Progress on standard error: count, rate, estimated end; one living line on a terminal, few lines in a log."""

from __future__ import annotations

import time
from typing import TextIO

from liangxin.languages import in_language
from liangxin.text import remark

_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 10.0


class Progress:
    """Counts finished pieces of one stage and says so, rarely enough to cost nothing."""

    def __init__(self, stream: TextIO | None, label: str, total: int) -> None:
        self._stream = stream
        self._label = label
        self._total = total
        self._done = 0
        self._before = 0
        self._failed = 0
        self._started = self._shown = time.monotonic()
        self._terminal = stream is not None and not stream.closed and stream.isatty()

    def skip(self, count: int = 1) -> None:
        """So many pieces that an earlier run had finished."""
        self._before += count

    @property
    def skipped(self) -> int:
        """How many pieces an earlier run had finished."""
        return self._before

    def advance(self, *, failed: bool = False) -> None:
        """One more piece is finished."""
        self._done += 1
        self._failed += failed
        if self._stream is not None:
            now = time.monotonic()
            if now - self._shown >= (_TERMINAL_SECONDS if self._terminal else _LOG_SECONDS):
                self._shown = now
                self._write(now, final=False)

    def take_back(self) -> None:
        """A piece that had failed is taken up again."""
        self._done -= 1
        self._failed -= 1

    def finish(self) -> None:
        """Say the last count, if there was anything to do."""
        self._total = self._before + self._done
        if self._stream is not None and self._done:
            self._write(time.monotonic(), final=True)

    def line(self, now: float) -> str:
        """What is shown: label, count, failures, rate per second, estimated end."""
        seconds = max(now - self._started, 1e-9)
        rate = self._done / seconds
        left = max(self._total - self._before - self._done, 0)
        parts = [f"{in_language(self._label)} {self._before + self._done}/{self._total}"]
        if self._failed:
            parts.append(in_language(f"{self._failed} failed"))
        parts.append(f"{rate:.1f}/s")
        if left and rate:
            parts.append(in_language(f"about {_duration(left / rate)} left"))
        else:
            parts.append(_duration(seconds))
        return " · ".join(parts)

    def _write(self, now: float, *, final: bool) -> None:
        text = self.line(now)
        remark(self._stream, f"\r\x1b[K{text}" + ("\n" if final else "") if self._terminal else text + "\n")


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
