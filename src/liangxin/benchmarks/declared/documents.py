"""Rows of a JSON document: an array of objects, or an object keyed by id or by category.

A row's number is the physical line on which it begins. An object's key is the row's `@key`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from liangxin.errors import DataError
from liangxin.files import read_rows, read_text, show, writable
from liangxin.files.json_text import DECODER
from liangxin.records import Row

KEY = "@key"
_BLANK = re.compile(r"[ \t\r\n]*")


def document_rows(path: str) -> Iterator[Row]:
    """Every row of a `.json` file; a file of JSON lines under that name is read as such.

    Raises:
        DataError: it is not readable, not JSON, or its rows are no objects.
    """
    text = read_text(path)
    start = _skip(text, 0)
    opening = text[start : start + 1]
    if opening not in ("[", "{") or (opening == "{" and _is_lines(text)):
        yield from read_rows(path)
        return
    walker = _Walker(path, text)
    found = False
    for row in walker.array(start, None) if opening == "[" else walker.entries(start):
        found = True
        yield row
    if _skip(text, walker.end) != len(text):
        raise walker.broken(walker.end, "text after the end of the document")
    if not found:
        raise DataError(f"{path}: the file is empty; expected at least one row")


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _is_lines(text: str) -> bool:
    """Whether the first line that is not blank is a whole object that holds texts, not rows."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and not (value and all(isinstance(v, dict | list) for v in value.values()))


class _Walker:
    """Walks a document's outer structure, so that every row knows its line."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text
        self._decoder = DECODER
        self._line, self._counted = 1, 0
        self.end = 0

    def array(self, at: int, key: str | None) -> Iterator[Row]:
        at = _skip(self._text, at + 1)
        if self._text[at : at + 1] == "]":
            self.end = at + 1
            return
        while True:
            value, after = self._value(at)
            yield self._row(at, value, key)
            at = _skip(self._text, after)
            sign = self._text[at : at + 1]
            if sign == "]":
                self.end = at + 1
                return
            if sign != ",":
                raise self.broken(at, "no comma between rows")
            at = _skip(self._text, at + 1)

    def entries(self, at: int) -> Iterator[Row]:
        seen: set[str] = set()
        at = _skip(self._text, at + 1)
        if self._text[at : at + 1] == "}":
            self.end = at + 1
            return
        while True:
            key, after = self._value(at)
            if not isinstance(key, str):
                raise self.broken(at, "a key that is no text")
            if key in seen:
                raise DataError.at(
                    self._path, self._number(at), "key", found=f"{show(key)} twice", expected="each key once"
                )
            seen.add(key)
            after = _skip(self._text, after)
            if self._text[after : after + 1] != ":":
                raise self.broken(after, "no colon after a key")
            place = _skip(self._text, after + 1)
            if self._text[place : place + 1] == "[":
                yield from self.array(place, key)
                after = self.end
            else:
                value, after = self._value(place)
                yield self._row(place, value, key)
            at = _skip(self._text, after)
            sign = self._text[at : at + 1]
            if sign == "}":
                self.end = at + 1
                return
            if sign != ",":
                raise self.broken(at, "no comma between entries")
            at = _skip(self._text, at + 1)

    def broken(self, at: int, why: str) -> DataError:
        return DataError.at(
            self._path,
            self._number(at),
            "line",
            found=f"invalid JSON ({why})",
            expected="an array or an object of rows",
        )

    def _value(self, at: int) -> tuple[object, int]:
        try:
            value, after = self._decoder.raw_decode(self._text, at)
        except RecursionError:
            raise self.broken(at, "nested too deeply") from None
        except json.JSONDecodeError as error:
            raise self.broken(min(error.pos, len(self._text)), error.msg) from None
        except ValueError as error:
            raise self.broken(at, str(error)[:90]) from None
        return value, after

    def _row(self, at: int, value: object, key: str | None) -> Row:
        number = self._number(at)
        if not isinstance(value, dict):
            raise DataError.at(self._path, number, "row", found=show(value), expected="an object")
        cells = {str(writable(name)): writable(cell) for name, cell in value.items()}
        return Row(
            file=self._path, number=number, values=cells if key is None else {**cells, KEY: writable(key)}
        )

    def _number(self, at: int) -> int:
        if at >= self._counted:
            self._line += self._text.count("\n", self._counted, at)
            self._counted = at
        return self._line
