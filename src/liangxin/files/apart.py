"""Reading what strangers hand in: in a process of its own, which ends when it takes too much time or memory.

A thread cannot be ended, and one that parses keeps the interpreter from everyone else's requests.
"""

from __future__ import annotations

import importlib
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

from liangxin.errors import DataError, LiangxinError
from liangxin.files.opening import format_of, opened, seekable
from liangxin.files.rows import WORKBOOKS, read_rows
from liangxin.files.workbook import Workbook
from liangxin.files.workbook_limits import OF_AN_UPLOAD
from liangxin.records import Row

SECONDS = 60.0
_MEMORY = 1 << 30
"""Bytes that the process may take."""
_BATCH = 256
_AT_ONCE = threading.BoundedSemaphore(2)
_COMMAND = ("-P", "-c", "from liangxin.files.apart import serve; serve()")


class SheetRow(NamedTuple):
    """A row of a sheet with its place."""

    sheet: str
    number: int
    """From 1."""
    values: dict[int, object]
    """By column, from 0; what `Workbook.rows` gives."""


class _Told(NamedTuple):
    """A sentence for the user."""

    sentence: str


class _Ended(NamedTuple):
    """Why the reading ended; None: all was read."""

    error: str | None


def rows_apart(path: str, *, seconds: float = SECONDS, told: list[str] | None = None) -> Iterator[Row]:
    """The rows of a stranger's file, as `read_rows` gives them, within the limits of an upload.

    Text is read here: a row of it costs what it is long, and a thread that reads gives way after every one.

    Args:
        seconds: how long it may take altogether.
        told: takes what the reader has to say of a file that is right.

    Raises:
        DataError: as `read_rows`, or it took too much time or memory.
    """
    if format_of(path) not in WORKBOOKS:
        return read_rows(path)
    return _apart("uploaded_rows", path, seconds, told)


def sheets_apart(path: str, names: tuple[str, ...], *, seconds: float = SECONDS) -> Iterator[SheetRow]:
    """The rows of the named sheets of a stranger's workbook; errors as `rows_apart`."""
    return _apart("uploaded_sheets", (path, names), seconds, None)


def uploaded_rows(path: str) -> Iterator[Row]:
    """What the process does for `rows_apart`."""
    return read_rows(path, limits=OF_AN_UPLOAD)


def uploaded_sheets(wanted: tuple[str, tuple[str, ...]]) -> Iterator[SheetRow]:
    """What the process does for `sheets_apart`."""
    path, names = wanted
    with opened(path) as packed, seekable(packed) as stream:
        book = Workbook(path, stream, OF_AN_UPLOAD)
        for sheet in book.worksheets:
            if sheet.name in names:
                for number, values in book.rows(sheet):
                    yield SheetRow(sheet.name, number, dict(values))


def serve() -> None:
    """The process: reads what is wanted from standard input and writes batches of it to standard output."""
    out = sys.stdout.buffer
    function, wanted = pickle.load(sys.stdin.buffer)
    _limit_memory()
    logging.getLogger("liangxin").addHandler(_Telling(out))
    try:
        for batch in _batches(getattr(importlib.import_module(__name__), function)(wanted)):
            pickle.dump(batch, out)
        pickle.dump(_Ended(None), out)
    except LiangxinError as error:
        pickle.dump(_Ended(str(error)), out)
    except MemoryError:
        pickle.dump(_Ended(f"the file takes more than {_MEMORY >> 20} MB to read; divide it"), out)
    out.flush()


def _apart(function: str, wanted: Any, seconds: float, told: list[str] | None) -> Iterator[Any]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    command = [sys.executable, *_COMMAND]
    with (
        _AT_ONCE,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()
        timer = threading.Timer(seconds, _end, (process, late))
        timer.start()
        try:
            pickle.dump((function, wanted), process.stdin)
            process.stdin.close()
            yield from _received(process.stdout, told)
        except (EOFError, pickle.UnpicklingError, BrokenPipeError):
            why = f"{seconds:g} seconds" if late.is_set() else f"{_MEMORY >> 20} MB of memory"
            raise DataError(f"the file takes more than {why} to read; divide it, or save it as csv") from None
        finally:
            timer.cancel()
            process.kill()


def _received(stream: IO[bytes], told: list[str] | None) -> Iterator[Any]:
    while True:
        match pickle.load(stream):
            case _Ended(None):
                return
            case _Ended(str(error)):
                raise DataError(error)
            case _Told(sentence):
                if told is not None:
                    told.append(sentence)
            case batch:
                yield from batch


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def _limit_memory() -> None:
    """Where the system can; elsewhere the limits of the reader and the time remain."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


class _Telling(logging.Handler):
    """Hands sentences on to who waits."""

    def __init__(self, out: IO[bytes]) -> None:
        super().__init__()
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        pickle.dump(_Told(record.getMessage()), self._out)
