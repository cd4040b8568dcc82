"""When a head should hold its tongue: split conformal risk control.

Angelopoulos, Bates, Fisch, Lei, Schuster 2022 (arXiv:2208.02814), theorem 1: for a loss in [0, 1] that does not
grow with the threshold, the least threshold t with  n/(n+1) · R(t) + 1/(n+1) ≤ α  keeps the expected loss of a new,
exchangeable answer at α or below. Here the loss is 1 where the head rules (its likeliest level has probability t or
more) and is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from liangxin.errors import DataError
from liangxin.judges.scoring.files import LEAST_FOR_ABSTAINING, Abstain


def abstain_threshold(confidences: Sequence[float], wrong: Sequence[bool], risk: float) -> Abstain:
    """The threshold that keeps the share of answers ruled on and wrong at `risk`, on average.

    Args:
        confidences: of each calibration answer, the probability of its likeliest level.
        wrong: whether that level is not its label.
        risk: α, between 0 and 1.

    Raises:
        DataError: fewer than 200 calibration labels.
    """
    n = len(confidences)
    if n < LEAST_FOR_ABSTAINING:
        raise DataError(
            f"abstaining needs {LEAST_FOR_ABSTAINING} calibration labels of a head at least; there are {n}. "
            "Label more, or train without --abstain"
        )
    allowed = risk * (n + 1) - 1
    errors = sorted((c for c, bad in zip(confidences, wrong, strict=True) if bad), reverse=True)
    # Below 1 - 1/(n+1) even no error is too many: the head must always abstain.
    threshold = 1.1 if allowed < 0 else 0.0
    if 0 <= allowed < len(errors):
        # One step above the first error that would be one too many, so that it and its equals are left out.
        threshold = math.nextafter(errors[math.floor(allowed)], 2.0)
    return Abstain(risk=risk, threshold=threshold, labels=n)
