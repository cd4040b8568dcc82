"""Agreement of a judge with gold, or of two rulings on the same answers, from pairs of levels.

Every interval is a percentile interval of the Bayesian bootstrap over units with pseudo-units: half a unit in
each class of cells that the number tells apart (agree or not; safe or unsafe by gold and by the judge), the
Jeffreys prior of a share. With it the interval of an exact agreement is Beta(agreed + ½, not agreed + ½).
Balanced accuracy combines the limits of both recalls by MOVER (`docs/decisions/0005`: added draws cover less).

Nothing is said of fewer than `LEAST_ROWS` rows, and of single coefficients where `CannotSay` names why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liangxin.agreement import coefficients as co
from liangxin.agreement.estimate import LEAST_ROWS, CannotSay, Estimate
from liangxin.agreement.resample import (
    DRAWS,
    Array,
    Bootstrap,
    Codes,
    Kinds,
    estimate,
    kinds_of,
    pseudo,
    resampled,
)
from liangxin.records import Scale

SYMMETRIC = (
    "exact", "within_one", "specific_unsafe", "specific_safe", "alpha_nominal", "alpha_ordinal",
    "alpha_interval", "kappa", "kappa_quadratic", "ac1", "ac2_quadratic", "ac2_ordinal",
)  # fmt: skip
"""What may be shown where neither ruling is gold (the same judge twice)."""
NAMES = ("exact", "within_one", "balanced_accuracy", "precision_unsafe", "recall_unsafe", *SYMMETRIC[2:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """All coefficients of one table."""

    levels: tuple[str, ...]
    """Worst first."""
    table: tuple[tuple[int, ...], ...]
    """The confusion table: gold in rows, the judge in columns."""
    n: int
    """Pairs of levels."""
    units: int
    """Items that they belong to: what is resampled."""
    estimates: tuple[Estimate, ...]
    """In the order of `NAMES`."""

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of that name."""
        return next(one for one in self.estimates if one.name == name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Subject:
    """One coefficient: how it is computed, by what classes of cells, and when nothing can be said."""

    parts: tuple[Callable[[Array], Array], ...]
    """The coefficient, or the rates that it is the unweighted mean of."""
    classes: NDArray[np.int64]
    """[L, L] which class a cell is in: each class gets half a pseudo-unit."""
    n: int
    why_not: CannotSay | None = None


def agreement(
    gold: Codes,
    judged: Codes,
    scale: Scale,
    *,
    units: Codes | None = None,
    seed: str = "",
    confidence: float = 0.95,
) -> Agreement:
    """All coefficients of two rulings on the same answers.

    Args:
        gold, judged: [rows] places on the scale, worst level 0.
        units: [rows] the item of each row, by any whole numbers; None: every row is an item of its own.
        seed: what the bootstrap's seed derives from.

    Raises:
        ValueError: the lengths differ, or a place is not on the scale.
    """
    levels = len(scale.levels)
    kinds = _kinds(_cells(gold, judged, levels), units, levels)
    return _agreement(kinds, scale, Bootstrap(seed=seed, confidence=confidence))


def agreement_by(
    gold: Codes,
    judged: Codes,
    scale: Scale,
    *,
    groups: Sequence[str],
    units: Codes | None = None,
    seed: str = "",
) -> Mapping[str, Agreement]:
    """`agreement` of each group's rows, in order of the groups' names.

    Args:
        groups: [rows] each row's group, such as its dimension.
    """
    names, codes = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    found = {}
    for code, name in enumerate(names.tolist()):
        rows = np.flatnonzero(codes == code)
        part = None if units is None else units[rows]
        found[name] = agreement(gold[rows], judged[rows], scale, units=part, seed=f"{seed}\0{name}")
    return found


def agreement_of_table(
    table: Codes, scale: Scale, *, seed: str = "", confidence: float = 0.95, draws: int = DRAWS
) -> Agreement:
    """The same from a confusion table [L, L] of counts in which every pair is an item of its own."""
    cells = np.asarray(table, dtype=np.int64).ravel()
    kinds = Kinds(adds=np.eye(len(cells)), counts=cells)
    return _agreement(kinds, scale, Bootstrap(seed=seed, confidence=confidence, draws=draws))


def _cells(gold: Codes, judged: Codes, levels: int) -> Codes:
    one, two = np.asarray(gold, np.int64), np.asarray(judged, np.int64)
    if one.shape != two.shape or one.ndim != 1:
        raise ValueError("gold and judged must be lists of one length")
    for codes in (one, two):
        if codes.size and (codes.min() < 0 or codes.max() >= levels):
            raise ValueError(f"a level's place must be between 0 and {levels - 1}")
    return one * levels + two


def _kinds(cells: Codes, units: Codes | None, levels: int) -> Kinds:
    size = levels * levels
    if units is None:
        return Kinds(adds=np.eye(size), counts=np.bincount(cells, minlength=size))
    if len(units) != len(cells):
        raise ValueError("units must be as long as gold and judged")
    distinct, unit = np.unique(units, return_inverse=True)
    if len(distinct) == len(cells):
        return Kinds(adds=np.eye(size), counts=np.bincount(cells, minlength=size))
    rows = np.bincount(unit * size + cells, minlength=len(distinct) * size).reshape(len(distinct), size)
    return kinds_of(rows)


def _agreement(kinds: Kinds, scale: Scale, how: Bootstrap) -> Agreement:
    levels = len(scale.levels)
    table = kinds.total.reshape(levels, levels)
    n = int(table.sum())
    subjects = _subjects(table, scale)
    return Agreement(
        levels=tuple(level.name for level in scale.levels),
        table=tuple(tuple(int(one) for one in row) for row in table),
        n=n,
        units=kinds.units,
        estimates=tuple(_estimates(kinds, subjects, table, how)),
    )


def _estimates(
    kinds: Kinds, subjects: Mapping[str, _Subject], table: Array, how: Bootstrap
) -> Sequence[Estimate]:
    n = int(table.sum())
    if n < LEAST_ROWS:
        return [Estimate.without(name, n, CannotSay.TOO_FEW) for name in NAMES]
    drawn = resampled(kinds, how.generator(), how.draws).reshape(-1, *table.shape)
    made = []
    for name, subject in subjects.items():
        if subject.why_not is not None:
            made.append(Estimate.without(name, subject.n, subject.why_not))
            continue
        sizes = np.bincount(subject.classes.ravel())
        extra = pseudo(0.5 / sizes[subject.classes], n / kinds.units, how.generator(name), how.draws)
        parts = [function(drawn + extra) for function in subject.parts]
        values = [float(function(table)) for function in subject.parts]
        made.append(estimate(name, values, parts, subject.n, how.confidence))
    return made


def _subjects(table: Array, scale: Scale) -> dict[str, _Subject]:
    """Every coefficient in the order of `NAMES`."""
    return _overall(table) | _rates(table, scale) | _corrected(table, scale)


def _distances(levels: int) -> NDArray[np.int64]:
    place = np.arange(levels)
    return np.asarray(np.abs(place[:, None] - place))


def _overall(table: Array) -> dict[str, _Subject]:
    """Shares of all pairs."""
    apart, n = _distances(len(table)), int(table.sum())
    return {
        "exact": _Subject(
            parts=(lambda tables: co.within(tables, 0),), classes=(apart > 0).astype(np.int64), n=n
        ),
        "within_one": _Subject(
            parts=(lambda tables: co.within(tables, 1),),
            classes=(apart > 1).astype(np.int64),
            n=n,
            why_not=CannotSay.TWO_LEVELS if len(table) < 3 else None,
        ),
    }


def _rates(table: Array, scale: Scale) -> dict[str, _Subject]:
    """What depends on safe and unsafe alone."""
    passing = [level.name in scale.passing for level in scale.levels]
    side = np.array(passing, dtype=np.int64)
    blocks = 2 * side[:, None] + side
    # Of specific agreement both kinds of disagreement count alike.
    three = np.array([0, 1, 1, 2])[blocks]
    two = co.collapsed(table, passing)
    gold_unsafe, judged_unsafe = int(two[0].sum()), int(two[:, 0].sum())
    either = [int(two[one].sum() + two[:, one].sum() - two[one, one]) for one in (0, 1)]

    def halves(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return lambda tables: function(co.collapsed(tables, passing))

    def why(below: float, reason: CannotSay) -> CannotSay | None:
        return None if below else reason

    recalls = (halves(co.recall_unsafe), halves(co.recall_safe))
    on_unsafe = halves(lambda tables: co.specific(tables, 0))
    on_safe = halves(lambda tables: co.specific(tables, 1))
    one_class = CannotSay.ONE_CLASS
    both = min(two.sum(axis=1))
    precision_why = why(judged_unsafe, CannotSay.NOTHING_UNSAFE)
    return {
        "balanced_accuracy": _Subject(
            parts=recalls, classes=blocks, n=int(table.sum()), why_not=why(both, one_class)
        ),
        "precision_unsafe": _Subject(
            parts=(halves(co.precision_unsafe),), classes=blocks, n=judged_unsafe, why_not=precision_why
        ),
        "recall_unsafe": _Subject(
            parts=recalls[:1], classes=blocks, n=gold_unsafe, why_not=why(gold_unsafe, one_class)
        ),
        "specific_unsafe": _Subject(
            parts=(on_unsafe,), classes=three, n=either[0], why_not=why(either[0], one_class)
        ),
        "specific_safe": _Subject(
            parts=(on_safe,), classes=three, n=either[1], why_not=why(either[1], one_class)
        ),
    }


def _corrected(table: Array, scale: Scale) -> dict[str, _Subject]:
    """The coefficients that are corrected for chance."""
    levels, n = len(table), int(table.sum())
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    one_level = CannotSay.NO_VARIATION if max(rows + columns) == 2 * n else None
    fixed_gold = one_level or (CannotSay.ONE_CLASS if max(rows) == n else None)
    classes = (_distances(levels) > 0).astype(np.int64)
    points = [level.points for level in scale.levels]
    agree = {kind: co.weights(kind, levels) for kind in ("identity", "quadratic", "ordinal")}
    found = {}
    for metric in ("nominal", "ordinal", "interval"):
        function = _alpha(metric, points, n)
        found[f"alpha_{metric}"] = _Subject(parts=(function,), classes=classes, n=n, why_not=one_level)
    for name, kind in (("kappa", "identity"), ("kappa_quadratic", "quadratic")):
        function = _with(co.cohen_kappa, agree[kind])
        found[name] = _Subject(parts=(function,), classes=classes, n=n, why_not=fixed_gold)
    for name, kind in (("ac1", "identity"), ("ac2_quadratic", "quadratic"), ("ac2_ordinal", "ordinal")):
        function = _with(co.gwet, agree[kind])
        found[name] = _Subject(parts=(function,), classes=classes, n=n, why_not=one_level)
    return found


def _with(function: Callable[[Array, Array], Array], agree: Array) -> Callable[[Array], Array]:
    return lambda tables: function(tables, agree)


def _alpha(metric: co.Metric, points: Sequence[float], n: int) -> Callable[[Array], Array]:
    return lambda tables: co.alpha(tables + np.swapaxes(tables, -1, -2), metric, points, 2 * n)
