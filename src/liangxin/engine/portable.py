"""One run as one portable file: a store of its own, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from liangxin.errors import LiangxinError, StoreError
from liangxin.store import Database, RunRecord, Runs, Transferred, copy_run

ENDING = ".db"


def pack(database: Database, run: RunRecord, output: str) -> int:
    """Write a run with all its replies, verdicts and evidence to one file; returns the rows written.

    Raises:
        LiangxinError: the file cannot be written; what stood there before stays.
    """
    place = Path(output)
    if place.is_dir():
        raise LiangxinError(f"{place} is a directory; give the path of a file")
    if database.is_sqlite and Path(database.shown).exists() and place.exists():
        same = place.samefile(database.shown)
        if same:
            raise LiangxinError(f"{place} is the store itself; give the path of another file")
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=ENDING)
        os.close(handle)
    except OSError as error:
        raise LiangxinError(f"{place} cannot be written: {error.strerror or error}") from None
    temporary = Path(name)
    try:
        target = Database(name)
        try:
            added = copy_run(database, run, target).added
            target.compact()
        finally:
            target.close()
        temporary.chmod(0o644)
        temporary.replace(place)
    except OSError as error:
        raise LiangxinError(f"{place} cannot be written: {error.strerror or error}") from None
    finally:
        for leftover in (temporary, Path(f"{name}-wal"), Path(f"{name}-shm")):
            leftover.unlink(missing_ok=True)
    return added


def unpack(file: str, database: Database) -> list[Transferred]:
    """Bring every run of a portable file into a store; what the store has already stays.

    Raises:
        StoreError: the file is absent, no store, or holds no run.
    """
    if not Path(file).is_file():
        raise StoreError(
            f"no file {file}: give the path of what `liangxin export RUN --output FILE.db` wrote"
        )
    try:
        source = Database(file, create=False)
    except StoreError as error:
        raise StoreError(f"{file} is no portable run: {error}") from None
    try:
        runs = Runs(source).all()
        if not runs:
            raise StoreError(f"{file} holds no run")
        return [copy_run(source, run, database) for run in reversed(runs)]
    finally:
        source.close()
