"""Cells of csv that a spreadsheet would take for something else, kept from it by an apostrophe that reading takes away.

A formula does harm: after OWASP, CSV Injection (https://owasp.org/www-community/attacks/CSV_Injection), `=`, `+`, `-`,
`@`, tab, CR and LF at a cell's beginning, the full-width signs too. A text that looks like a number, a date or a truth
value (`007`, `1.10`, `2024-01-02`) comes back as another text once a spreadsheet has saved it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_TAKEN_OTHERWISE = re.compile(
    "'*(?:"
    "[\x00-\x1f=+\\-@＝＋－＠].*"
    "|[0-9.,:/%+\\-()$¥￥€ eE年月日时分秒]*[0-9][0-9.,:/%+\\-()$¥￥€ eE年月日时分秒]*"
    f"|(?:[0-9]{{1,4}}[ ,./-]+)?(?:{_MONTH})[a-z]*[ ,./-]*[0-9]{{1,4}}(?:[ ,./-]+[0-9]{{1,4}})?"
    f"|[0-9]{{1,2}}[ ./-]*(?:{_MONTH})[a-z]*"
    "|true|false"
    ")",
    re.DOTALL | re.IGNORECASE,
)
_NUMBER = re.compile(r"(?!-0$)-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{0,8}[1-9])?")
"""A number as every spreadsheet writes it again."""
_OURS = (
    {"dialogue"},
    {"response_sha256"},
    {"run", "item", "reply_status"},
    {"question", "positive", "negative"},
)


def quoted(text: str) -> str:
    """A csv cell that a table program shows and keeps as it is."""
    return f"'{text}" if taken_otherwise(text) else text


def unquoted(text: str) -> str:
    """The text that `quoted` was given."""
    return text[1:] if text.startswith("'") and _TAKEN_OTHERWISE.fullmatch(text) else text


def taken_otherwise(text: str) -> bool:
    """Whether a spreadsheet might take the text for something else, or our reader for a guarded one."""
    return _TAKEN_OTHERWISE.fullmatch(text) is not None and _NUMBER.fullmatch(text) is None


def guarded(columns: Collection[str]) -> bool:
    """Whether a csv of these columns is one that Liangxin wrote: labels, an exported run, choice items.

    Of any other an apostrophe is part of its text.
    """
    return any(ours.issubset(columns) for ours in _OURS)
