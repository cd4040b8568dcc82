"""Fields that a user adds to a model's requests: read from words, and refused where another option or the protocol owns them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from liangxin.errors import UsageError

_LIMIT = "--max-tokens"
OWNED: Mapping[str, str] = {
    "model": "--model",
    "messages": "",
    "prompt": "",
    "input": "",
    "n": "--trials",
    "stream": "--stream",
    "stream_options": "--stream",
    "stop": "",
    "system": "--system",
    "temperature": "--temperature",
    "seed": "--seed",
    "max_tokens": _LIMIT,
    "max_completion_tokens": _LIMIT,
    "max_output_tokens": _LIMIT,
}
"""Fields that are not the user's to give, and the option that says the same where there is one."""

_SECRET = re.compile(r"(?i)api[_-]?key|secret|passw|authorization|access[_-]?token|credential")
_WORD = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)


def read_fields(words: Sequence[str], option: str = "--body") -> dict[str, object]:
    """The fields that `KEY=VALUE` words name; a value is JSON, and a bare word is a text.

    Args:
        option: its flag, for messages.

    Raises:
        UsageError: a word is none, a value is no JSON, a key is given twice or is not the user's to give.
    """
    found: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{option}: found {word!r}, expected KEY=VALUE, such as enable_thinking=false")
        if name in found:
            raise UsageError(f"{option}: {name} is given twice")
        found[name] = _value(name, value, option)
    return checked_fields(found, option)


def checked_fields(fields: Mapping[str, object], option: str = "--body") -> dict[str, object]:
    """The fields, none of which is another's and all of which JSON can hold.

    Raises:
        UsageError: as `read_fields`.
    """
    for name, value in fields.items():
        if not name or not name.isprintable() or name != name.strip():
            raise UsageError(f"{option}: found the key {name!r}, expected a field's name")
        if name in OWNED:
            instead = f"; use {OWNED[name]}" if OWNED[name] else ""
            raise UsageError(f"{option}: {name} is written by Liangxin itself{instead}")
        if _SECRET.search(name):
            raise UsageError(
                f"{option}: {name} looks like a credential, and fields are stored with the run; keys go into an "
                "environment variable (--api-key-env)"
            )
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise UsageError(f"{option}: {name}: found {value!r}, expected what JSON can hold") from None
    return dict(fields)


def checked_marks(marks: Sequence[str] | None, option: str = "--reasoning-marks") -> tuple[str, str] | None:
    """An opening and a closing mark.

    Raises:
        UsageError: there are not two, one is blank, or both are the same.
    """
    if marks is None:
        return None
    if len(marks) != 2 or not all(one.strip() for one in marks):
        raise UsageError(
            f"{option}: found {marks!r}, expected an opening and a closing mark, such as <r> </r>"
        )
    opening, closing = (one.strip() for one in marks)
    if opening.lower() == closing.lower():
        raise UsageError(f"{option}: the opening and the closing mark are the same, {opening!r}")
    return opening, closing


def _value(name: str, value: str, option: str) -> object:
    if _WORD.fullmatch(value) and value not in ("true", "false", "null", "NaN", "Infinity"):
        return value
    try:
        return json.loads(value, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise UsageError(
            f'{option}: {name}: found {value!r}, expected JSON: false, 3, "a text", [1, 2], {{"a": 1}}'
        ) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
