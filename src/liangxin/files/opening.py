"""A file's bytes as they are meant: unpacked where it is a gzip file, or a zip that holds one data file."""

from __future__ import annotations

import gzip
import hashlib
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, cast

from liangxin.errors import DataError
from liangxin.files.shown import show

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

_DATA = (".jsonl", ".json", ".csv", ".tsv", ".xlsx", ".xlsm", ".parquet", ".txt")
_UNPACKED = 4 << 30
"""The most bytes that a packed workbook, or a file of a zip, may unpack to."""


def file_digest(path: str) -> str:
    """The sha256 (64 hex digits) of the file's bytes as they are on disk.

    Raises:
        DataError: no such file, a directory, not readable.
    """
    with opened(path, raw=True) as stream:
        return hashlib.file_digest(cast("Any", stream), "sha256").hexdigest()


def content_name(path: str) -> str:
    """The name that tells the format: the path, or for a zip the path and the name of the one file in it.

    Raises:
        DataError: the zip is damaged, or does not hold exactly one data file.
    """
    if not path.lower().endswith(".zip"):
        return path
    with opened(path, raw=True) as stream, _zip(path, stream) as packed:
        return f"{path}/{_only(path, packed).filename}"


def format_of(name: str) -> str:
    """The ending that tells the format, without a `.gz` behind it: `.csv`, `.xlsx`, …; in lower case."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


@contextmanager
def opened(path: str, *, raw: bool = False) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked unless `raw`; system errors become one sentence.

    Raises:
        DataError: it is missing, a directory, not readable, or what packs it is damaged.
    """
    place = Path(path)
    try:
        if place.is_dir():
            raise DataError(f"{path}: is a directory; expected a file")
        with place.open("rb") as stream:
            if raw:
                yield stream
            elif path.lower().endswith(".zip"):
                with (
                    _zip(path, stream) as packed,
                    packed.open(_only(path, packed)) as inner,
                    _ungzipped(inner) as unpacked,
                ):
                    yield unpacked
            else:
                with _ungzipped(stream) as unpacked:
                    yield unpacked
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: the gzip data is damaged ({error}); fetch the file again") from None
    except PermissionError:
        raise DataError(f"{path}: not readable (permission denied)") from None


@contextmanager
def seekable(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """The same bytes where one may jump about: what comes out of a packed file goes to a temporary one."""
    if isinstance(getattr(stream, "raw", None), io.FileIO):
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        left = _UNPACKED
        while piece := stream.read(1 << 20):
            left -= len(piece)
            if left < 0:
                raise DataError(f"the file unpacks to more than {_UNPACKED >> 30} GB; it was not read")
            copy.write(piece)
        copy.seek(0)
        yield copy


@contextmanager
def _ungzipped(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    if not packed:
        yield stream
        return
    with gzip.GzipFile(fileobj=stream) as unpacked:
        yield cast("IO[bytes]", unpacked)


@contextmanager
def _zip(path: str, stream: IO[bytes]) -> Iterator[ZipFile]:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(stream) as packed:
            yield packed
    except (BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        raise DataError(
            f"{path}: the zip cannot be unpacked ({show(str(error), width=80)}); pack the file again"
        ) from None


def _only(path: str, packed: ZipFile) -> ZipInfo:
    """The one file of a zip; what macOS adds and files whose names begin with a dot do not count."""
    files = [one for one in packed.infolist() if not one.is_dir() and not _aside(one.filename)]
    names = ", ".join(show(one.filename, width=60) for one in files[:5]) or "nothing"
    if len(files) != 1:
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        raise DataError(f"{path}: the zip holds {names}{more}; expected exactly one data file")
    if format_of(files[0].filename) not in _DATA:
        raise DataError(f"{path}: the zip holds {names}; expected a file ending in {', '.join(_DATA)}")
    if files[0].file_size > _UNPACKED:
        raise DataError(f"{path}: {names} unpacks to more than {_UNPACKED >> 30} GB; it was not read")
    return files[0]


def _aside(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("."))
