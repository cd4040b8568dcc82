"""Progress on standard error: count, rate, estimated end; one living line on a terminal, few lines in a log.

Stages that are under way at once share that one line: the first is told in full, the others by their counts.
"""

from __future__ import annotations

import os
import time
from typing import Self, TextIO

from liangxin.languages import in_language
from liangxin.text import remark

_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 10.0


class ProgressLine:
    """The living line of a terminal, shared by the stages that are under way at once."""

    def __init__(self) -> None:
        self.shown = time.monotonic()
        self._stages: list[Progress] = []

    def join(self, stage: Progress) -> None:
        """A stage begins."""
        self._stages.append(stage)

    def leave(self, stage: Progress) -> None:
        """A stage has ended."""
        if stage in self._stages:
            self._stages.remove(stage)

    def text(self, now: float, columns: int) -> str:
        """What is shown, in one line of that many columns."""
        first, *others = self._stages
        whole = " | ".join([first.line(now), *(one.count for one in others)])
        return whole if len(whole) < columns else whole[: max(columns - 2, 0)] + "…"


class Progress:
    """Counts finished pieces of one stage and says so, rarely enough to cost nothing."""

    def __init__(
        self,
        stream: TextIO | None,
        label: str,
        total: int,
        shared: ProgressLine | None = None,
        brief: str = "",
    ) -> None:
        """Begin with nothing done.

        Args:
            shared: the terminal's line, where other stages are under way at once.
            brief: the label beside others'.
        """
        self._stream = stream
        self._label = label
        self._brief = brief or label
        self._shared = shared or ProgressLine()
        self._shared.join(self)
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
            if self._terminal:
                if now - self._shared.shown >= _TERMINAL_SECONDS:
                    self._shared.shown = now
                    self._write(now, final=False)
            elif now - self._shown >= _LOG_SECONDS:
                self._shown = now
                self._write(now, final=False)

    def take_back(self) -> None:
        """A piece that had failed is taken up again."""
        self._done -= 1
        self._failed -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.finish()
        else:
            self._shared.leave(self)

    def finish(self) -> None:
        """Say the last count, if there was anything to do."""
        self._shared.leave(self)
        self._total = self._before + self._done
        if self._stream is not None and self._done:
            self._write(time.monotonic(), final=True)

    @property
    def count(self) -> str:
        """What is shown beside another stage: label, count, failures."""
        return self._counted(self._brief)

    def _counted(self, label: str) -> str:
        failed = f" · {in_language(f'{self._failed} failed')}" if self._failed else ""
        return f"{in_language(label)} {self._before + self._done}/{self._total}{failed}"

    def line(self, now: float) -> str:
        """What is shown: label, count, failures, rate per second, estimated end."""
        seconds = max(now - self._started, 1e-9)
        rate = self._done / seconds
        left = max(self._total - self._before - self._done, 0)
        parts = [self._counted(self._label)]
        parts.append(f"{rate:.1f}/s")
        if left and rate:
            parts.append(in_language(f"about {_duration(left / rate)} left"))
        else:
            parts.append(_duration(seconds))
        return " · ".join(parts)

    def _write(self, now: float, *, final: bool) -> None:
        if not self._terminal or final:
            beginning = "\r\x1b[K" if self._terminal else ""
            remark(self._stream, f"{beginning}{self.line(now)}\n")
        else:
            remark(self._stream, "\r\x1b[K" + self._shared.text(now, self._columns()))

    def _columns(self) -> int:
        try:
            assert self._stream is not None
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
