"""Decisions on one binary rate at a planned n, by exact one-sided bounds.

A rate *meets* "at least P" where its exact lower bound is at least P, and *fails* where its exact upper bound
is below P; each decision is wrong with probability at most 1 - confidence, at every true rate and n (Clopper
and Pearson 1934). Valid for one look at an n planned beforehand: see `sequential` for looking again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from liangxin.inference.claims import Claim, Decision, decide_counts, further


def lower_bound(
    successes: NDArray[np.int64] | int, n: NDArray[np.int64] | int, confidence: float = 0.95
) -> NDArray[np.float64]:
    """The exact one-sided lower bound: the rate at which so many successes or more have chance 1 - confidence."""
    from scipy.special import betaincinv

    s, total = np.asarray(successes, np.float64), np.asarray(n, np.float64)
    found = betaincinv(np.maximum(s, 1), total - s + 1, 1 - confidence)
    return np.asarray(np.where(s == 0, 0.0, found))


def upper_bound(
    successes: NDArray[np.int64] | int, n: NDArray[np.int64] | int, confidence: float = 0.95
) -> NDArray[np.float64]:
    """The exact one-sided upper bound."""
    s, total = np.asarray(successes, np.int64), np.asarray(n, np.int64)
    return np.asarray(1 - lower_bound(total - s, total, confidence))


def decide_rate(successes: int, n: int, claim: Claim) -> Decision:
    """Whether a rate meets a claim.

    Raises:
        ValueError: there are no items, or more successes than items.
    """
    bounds, method = (lower_bound, upper_bound), "clopper-pearson one-sided"
    return decide_counts(successes, n, claim, bounds, method, lambda: further_items(successes, n, claim))


def least_successes(n: int, at_least: float, confidence: float = 0.95) -> int | None:
    """The fewest successes among n that meet a bound; None where not even all do.

    916 of 1,000 is the least that meets 90 % at 95 % confidence.
    """
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        if float(lower_bound(middle, n, confidence)) >= at_least:
            high = middle
        else:
            low = middle + 1
    return low if low <= n else None


def further_items(successes: int, n: int, claim: Claim) -> int | None:
    """The fewest further items that would decide if the successes stayed at the observed rate.

    Successes among n + m are the observed rate's, rounded to the less decisive side. None where the rate is
    the bound itself or more than `claims.MOST_FURTHER` would be needed.
    """
    share = successes / n
    return None if share == claim.bound else further(_decided(share, claim), n)


def items_to_decide(share: float, claim: Claim) -> int | None:
    """The fewest items that would decide if the successes among them were at a rate, as `further_items`."""
    more = None if share == claim.bound else further(_decided(share, claim), 1)
    return None if more is None else 1 + more


def _decided(share: float, claim: Claim) -> Callable[[NDArray[np.int64]], NDArray[np.bool_]]:
    """For each number of items whether it decides, their successes at a rate rounded to the less decisive side."""

    def decided(total: NDArray[np.int64]) -> NDArray[np.bool_]:
        expected = total * share
        if share > claim.bound:
            low = lower_bound(np.floor(expected + 1e-9).astype(np.int64), total, claim.confidence)
            return np.asarray(low >= claim.bound if claim.direction == "at_least" else low > claim.bound)
        high = upper_bound(np.ceil(expected - 1e-9).astype(np.int64), total, claim.confidence)
        return np.asarray(high <= claim.bound if claim.direction == "at_most" else high < claim.bound)

    return decided
