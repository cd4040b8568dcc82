"""Which encoding a text file is in, told from all of its bytes; a damaged file is no file of another encoding.

UTF-8, GB18030 and UTF-16 are accepted. Nearly any bytes decode as GB18030, a UTF-8 text with one damaged byte often
too: it is taken for GB18030 only where little of it is UTF-8.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple, cast

from liangxin.errors import DataError
from liangxin.files.opening import opened

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ORDINARY = re.compile("[\t\r\n\x20-\x7e\u2010-\u2027\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_LOOKED_AT = 1 << 16
_OTHER_KINDS = ((b"PK\x03\x04", "a zip or a workbook"), (b"\xd0\xcf\x11\xe0", "an old workbook (.xls)"))


class _Damage(NamedTuple):
    """The first bytes that an encoding cannot read."""

    at: int
    """From 0."""
    line: int
    """From 1."""


@contextmanager
def text_of(path: str, *, newline: str) -> Iterator[io.TextIOWrapper]:
    """A file as text, line ends as `open` treats them with `newline`.

    Raises:
        DataError: it cannot be opened, or is damaged, or in none of the accepted encodings.
    """
    encoding = _encoding(path)
    with opened(path) as stream:
        wrapper = io.TextIOWrapper(cast("Any", stream), encoding=encoding, newline=newline)
        try:
            yield wrapper
        finally:
            wrapper.detach()


def _encoding(path: str) -> str:
    with opened(path) as stream:
        head = stream.read(_LOOKED_AT)
    for mark, name in _MARKS:
        if head.startswith(mark):
            if (damage := _damage(path, name)) is not None:
                raise _damaged(path, damage, name.removesuffix("-sig").upper())
            return name
    for mark, kind in _OTHER_KINDS:
        if head.startswith(mark):
            raise DataError(
                f"{path}: is {kind}, not text; give it the ending that it has, or save it as text"
            )
    damage = _damage(path, "utf-8")
    # Text has no NUL; in UTF-16 every ASCII character has one.
    if head.count(0) * 5 >= len(head) or (damage is not None and 0 in head):
        for name in ("utf-16-le", "utf-16-be"):
            if _reads_well(head, name) and _damage(path, name) is None:
                return name
    if damage is None:
        return "utf-8"
    if _mostly_utf8(path):
        raise _damaged(path, damage, "UTF-8")
    if _damage(path, "gb18030") is None:
        return "gb18030"
    raise DataError(
        f"{path}: the text is neither UTF-8 nor GB18030 (not UTF-8 at byte {damage.at}, line {damage.line}); "
        "save it as UTF-8"
    )


def _damaged(path: str, damage: _Damage, encoding: str) -> DataError:
    return DataError(
        f"{path}: damaged at byte {damage.at} (counted from 0; line {damage.line}): not {encoding}, though the rest is; "
        "nothing of it was read; fetch the file again, or mend the line and save it as UTF-8"
    )


def _damage(path: str, encoding: str) -> _Damage | None:
    """Where the file is not in that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    before = lines = 0
    with opened(path) as stream:
        while True:
            chunk = stream.read(_CHUNK)
            pending = decoder.getstate()[0]
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                inside = max(0, error.start - len(pending))
                return _Damage(before - len(pending) + error.start, 1 + lines + chunk.count(b"\n", 0, inside))
            if not chunk:
                return None
            before += len(chunk)
            lines += chunk.count(b"\n")


def _reads_well(head: bytes, encoding: str) -> bool:
    """Whether nearly all of it is ordinary Chinese and ASCII in that encoding."""
    text = head[: len(head) // 2 * 2].decode(encoding, "replace")
    return bool(text) and len(_ORDINARY.findall(text)) >= 0.95 * len(text)


def _mostly_utf8(path: str) -> bool:
    """Whether a file that is no UTF-8 holds lines of Chinese that are, or more UTF-8 characters than other bytes.

    Of GB18030 text about one character in seventy looks like a three-byte character of UTF-8, by chance and out
    of step; a whole line of four or more does not.
    """
    with opened(path) as stream:
        good = bad = 0
        for line in _lines(stream):
            if line.isascii():
                continue
            text = line.decode("utf-8", "replace")
            wrong = text.count("\ufffd")
            wide = sum(one >= "\u0800" for one in text) - wrong
            if not wrong and wide >= 4:
                return True
            good, bad = good + wide, bad + wrong
        return good >= bad


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(_CHUNK):
        yield line
