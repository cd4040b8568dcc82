"""Standard output and error that may be gone (closed, full, their reader away): the work goes on, the status says so.

A result that did not reach standard output was not delivered: what would have ended in 0 or 3, which promise it there,
ends in 1. What standard error loses are messages: the status stays.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO

from liangxin.cli.terminal import EXIT_NOT_DELIVERED, EXIT_SOME_FAILED, tell

_DELIVERED = (0, EXIT_SOME_FAILED)
"""The statuses on which a script finds its result on standard output."""


class _KeptOpen(io.RawIOBase):
    """Writes to another stream for as long as it takes what it is given; never fails."""

    def __init__(self, stream: io.RawIOBase | None, *, resumes: bool) -> None:
        """Write nothing yet.

        Args:
            stream: None where it was closed before the command began.
            resumes: whether to go on after a loss: messages may, a result with a hole in it must not.
        """
        self._stream = stream
        self._resumes = resumes
        self.lost: OSError | None = None

    def write(self, data: object) -> int:
        """Hand the bytes on; where that fails, remember why and let them go."""
        size = len(memoryview(data))  # type: ignore[arg-type]
        if self.lost is not None and not self._resumes:
            return size
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            while (written := self._stream.write(data)) is None:  # type: ignore[arg-type]
                # Another program made it non-blocking, and it is full for the moment.
                select.select([], [self._stream], [])
        except OSError as error:
            self.lost = error
            return size
        return written

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """As the stream."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """As the stream.

        Raises:
            OSError: it has none.
        """
        return super().fileno() if self._stream is None else self._stream.fileno()


class Outputs:
    """The process's two outputs, kept open while a command runs."""

    def __init__(self) -> None:
        """Take both over."""
        _occupy()
        self._before = (sys.stdout, sys.stderr)
        self._result, sys.stdout = _kept(sys.stdout, resumes=False)
        _, sys.stderr = _kept(sys.stderr, resumes=True)

    def end(self, status: str | int | None) -> str | int | None:
        """Give both back and say how the command ends.

        Args:
            status: what it would end with, as `sys.exit` takes it.
        """
        sys.stdout.flush()
        lost = self._result.lost
        # `| head` has read what it wanted: nobody needs to be told.
        if lost is not None and not isinstance(lost, BrokenPipeError):
            why = lost.strerror or lost
            tell(
                f"liangxin: standard output cannot be written ({why}): what was to be printed is lost, what was done "
                "is done and stored"
            )
        sys.stderr.flush()
        sys.stdout, sys.stderr = self._before
        return EXIT_NOT_DELIVERED if lost is not None and (status or 0) in _DELIVERED else status


def _occupy() -> None:
    """Fill the places of closed streams: a file opened next would get one, and be written to as standard error."""
    with suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)


def _kept(stream: TextIO | None, *, resumes: bool) -> tuple[_KeptOpen, TextIO]:
    """A stream like the given one that never fails, and what it writes through."""
    if stream is None:
        raw = _KeptOpen(None, resumes=resumes)
        return raw, io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace")
    with suppress(OSError):
        stream.flush()
    under: Any = stream.buffer
    raw = _KeptOpen(getattr(under, "raw", under), resumes=resumes)
    # Standard error and terminals show a line as it ends; `python -u` shows everything at once.
    lines = getattr(stream, "line_buffering", True) or getattr(stream, "write_through", True)
    kept = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=lines
    )
    return raw, kept
