"""What an endpoint says is left: its headers of limits, whatever provider's words they are in.

OpenAI, Azure, Groq and gateways like theirs send `x-ratelimit-remaining-requests` and `…-reset-requests`, and the same
of tokens, with durations as `1s`, `6m0s`, `12ms` (platform.openai.com/docs/guides/rate-limits,
console.groq.com/docs/rate-limits); Anthropic `anthropic-ratelimit-requests-remaining` and `…-reset`, with times by
RFC 3339 (platform.claude.com/docs/en/api/rate-limits). How large a limit is, they say too, but not of which time: Groq's
requests are a day's. So only what is left, and until when, is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS = (3600.0, 60.0, 1.0, 0.001)


class Left(NamedTuple):
    """What is left of one limit, and for how long that has to last."""

    amount: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What an answer says of its endpoint's limits; None where it says nothing."""

    requests: Left | None = None
    tokens: Left | None = None


def allowance(headers: Mapping[str, str]) -> Allowance | None:
    """What an answer's headers say is left; None where they say nothing."""
    if "X-RateLimit-Remaining-Requests" in headers or "X-RateLimit-Remaining-Tokens" in headers:
        names = "X-RateLimit-{word}-{of}"
    elif "Anthropic-RateLimit-Requests-Remaining" in headers:
        names = "Anthropic-RateLimit-{of}-{word}"
    else:
        return None
    return Allowance(requests=_left(headers, names, "Requests"), tokens=_left(headers, names, "Tokens"))


def _left(headers: Mapping[str, str], names: str, of: str) -> Left | None:
    count, until = (headers.get(names.format(word=word, of=of), "") for word in ("Remaining", "Reset"))
    seconds = _seconds(until.strip())
    if seconds is None or not re.fullmatch(r"\d{1,15}", count.strip()):
        return None
    return Left(float(count), seconds)


def _seconds(value: str) -> float | None:
    """Seconds from now until a duration has passed or a time has come; None where it is neither."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return float(value)
    found = _DURATION.fullmatch(value)
    if found is not None and value:
        return sum(float(part) * unit for part, unit in zip(found.groups(), _UNITS, strict=True) if part)
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return max(0.0, (time.replace(tzinfo=time.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
