"""JSON as RFC 8259 means it: no constants of JavaScript, and every key of an object once."""

from __future__ import annotations

import json
from typing import Any, cast

from liangxin.files.shown import show
from liangxin.zh import clean_text


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        # Which of the two is meant nobody knows; a parser that takes the last loses the first in silence.
        raise ValueError(f"the key {show(twice)} twice in one object")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse)
"""The one decoder of users' files."""


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, or an object has a key twice; the message is short and safe to show.
        RecursionError: it is nested too deeply.
    """
    return DECODER.decode(text)


def why_not(error: ValueError | RecursionError) -> str:
    """Why a text is no JSON, for a message."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)[:90]


def writable(value: object) -> object:
    """The same JSON value with unpaired surrogates and NUL replaced, in keys and strings."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [writable(one) for one in value]
    if isinstance(value, dict):
        return {writable(key): writable(one) for key, one in cast("dict[object, object]", value).items()}
    return value
