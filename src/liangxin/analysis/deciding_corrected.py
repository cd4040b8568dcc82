"""A decision with the judge's error in it: on a corrected value, or by the judge band."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from liangxin.correction.band import JudgeBand
from liangxin.correction.corrected import Corrected
from liangxin.errors import JudgeError
from liangxin.inference.binomial import items_to_decide
from liangxin.inference.claims import Claim, Decision

CANNOT_SAY = "cannot say"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithError:
    """What is decided with the judge's error in the bounds."""

    decision: Decision
    further_labels: int | None
    notes: tuple[str, ...]
    basis: Mapping[str, object] | None = None
    """What the judge band rests on; None where a corrected value decides."""


def decide_corrected(
    found: Corrected | None, claim: Claim, span: tuple[float, float], units: int
) -> WithError:
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
        return WithError(decision=unknown, further_labels=None, notes=notes)
    value, low, high = ((one - span[0]) / (span[1] - span[0]) for one in (found.value, found.low, found.high))
    verdict = claim.verdict(low, high)
    return WithError(
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


BAND = "judge band"
_WHY = {
    "not measured": "不能判断：评审的误差没有测过 the judge's error is not measured",
    "unlike every source": "不能判断：这些回答不像任何一个量过误差的集合 these answers are unlike every set that the error was measured on",
}
_LABEL = (
    "让人标注一部分，或按评审原样判定 let people label a part of the run (`liangxin sample RUN --for-labels N`, then "
    "`liangxin judge RUN --judge labels:FILE`), or decide as if the judge never erred (--judge-trusted)"
)


def decide_banded(
    band: JudgeBand, value: float, claim: Claim, span: tuple[float, float], units: int
) -> WithError:
    """Decide by the ends of a judge band; where there is none, nothing can be claimed.

    Args:
        band: its limits at the claim's confidence.
        value: the judge's own, as a share of the range.
        span: the measure's range.
        units: how many units the judge ruled on.
    """
    low, high = 0.0, 1.0
    notes: tuple[str, ...] = ()
    if band.low is not None and band.high is not None:
        low, high = ((end - span[0]) / (span[1] - span[0]) for end in (band.low, band.high))
    else:
        notes = (f"{_WHY[band.why or 'not measured']}: {_LABEL}",)
    made = Decision(verdict=claim.verdict(low, high), value=value, low=low, high=high, n=units, method=BAND)
    # Where the truth may lie on either side, what people would find is not known: the middle is taken.
    middle = value if band.why else (low + high) / 2
    return WithError(
        decision=made,
        further_labels=items_to_decide(middle, claim) if made.verdict == "undecided" else None,
        notes=notes,
        basis=band.basis(),
    )


def any_time(value: float, claim: Claim, units: int) -> WithError:
    """The judge band is for one planned look: with bounds for any number of looks nothing can be claimed."""
    made = Decision(verdict="undecided", value=value, low=0.0, high=1.0, n=units, method=BAND)
    note = "the judge's error has bounds for one planned look only: leave --sequential out, or add --judge-trusted"
    return WithError(decision=made, further_labels=items_to_decide(value, claim), notes=(note,))


def _further(value: float, limit: float, bound: float, labels: int) -> int | None:
    """Labels that would bring the limit to the bound, its distance shrinking with the root of their number."""
    if value == bound or not labels:
        return None
    needed = math.ceil(labels * ((value - limit) / (value - bound)) ** 2)
    return max(1, needed - labels)
