"""A corrected number with everything that belongs to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

TOO_WEAK = "judge too weak to correct"
LEAST_STRENGTH = 0.2
"""Se + Sp - 1 (or its like for several levels) must lie above this with its lower limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A value corrected for the judge's error, or why there is none. A warning is part of the value."""

    value: float | None
    """In the unit of the raw score; None where it cannot be said."""
    low: float | None
    high: float | None
    method: str
    """`rogan-gladen`, `simplex`, `stratified` or `ppi++`; empty without a value."""
    n_calibration: int
    """How many answers with a person's label it rests on."""
    warning: str = ""
    """Why the value may be off: the calibration is used outside its scope. Empty inside it."""
    reason: str = ""
    """Why there is no value."""

    def fields(self) -> dict[str, object]:
        """As a JSON object, for a score's `corrected`."""
        return asdict(self)


def cannot_say(reason: str, n_calibration: int = 0, warning: str = "") -> Corrected:
    """A stated *cannot say*."""
    return Corrected(
        value=None,
        low=None,
        high=None,
        method="",
        n_calibration=n_calibration,
        warning=warning,
        reason=reason,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedPart:
    """An estimate with its limits, to be combined with independent ones."""

    value: float
    low: float
    high: float
    n: int
    """Labelled answers that it rests on."""
