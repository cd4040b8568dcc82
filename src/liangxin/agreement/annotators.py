"""Agreement among several annotators, each of whom may have left items out.

Sources: Krippendorff 2011 and 2019 (alpha from coincidences: an item with m labels adds each of its ordered
pairs with weight 1 / (m - 1)); Gwet 2014, chapters 2, 3 and 5 (AC1 and AC2 of several raters with missing
ratings: observed agreement over items with two labels or more, a level's share as the mean over all items
with a label).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from liangxin.agreement import coefficients as co
from liangxin.agreement.estimate import LEAST_ROWS, CannotSay, Estimate
from liangxin.agreement.resample import Array, Bootstrap, Codes, Kinds, estimate, kinds_of, pseudo, resampled
from liangxin.records import Scale

NAMES = (
    "pairwise",
    "alpha_nominal",
    "alpha_ordinal",
    "alpha_interval",
    "ac1",
    "ac2_quadratic",
    "ac2_ordinal",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How far several annotators agree."""

    annotators: int
    items: int
    """Items with a label; the answers of one item are drawn together."""
    pairable: int
    """Answers with two labels or more: `n` of every estimate."""
    labels: int
    """Labels on pairable answers."""
    estimates: tuple[Estimate, ...]
    """In the order of `NAMES`; `pairwise` is the mean over answers of the share of agreeing pairs."""

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of that name."""
        return next(one for one in self.estimates if one.name == name)


def reliability(
    ratings: Codes, scale: Scale, *, units: Codes | None = None, seed: str = "", confidence: float = 0.95
) -> Reliability:
    """Agreement among annotators.

    Args:
        ratings: [annotators, answers] places on the scale, worst level 0; -1 where there is no label.
        units: [answers] the item of each answer, by any whole numbers (turns, trials and models answer one
            item); None: every answer is an item of its own. The values do not depend on it, the intervals do.

    Raises:
        ValueError: a place is not on the scale, or the lengths differ.
    """
    levels = len(scale.levels)
    labels = np.asarray(ratings, np.int64)
    if labels.ndim != 2 or (labels.size and (labels.min() < -1 or labels.max() >= levels)):
        raise ValueError(f"ratings must be [annotators, answers] of places from 0 to {levels - 1}, or -1")
    if units is not None and len(units) != labels.shape[1]:
        raise ValueError("units must be as long as an annotator's ratings")
    counts = np.stack([(labels == level).sum(axis=0) for level in range(levels)], axis=1)
    labelled = counts.sum(axis=1) > 0
    kinds = kinds_of(counts[labelled])
    if units is None or len(np.unique(units[labelled])) == kinds.units:
        features = Kinds(adds=_features(kinds.adds), counts=kinds.counts)
    else:
        features = _by_unit(counts[labelled], units[labelled])
    sizes = kinds.adds.sum(axis=1)
    pairable = int(kinds.counts[sizes > 1].sum())
    return Reliability(
        annotators=labels.shape[0],
        items=features.units,
        pairable=pairable,
        labels=int((kinds.counts * sizes)[sizes > 1].sum()),
        estimates=tuple(_estimates(kinds, features, scale, Bootstrap(seed=seed, confidence=confidence))),
    )


def _by_unit(counts: Codes, units: Codes) -> Kinds:
    """The features of whole items: items whose answers are labelled alike are one kind."""
    distinct, kind = np.unique(counts, axis=0, return_inverse=True)
    _, unit, sizes = np.unique(units, return_inverse=True, return_counts=True)
    order = np.lexsort((kind.ravel(), unit))
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # An item's answers by their kinds, in order; the last kind is no answer and adds nothing.
    table = np.full((len(sizes), sizes.max(initial=0)), len(distinct))
    table[unit[order], place] = kind.ravel()[order]
    patterns, times = np.unique(table, axis=0, return_counts=True)
    features = _features(distinct.astype(np.float64))
    features = np.concatenate([features, np.zeros((1, features.shape[1]))])
    adds = np.zeros((len(patterns), features.shape[1]))
    for column in patterns.T:
        adds += features[column]
    return Kinds(adds=adds, counts=times.astype(np.int64))


def _estimates(kinds: Kinds, features: Kinds, scale: Scale, how: Bootstrap) -> Sequence[Estimate]:
    """Every coefficient: `kinds` are the answers by their labels, `features` what is drawn of them, by item."""
    sizes = kinds.adds.sum(axis=1)
    multiple = sizes > 1
    pairable = int(kinds.counts[multiple].sum())
    if pairable < LEAST_ROWS:
        return [Estimate.without(name, pairable, CannotSay.TOO_FEW) for name in NAMES]
    levels = len(scale.levels)
    made = []
    drawn = resampled(features, how.generator(), how.draws)
    # A pseudo-answer has two labels: half of one agrees, half of one does not, spread over the levels.
    pairs = np.array([np.eye(levels)[i] + np.eye(levels)[j] for i in range(levels) for j in range(levels)])
    same = np.eye(levels, dtype=bool).ravel()
    shapes = np.where(same, 0.5 / levels, 0.5 / (levels * (levels - 1)))
    weights = pseudo(shapes, kinds.units / features.units, how.generator("pseudo"), how.draws)
    extra = weights @ _features(pairs)
    values = float((kinds.counts * sizes)[multiple].sum())
    totals = kinds.counts[multiple] @ kinds.adds[multiple]
    why_not = CannotSay.NO_VARIATION if totals.max() == totals.sum() else None
    for name, function in _functions(scale, values).items():
        if why_not is not None and name != "pairwise":
            made.append(Estimate.without(name, pairable, why_not))
            continue
        value = float(function(features.total))
        made.append(estimate(name, [value], [function(drawn + extra)], pairable, how.confidence))
    return made


def _features(counts: Array) -> Array:
    """[items, 1 + 1 + L + 2 L²]: pairable, any label, shares of levels, agreeing shares, coincidences.

    The agreeing shares are [L, L]: of the ordered pairs of an item's labels, the share at levels (k, l).
    """
    items, levels = counts.shape
    size = counts.sum(axis=1)
    pairable = size > 1
    ordered = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(levels)
    below = np.where(pairable, size - 1, 1.0)[:, None, None]
    coincidences = np.where(pairable[:, None, None], ordered / below, 0.0)
    agreeing = coincidences / size[:, None, None]
    return np.concatenate(
        [
            pairable[:, None],
            np.ones((items, 1)),
            counts / size[:, None],
            agreeing.reshape(items, levels * levels),
            coincidences.reshape(items, levels * levels),
        ],
        axis=1,
    )


def _functions(scale: Scale, values: float) -> dict[str, Callable[[Array], Array]]:
    """Every coefficient as a function of summed features."""
    levels = len(scale.levels)
    points = [level.points for level in scale.levels]
    at = 2 + levels

    def observed(sums: Array, agree: Array) -> Array:
        table = sums[..., at : at + levels * levels] @ agree.ravel()
        return np.asarray(table / sums[..., 0])

    def alpha(metric: co.Metric) -> Callable[[Array], Array]:
        def of(sums: Array) -> Array:
            flat = sums[..., at + levels * levels :]
            return co.alpha(flat.reshape(*flat.shape[:-1], levels, levels), metric, points, values)

        return of

    def gwet(kind: co.Weights) -> Callable[[Array], Array]:
        agree = co.weights(kind, levels)
        return lambda sums: co.gwet_of(observed(sums, agree), sums[..., 2:at] / sums[..., 1:2], agree)

    return {
        "pairwise": lambda sums: observed(sums, co.weights("identity", levels)),
        "alpha_nominal": alpha("nominal"),
        "alpha_ordinal": alpha("ordinal"),
        "alpha_interval": alpha("interval"),
        "ac1": gwet("identity"),
        "ac2_quadratic": gwet("quadratic"),
        "ac2_ordinal": gwet("ordinal"),
    }
