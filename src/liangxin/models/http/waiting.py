"""How long to wait before asking again: what the endpoint asks for, and our own patience."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait that an answer asks for, in seconds from now; None where it names none (RFC 9110, 10.2.3).

    Understands seconds, an HTTP date, and `retry-after-ms`, which Azure and OpenAI send.
    """
    milliseconds = _seconds(headers.get("Retry-After-Ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return max(0.0, seconds) if isfinite(seconds) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long to wait before asking again."""

    retries: int = 4
    """Attempts after the first."""
    base: float = 0.5
    """Seconds: the first wait is drawn from 0 to this, each later one from twice as much."""
    cap: float = 60.0
    """Seconds: no wait is drawn from more."""

    def draw(self, attempt: int, source: random.Random) -> float:
        """The wait after a failed attempt (counted from 1): exponential back-off with full jitter.

        Source: M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
        """
        return source.uniform(0.0, min(self.cap, self.base * 2.0 ** min(attempt - 1, 60)))
