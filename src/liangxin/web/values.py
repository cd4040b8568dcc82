"""What may stand in an address or a form: whole numbers that a database can hold, texts that it can store."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Request
from pydantic import BeforeValidator

from liangxin.errors import PeopleError

MOST_KEY = 2**31 - 1
"""The highest key of a row, and the highest number of anything that is counted."""
_MOST_PAGE = 1_000_000
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_UNFIT = re.compile(r"[\x00\ud800-\udfff]")


def whole_number(text: str, low: int, high: int) -> int | None:
    """The whole number that a text is, in ASCII digits, from `low` to `high`; None for anything else.

    `int` alone would also take ٣ and 1_0, and more digits than a database has bits for.
    """
    found = text.strip(" ")
    number = int(found) if _WHOLE.fullmatch(found) else None
    return number if number is not None and low <= number <= high else None


def storable(text: str) -> bool:
    """Whether a database takes a text: neither NUL nor half a surrogate pair is in it."""
    return _UNFIT.search(text) is None


def readable(path: str, query: bytes) -> tuple[bool, bool]:
    """Whether an address's path, and whether its query, is text that can be stored."""
    from urllib.parse import unquote_to_bytes

    try:
        fit = storable(unquote_to_bytes(query).decode())
    except UnicodeDecodeError:
        fit = False
    # What is no UTF-8 in a path comes here replaced; no page is called so.
    return storable(path) and "\ufffd" not in path, fit


def _parameter(given: object) -> object:
    if not isinstance(given, str):
        return given  # the default of a parameter that was left out
    number = whole_number(given, 0, MOST_KEY)
    if number is None:
        raise ValueError("not a whole number")
    return number


WholeNumber = Annotated[int, BeforeValidator(_parameter)]
"""A whole number in an address: in its path (anything else is no page), or in its query (anything else is refused)."""


def page_number(request: Request, name: str = "page") -> int:
    """Which page of a list an address asks for, from 1.

    Raises:
        PeopleError: no whole number from 1.
    """
    number = whole_number(request.query_params.get(name) or "1", 1, _MOST_PAGE)
    if number is None:
        raise PeopleError("页码应是从 1 起的整数。", "The page's number should be a whole number from 1.")
    return number
