"""A decision on a value that was corrected for the judge's error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from liangxin.correction.corrected import Corrected
from liangxin.errors import JudgeError
from liangxin.inference.claims import Claim, Decision

CANNOT_SAY = "cannot say"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedDecision:
    """What a corrected value decides."""

    decision: Decision
    further_labels: int | None
    notes: tuple[str, ...]


def decide_corrected(
    found: Corrected | None, claim: Claim, span: tuple[float, float], units: int
) -> CorrectedDecision:
    """Decide by the limits of a corrected value, each taken as a one-sided bound.

    Args:
        found: its limits at the two-sided confidence 2c - 1, so that each holds with c by itself.
        span: the measure's range.
        units: how many units the judge ruled on.

    Raises:
        JudgeError: nothing is known of the judge's error.
    """
    if found is None:
        raise JudgeError(
            "nothing is known of this judge's error here: let people label a part of the run (`liangxin sample`), or "
            "measure the judge on other answers (`liangxin validate`)"
        )
    notes = tuple(note for note in (found.reason, found.warning) if note)
    if found.value is None or found.low is None or found.high is None:
        unknown = Decision(
            verdict="undecided",
            value=0.0,
            low=0.0,
            high=1.0,
            n=units + found.n_calibration,
            method=CANNOT_SAY,
        )
        return CorrectedDecision(decision=unknown, further_labels=None, notes=notes)
    value, low, high = ((one - span[0]) / (span[1] - span[0]) for one in (found.value, found.low, found.high))
    verdict = claim.verdict(low, high)
    return CorrectedDecision(
        decision=Decision(
            verdict=verdict,
            value=value,
            low=low,
            high=high,
            n=units + found.n_calibration,
            method=found.method,
        ),
        further_labels=_further(value, low if value > claim.bound else high, claim.bound, found.n_calibration)
        if verdict == "undecided"
        else None,
        notes=notes,
    )


def _further(value: float, limit: float, bound: float, labels: int) -> int | None:
    """Labels that would bring the limit to the bound, its distance shrinking with the root of their number."""
    if value == bound or not labels:
        return None
    needed = math.ceil(labels * ((value - limit) / (value - bound)) ** 2)
    return max(1, needed - labels)
