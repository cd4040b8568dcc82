"""A SQLite store that may only be read: its file, its folder or the whole mount.

SQLite itself reads such a file only where the write-ahead log's index (`-shm`) lies beside it or may be made there
(https://www.sqlite.org/wal.html#readonly). What lies there decides, at each connection:

- an index: somebody may be writing; the file is read with SQLite's locks;
- a log without an index (copied away, a machine that went down): the log is part of the store. SQLite builds its
  index in memory where nobody else can be at work (wal.html, section 8: exclusive locking needs no shared memory),
  and the file system without locks lets it be so on a file that cannot be locked;
- neither: the file is the whole store (`immutable`; nothing is left beside it that its owner could not open again).
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from liangxin.errors import StoreError

_BUSY_SECONDS = 30.0


def only_read(place: Path) -> bool:
    """Whether the file is there and neither it nor what SQLite puts beside it may be written.

    Raises:
        StoreError: it may not even be read.
    """
    if not place.is_file():
        return False
    if not os.access(place, os.R_OK):
        raise StoreError(f"the store {place} may not be read by this user")
    return not (os.access(place, os.W_OK) and os.access(place.resolve().parent, os.W_OK))


class UnwritableFile:
    """A store's file that is only read."""

    def __init__(self, place: Path) -> None:
        self._place = place.resolve()

    def connect(self) -> sqlite3.Connection:
        """A connection that reads everything that was committed."""
        if self._shared or self._size("-journal"):
            return self._opened("mode=ro")
        if not self._size("-wal"):
            return self._opened("mode=ro&immutable=1")
        connection = self._opened("mode=ro&vfs=unix-none")
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        return connection

    def stamp(self) -> tuple[int, int] | None:
        """What changes when somebody writes the file while it is read without locks; None while locks are used."""
        if self._shared:
            return None
        return self.written()

    def written(self) -> tuple[int, int]:
        """When the file was last written, and its size."""
        found = self._place.stat()
        return found.st_mtime_ns, found.st_size

    @property
    def _shared(self) -> bool:
        return self._beside("-shm").exists()

    def _beside(self, ending: str) -> Path:
        return self._place.with_name(self._place.name + ending)

    def _size(self, ending: str) -> int:
        beside = self._beside(ending)
        return beside.stat().st_size if beside.exists() else 0

    def _opened(self, how: str) -> sqlite3.Connection:
        address = f"file:{quote(str(self._place))}?{how}"
        return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
