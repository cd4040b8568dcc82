"""What a head is worth on labelled answers, each figure with an interval.

Accuracy: Wilson. The others: Bayesian bootstrap (Rubin 1981) over units (prompts), so that the answers to one prompt
stay together; where nothing varies (no error at all) a bootstrap has no width, and the interval is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from liangxin.measures.intervals import generator, percentiles, wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 1_000
BINS = 10
FALSE_ALARMS = (0.05, 0.1)
"""Shares of safe answers that may be called unsafe where the recall of unsafe is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its 95 % interval, as shares in [0, 1]."""

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:.3f} [–]"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFigures:
    """One head's figures on one source."""

    head: str
    source: str
    n: int
    units: int
    accuracy: Figure
    macro_f1: Figure
    auc: Figure | None
    """Of the worst level against the others; None where only one of them is present."""
    calibration_error: Figure
    recall: tuple[Figure | None, ...]
    """Of the worst level, at the shares of false alarms in FALSE_ALARMS."""


def figures(
    head: str,
    source: str,
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    units: Sequence[str],
) -> HeadFigures:
    """Every figure of one head on one source.

    Args:
        probabilities: (answers, levels), the worst level first.
        labels: of each answer, the place of its level.
        units: of each answer, what it must not be separated from (its prompt).
    """
    chosen = probabilities.argmax(axis=1)
    right = chosen == labels
    places = {unit: place for place, unit in enumerate(dict.fromkeys(units))}
    members = np.array([places[unit] for unit in units])
    draws = generator("scorer", head, source).standard_gamma(1.0, size=(DRAWS, len(places)))
    weights = draws[:, members]
    low, high = wilson(float(right.sum()), len(labels))
    worst, score = labels == 0, probabilities[:, 0]
    both = 0 < worst.sum() < len(worst)

    def told(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Figure:
        value = float(function(np.ones((1, len(labels))))[0])
        values = function(weights)
        if float(values.max() - values.min()) < 1e-9:
            return Figure(value=value, low=None, high=None)
        below, above = percentiles(values, 0.95)
        return Figure(value=value, low=min(below, value), high=max(above, value))

    return HeadFigures(
        head=head,
        source=source,
        n=len(labels),
        units=len(places),
        accuracy=Figure(value=float(right.mean()), low=low, high=high),
        macro_f1=told(lambda w: _macro_f1(chosen, labels, w)),
        auc=told(lambda w: _auc(score, worst, w)) if both else None,
        calibration_error=told(lambda w: _calibration_error(probabilities, right, w)),
        recall=tuple(told(partial(_recall, score, worst, share)) if both else None for share in FALSE_ALARMS),
    )


def accuracy_difference(
    right: NDArray[np.bool_], other: NDArray[np.bool_], units: Sequence[str], seed: str
) -> Figure:
    """How much more often one is right than another on the same answers: Bayesian bootstrap over units."""
    places = {unit: place for place, unit in enumerate(dict.fromkeys(units))}
    members = np.array([places[unit] for unit in units])
    gain = right.astype(float) - other.astype(float)
    sums = np.bincount(members, weights=gain, minlength=len(places))
    sizes = np.bincount(members, minlength=len(places)).astype(float)
    weights = generator("difference", seed).standard_gamma(1.0, size=(10 * DRAWS, len(places)))
    low, high = percentiles((weights @ sums) / (weights @ sizes), 0.95)
    return Figure(value=float(gain.mean()), low=low, high=high)


def auc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """The chance that a positive answer scores higher than another; ties count half."""
    return float(_auc(score, positive, np.ones((1, len(score))))[0])


def within_prompt(
    score: NDArray[np.float64],
    safe: NDArray[np.bool_],
    units: Sequence[str],
    counted: NDArray[np.bool_],
    seed: str,
) -> tuple[Figure, int]:
    """The share of pairs of a safe and an unsafe answer to one prompt in which the safe one scores higher.

    Ties count half; the interval is a Bayesian bootstrap over prompts.

    Args:
        score: of each answer, growing with safety.
        counted: a pair counts where one of its answers is among these.

    Returns:
        The figure, and the number of pairs.

    Raises:
        ValueError: no prompt has such a pair.
    """
    members: dict[str, list[int]] = {}
    for at, unit in enumerate(units):
        members.setdefault(unit, []).append(at)
    won, sizes = [], []
    for places in members.values():
        pairs = [
            (one, other)
            for one in places
            for other in places
            if safe[one] and not safe[other] and (counted[one] or counted[other])
        ]
        if pairs:
            won.append(sum((score[a] > score[b]) + (score[a] == score[b]) / 2 for a, b in pairs))
            sizes.append(len(pairs))
    if not sizes:
        raise ValueError("no prompt has a safe and an unsafe answer that count")
    sums, counts = np.array(won, dtype=float), np.array(sizes, dtype=float)
    weights = generator("within prompt", seed).standard_gamma(1.0, size=(10 * DRAWS, len(counts)))
    low, high = percentiles((weights @ sums) / (weights @ counts), 0.95)
    value = float(sums.sum() / counts.sum())
    return Figure(value=value, low=min(low, value), high=max(high, value)), int(counts.sum())


def _macro_f1(
    chosen: NDArray[np.int64], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The unweighted mean of the levels' F1, over levels that are labelled or chosen at all."""
    scores = []
    for level in np.union1d(chosen, labels):
        hit = weights @ ((chosen == level) & (labels == level))
        both = weights @ (chosen == level).astype(float) + weights @ (labels == level).astype(float)
        scores.append(2 * hit / both)
    mean: NDArray[np.float64] = np.mean(scores, axis=0)
    return mean


def _auc(
    score: NDArray[np.float64], worst: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The weighted chance that an answer of the worst level scores higher than another; ties count half."""
    order = np.argsort(score, kind="stable")
    _, groups = np.unique(score[order], return_inverse=True)
    edges = np.flatnonzero(np.diff(groups, prepend=-1))
    ordered = weights[:, order]
    bad = np.add.reduceat(ordered * worst[order], edges, axis=1)
    good = np.add.reduceat(ordered * ~worst[order], edges, axis=1)
    below = np.cumsum(good, axis=1) - good
    area: NDArray[np.float64] = (bad * (below + good / 2)).sum(axis=1) / (bad.sum(axis=1) * good.sum(axis=1))
    return area


def _recall(
    score: NDArray[np.float64], worst: NDArray[np.bool_], share: float, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The share of the worst level found where at most `share` of the others are called so too."""
    order = np.argsort(-score, kind="stable")
    _, groups = np.unique(-score[order], return_inverse=True)
    edges = np.flatnonzero(np.diff(groups, prepend=-1))
    ordered = weights[:, order]
    bad = np.cumsum(np.add.reduceat(ordered * worst[order], edges, axis=1), axis=1)
    good = np.cumsum(np.add.reduceat(ordered * ~worst[order], edges, axis=1), axis=1)
    allowed = good <= share * good[:, -1:] + 1e-12
    found: NDArray[np.float64] = np.where(allowed, bad, 0.0).max(axis=1) / bad[:, -1]
    return found


def _calibration_error(
    probabilities: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected calibration error over ten equal bins of the likeliest level's probability (Naeini 2015)."""
    confidence = probabilities.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    total = weights.sum(axis=1)
    error = np.zeros(len(weights))
    for place in np.unique(bins):
        inside = bins == place
        error += np.abs(weights[:, inside] @ (confidence[inside] - right[inside]))
    whole: NDArray[np.float64] = error / total
    return whole
