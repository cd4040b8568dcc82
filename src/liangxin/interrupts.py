"""The user ends the run: the one signal that is no error, and how an event loop hears it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """SIGINT or SIGTERM ended the work; what had been answered is stored."""


@contextlib.contextmanager
def handlers_kept() -> Iterator[None]:
    """Put the process's own signal handlers back: the loop leaves the defaults behind."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            # Only the main thread may set one; elsewhere none was changed.
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(number, handler)


def listen(loop: asyncio.AbstractEventLoop, handler: Callable[[], None]) -> Iterable[signal.Signals]:
    """Let the loop hear what ends a command; gives each signal as it is heard."""
    for number in SIGNALS:
        # Only a main thread on a Unix loop can listen; elsewhere Ctrl-C stays Python's own.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, handler)
            yield number


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the faster loop; None where there is none."""
    if sys.platform == "win32":
        return None
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop
