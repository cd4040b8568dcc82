"""Decisions on a binary rate that hold however often one looks.

Against "the rate is at most p" the likelihood ratio of q over p, averaged over rates q > p by a Beta(1, 1)
prior cut off there, has expectation at most 1 at every n and under every rate up to p; by Ville's inequality
the chance that it ever reaches 1/α is at most α. The rates that it has not excluded are an any-time-valid
one-sided confidence sequence (Robbins 1970, *Statistical methods related to the law of the iterated
logarithm*; the beta-binomial mixture of Howard, Ramdas, McAuliffe and Sekhon 2021, here one-sided). For means
of bounded values see `means`, with `planned=False`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liangxin.inference.claims import Claim, Counts, Decision, decide_counts, further

Array = NDArray[np.float64]
_STEPS = 60


def evidence(successes: Counts | int, n: Counts | int, p: Array | float) -> Array:
    """Log of the mixture likelihood ratio against "the rate is at most p"; below ln(1/α) p is not excluded."""
    from scipy.special import betainc, betaln

    s, total, at = np.asarray(successes, np.float64), np.asarray(n, np.float64), np.asarray(p, np.float64)
    a, b = s + 1, total - s + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        # Beta(1, 1) cut off at p has the constant density 1 / (1 - p) above p.
        above = np.log(betainc(b, a, 1 - at)) - np.log1p(-at)
        likelihood = np.where(s > 0, s * np.log(at), 0.0) + np.where(
            total > s, (total - s) * np.log1p(-at), 0.0
        )
        found = betaln(a, b) + above - likelihood
    found = np.where(at <= 0, np.where(s > 0, np.inf, 0.0), found)
    return np.asarray(np.where(at >= 1, 0.0, found))


def lower_sequence(successes: Counts | int, n: Counts | int, confidence: float = 0.95) -> Array:
    """The lower bound after so many items; the true rate is ever below one of them with chance 1 - confidence."""
    s, total = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(n, np.float64))
    low, high = np.zeros(s.shape), s / np.maximum(total, 1)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        excluded = evidence(s.astype(np.int64), total.astype(np.int64), middle) >= -np.log(1 - confidence)
        low, high = np.where(excluded, middle, low), np.where(excluded, high, middle)
    return np.asarray(low)


def upper_sequence(successes: Counts | int, n: Counts | int, confidence: float = 0.95) -> Array:
    """The upper bound after so many items."""
    failures = np.asarray(n, np.int64) - np.asarray(successes, np.int64)
    return np.asarray(1 - lower_sequence(failures, n, confidence))


def decide_rate_at_any_time(successes: int, n: int, claim: Claim) -> Decision:
    """Whether a rate meets a claim, at whatever number of items one looks, again and again.

    Raises:
        ValueError: there are no items, or more successes than items.
    """

    def decided(totals: Counts) -> NDArray[np.bool_]:
        seen, bound = (
            (successes, claim.bound) if successes / n > claim.bound else (n - successes, 1 - claim.bound)
        )
        expected = np.floor(totals * seen / n + 1e-9).astype(np.int64)
        return np.asarray(evidence(expected, totals, bound) >= -np.log(1 - claim.confidence))

    bounds, method = (lower_sequence, upper_sequence), "beta-binomial confidence sequence"
    return decide_counts(successes, n, claim, bounds, method, lambda: further(decided, n))
