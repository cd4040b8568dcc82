"""How long a store that is locked, full, restarting or not reached is waited for, and what passes at all."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable

from sqlalchemy import exc

from liangxin.errors import StoreError, StoreLocked, StoreUnavailable, UsageError

PATIENCE_SECONDS = 300.0
VARIABLE = "LIANGXIN_STORE_PATIENCE"
_PAUSES = (0.2, 5.0)
"""Seconds between two tries, from the first to the longest."""
_ONE_OUTAGE = 60.0
"""Failures that follow each other within these seconds are one outage: the user is told of it once."""

# https://www.sqlite.org/rescode.html: BUSY, LOCKED, IOERR, FULL, CANTOPEN, PROTOCOL. A disk that is full in the
# middle of the log, a share that is away and too many open files are said in the words of the third and the fifth.
_SQLITE_LOCKED = frozenset({5, 6})
_SQLITE_PASSES = frozenset({10, 13, 14, 15})
# https://www.postgresql.org/docs/current/errcodes-appendix.html: connections, resources (a full disk), a shutdown or
# start, deadlocks and failed serialisation, a lock that is held, input and output;
# a transaction in whose middle this process was suspended.
_POSTGRES_LOCKED = "55P03"
_POSTGRES_PASSES = ("08", "53", "57P", "40001", "40P01", "58030", "25P03")


def refusal(error: Exception) -> type[StoreError]:
    """What it means that the database, through SQLAlchemy or its driver, refused: whether it may be taken later."""
    if type(error) is exc.TimeoutError:  # no connection was free in time
        return StoreUnavailable
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", 0) & 0xFF
        locked, passes = code in _SQLITE_LOCKED, code in _SQLITE_PASSES
    elif (state := getattr(origin, "sqlstate", None)) is not None:
        locked, passes = state == _POSTGRES_LOCKED, str(state).startswith(_POSTGRES_PASSES)
    else:
        lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
        locked, passes = False, lost or type(origin).__name__ == "OperationalError"
    return StoreLocked if locked else StoreUnavailable if passes else StoreError


class StorePatience:
    """How long one command waits for its store; whoever waits says so once for each outage.

    Args:
        tell: says a sentence to the user, from any thread.
        seconds: None takes LIANGXIN_STORE_PATIENCE, else five minutes.

    Raises:
        UsageError: the environment variable holds no number of seconds.
    """

    def __init__(self, tell: Callable[[str], None], seconds: float | None = None) -> None:
        self.tell = tell
        self.seconds = _given() if seconds is None else seconds
        self._failed = float("-inf")

    def outage(self) -> Outage:
        """What one piece of work that is tried again has waited so far."""
        return Outage(self)

    def note(self, error: StoreUnavailable) -> None:
        """Tell of an outage, where it is not the one that was told of last."""
        now = time.monotonic()
        told, self._failed = now - self._failed < _ONE_OUTAGE, now
        if not told:
            self.tell(
                f"{error}; waiting for it, {self.seconds:.0f} s at most: nothing new is asked meanwhile, and what was "
                "answered is kept"
            )


class Outage:
    """One piece of work that the store did not take, tried again until patience ends."""

    def __init__(self, patience: StorePatience) -> None:
        self._patience = patience
        self._began = time.monotonic()
        self._tries = 0

    def pause(self, error: StoreUnavailable) -> float:
        """How many seconds to wait before the next try.

        Raises:
            StoreError: patience has ended.
        """
        waited = time.monotonic() - self._began
        if waited >= self._patience.seconds:
            raise StoreError(f"{error}; waited for it for {waited:.0f} s") from None
        self._patience.note(error)
        first, longest = _PAUSES
        pause = min(first * 2.0**self._tries, longest)
        self._tries = min(self._tries + 1, 10)
        return min(pause, self._patience.seconds - waited)


def _given() -> float:
    text = os.environ.get(VARIABLE)
    if not text:
        return PATIENCE_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"{VARIABLE} is {text!r}; expected a number of seconds, 0 or more")
    return seconds
