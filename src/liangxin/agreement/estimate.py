"""One number about agreement: with its interval and n, or with the reason why nothing can be said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LEAST_ROWS = 10
"""With fewer rows no coefficient is given: the confusion table says all there is."""


class CannotSay(StrEnum):
    """Why there is no number."""

    NO_ROWS = "no rows"
    TOO_FEW = "fewer than 10 rows"
    ONE_CLASS = "one class only"
    """The gold labels are all safe or all unsafe (for kappa: all of one level)."""
    NOTHING_UNSAFE = "nothing judged unsafe"
    """Precision of unsafe has no denominator."""
    NO_VARIATION = "no variation"
    """All labels are of one level: a coefficient corrected for chance is 0/0."""
    TWO_LEVELS = "a scale of two levels"
    """Within one level: every pair is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A share in [0, 1] or a coefficient of at most 1."""

    name: str
    value: float | None
    """None where `cannot_say` gives the reason."""
    low: float | None
    high: float | None
    n: int
    """Its denominator: the rows that it is a share of, or all rows."""
    method: str
    """How the interval was made; empty without one."""
    cannot_say: CannotSay | None = None

    @classmethod
    def without(cls, name: str, n: int, why: CannotSay) -> Estimate:
        """No number, for that reason."""
        return cls(name=name, value=None, low=None, high=None, n=n, method="", cannot_say=why)
