"""What the readers of files say though nothing is wrong: on standard error, each sentence once for a command."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Heard(logging.Handler):
    """Tells each sentence once."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, unless it was told."""
        sentence = record.getMessage()
        if sentence not in self._said:
            self._said.add(sentence)
            self._tell(sentence)


@contextmanager
def heard(tell: Callable[[str], None]) -> Iterator[None]:
    """While it is open, what the readers say is told."""
    log, handler = logging.getLogger("liangxin.files"), _Heard(tell)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
