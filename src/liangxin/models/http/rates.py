"""Limits by time: so many requests or tokens a minute, as the user or the endpoint itself says."""

from __future__ import annotations

LATE_SECONDS = 0.1
"""What may be made up for where a turn came late: a timer is never quite in time."""


class Rate:
    """So much a minute, spread evenly: the generic cell rate algorithm (ITU-T I.371), with a bound of `LATE_SECONDS`."""

    def __init__(self, per_minute: float) -> None:
        self._seconds = 60.0 / per_minute
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next may go; 0 or less: it may go now."""
        return self._next - now

    def take(self, amount: float, now: float) -> None:
        """Count so much; less than nothing gives back what was counted too much."""
        self._next = max(self._next, now - LATE_SECONDS) + amount * self._seconds


class Remaining:
    """What the endpoint said is left of a limit until it gives anew."""

    def __init__(self) -> None:
        self._left = 0.0
        self._until = 0.0

    def told(self, left: float, until: float) -> None:
        """The endpoint said so."""
        self._left, self._until = left, until

    def wait(self, amount: float, now: float) -> float:
        """Seconds until so much may go; 0: it may go now."""
        return max(0.0, self._until - now) if self._left < amount else 0.0

    def take(self, amount: float) -> None:
        """Count so much."""
        self._left -= amount

    def known(self, now: float) -> bool:
        """Whether what was said still holds."""
        return now < self._until
