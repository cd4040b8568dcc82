"""Answers that were given before, kept in a file of the user's for the same request asked again."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path

from liangxin.errors import StoreError
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation

CACHE_VARIABLE = "LIANGXIN_CACHE"
_TRIAL: ContextVar[int] = ContextVar("liangxin_trial", default=1)


@contextmanager
def in_trial(trial: int) -> Iterator[None]:
    """While it is open, what this task asks belongs to that trial: two trials never share an answer."""
    token = _TRIAL.set(trial)
    try:
        yield
    finally:
        _TRIAL.reset(token)


def cache_path() -> Path:
    """The file that LIANGXIN_CACHE names, else one in the user's folder for caches."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "liangxin" / "replies.db"


class ReplyCache:
    """Whole answers by the digest of what was asked; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        """Open the file, made where it is missing.

        Raises:
            StoreError: it cannot be opened.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # answers are the user's own
            self._file = sqlite3.connect(path, timeout=10.0, isolation_level=None)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, text TEXT NOT NULL, reasoning TEXT NOT NULL)"
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"the cache {path} cannot be opened: {error}; name another file in {CACHE_VARIABLE}, or leave "
                "--cache out"
            ) from None

    def key(
        self, identity: str, messages: Sequence[Message], generation: Generation, endpoint: Endpoint
    ) -> str:
        """The digest of model, address, messages, settings and trial; no key goes in."""
        asked = {
            "model": identity,
            "messages": [[one.role, one.content] for one in messages],
            "generation": [generation.temperature, generation.max_tokens, generation.seed],
            "body": dict(endpoint.body),
            "stream": endpoint.stream,
            "trial": _TRIAL.get(),
        }
        return sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def find(self, key: str) -> Reply | None:
        """The answer kept under that key, without tokens or time: it cost none.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            row = self._file.execute("SELECT text, reasoning FROM replies WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._failed(error) from None
        return None if row is None else Reply(text=row[0], reasoning=row[1])

    def keep(self, key: str, reply: Reply) -> None:
        """Keep a whole answer; one that was blocked, cut off, empty or failed is let go.

        Raises:
            StoreError: the file cannot be written.
        """
        if reply.status is not ReplyStatus.OK or not reply.text or reply.unknown_finish:
            return
        try:
            self._file.execute(
                "INSERT OR IGNORE INTO replies VALUES (?, ?, ?)", (key, reply.text, reply.reasoning)
            )
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _failed(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"the cache {self._path} cannot be used: {error}; leave --cache out")
