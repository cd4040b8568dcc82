"""Two runs (or two judges on one run) compared item by item."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

import numpy as np

from liangxin.analysis.deciding import OVERALL, measure_range, tops
from liangxin.analysis.values import (
    Array,
    GroupValues,
    Places,
    UnitValues,
    in_common,
    matching,
    unit_names,
    unit_values,
)
from liangxin.engine.stored import chosen_by
from liangxin.errors import JudgeError
from liangxin.inference.multiple import holm
from liangxin.inference.paired import (
    Paired,
    compare_binary,
    compare_values,
    detectable_mean,
    mcnemar,
    sign_flip,
)
from liangxin.measures import mover
from liangxin.measures.formulas import attainable
from liangxin.records import Measure
from liangxin.specs import Benchmark
from liangxin.store import Database, JudgeRecord, RunRecord

LEVEL = 0.05
"""What an adjusted p must not exceed for two runs to be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One run as one judge sees it."""

    run: RunRecord
    judge: JudgeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One measure and group on the items that both have; values in the measure's unit."""

    measure: str
    group: str
    a: float
    b: float
    paired: Paired
    """The difference is a less b; its numbers are in the measure's unit too."""
    p_adjusted: float
    """Holm over the categories of one level; `overall` is a question of its own."""

    @property
    def verdict(self) -> str:
        """Which is higher, or that they are not told apart."""
        if self.p_adjusted > LEVEL or self.paired.difference == 0:
            return "not told apart"
        return "a higher" if self.paired.difference > 0 else "b higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All tests of two sides."""

    benchmark: str
    a: Side
    b: Side
    n: int
    """Units that both have a value for."""
    missing: int
    """Units that only one or neither has a value for."""
    tests: tuple[Test, ...]
    flipped: tuple[str, ...]
    """Units that one passes and the other does not (where nothing passes or fails: whose value differs)."""
    cautions: tuple[str, ...]


def compare(database: Database, benchmark: Benchmark, a: Side, b: Side, *, mid: bool = False) -> Comparison:
    """Test every measure that both judges speak of, over all and by category.

    Args:
        mid: McNemar's mid-p instead of the exact test.

    Raises:
        JudgeError: the judges rule on different scales, or no item has a value on both sides.
    """
    if a.judge.subject != b.judge.subject:
        raise JudgeError(f"{a.judge.identity} and {b.judge.identity} rule on different scales")
    one = unit_values(database, a.run, benchmark, a.judge)
    two = {values.measure.name: values for values in unit_values(database, b.run, benchmark, b.judge)}
    names = unit_names(database, a.run)
    partners = matching(names, unit_names(database, b.run))
    seed = f"{a.run.id}/{a.judge.identity}/{b.run.id}/{b.judge.identity}"
    tests: list[Test] = []
    for values in one:
        pairing = _Pairing(
            one=values, two=two[values.measure.name], partners=partners, benchmark=benchmark, seed=seed
        )
        tests += pairing.tests(mid=mid)
    main = next((values for values in one if OVERALL in values.groups), None)
    other = None if main is None else two[main.measure.name]
    common = None
    if main is not None and other is not None:
        common = in_common(main.groups[OVERALL], other.groups.get(OVERALL), partners)
    if main is None or other is None or common is None:
        raise JudgeError(
            f"runs {a.run.label} and {b.run.label} have no item with a value on both sides: nothing can be compared"
        )
    planned = max(main.planned[OVERALL], other.planned[OVERALL])
    n = len(common[0])
    valued = len(main.groups[OVERALL]) + len(other.groups[OVERALL]) - n
    return Comparison(
        benchmark=a.run.benchmark,
        a=a,
        b=b,
        n=n,
        missing=max(planned, valued) - n,
        tests=tuple(tests),
        flipped=tuple(names[unit] for unit in _flipped(*common).tolist()),
        cautions=tuple(_cautions(a, b)),
    )


def overall_p(
    benchmark: Benchmark, one: UnitValues, two: UnitValues, partners: Places, seed: str
) -> float | None:
    """The p of a measure over all items, without its categories' tests and any interval; None without a common item.

    Args:
        partners: the second run's units, as `matching` gives them.
    """
    return _Pairing(one=one, two=two, partners=partners, benchmark=benchmark, seed=seed).overall_p()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairing:
    """One measure of two runs."""

    one: UnitValues
    two: UnitValues
    partners: Places
    benchmark: Benchmark
    seed: str

    @property
    def span(self) -> tuple[float, float]:
        return measure_range(self.one.measure, self.benchmark)

    @property
    def possible(self) -> list[float]:
        """What an item can be worth, as shares of the measure's range."""
        low, high = self.span
        return [(worth - low) / (high - low) for worth in attainable(self.one.measure, self.benchmark)]

    def tests(self, *, mid: bool) -> list[Test]:
        found: dict[str, Test] = {}
        parts: dict[str, Array] = {}
        categories = tops(self.one)
        for group, units in self.one.groups.items():
            shares = self._common(group)
            if shares is not None and not (group == OVERALL and len(categories) > 1):
                single = units.single and self.two.groups[group].single
                possible = self.possible if single else _spread(self.possible)
                paired = _paired(*shares, possible, f"{self.seed}/{group}", mid=mid)
                means = _mean(shares[0]), _mean(shares[1])
                found[group] = _test(self.one.measure, group, means, paired, self.span)
                if group in categories:
                    parts[group] = shares[0] - shares[1]
        if OVERALL not in found and len(categories) > 1 and parts:
            found[OVERALL] = _macro(
                [found[group] for group in parts], list(parts.values()), self.seed, self.span
            )
        return _adjusted(found)

    def overall_p(self) -> float | None:
        categories = tops(self.one)
        if len(categories) > 1:
            both = [shares for group in categories if (shares := self._common(group)) is not None]
            return _macro_p([ours - theirs for ours, theirs in both], self.seed)[0] if both else None
        shares = self._common(OVERALL)
        if shares is None:
            return None
        single = self.one.groups[OVERALL].single and self.two.groups[OVERALL].single
        counts = _binary_counts(*shares, self.possible if single else _spread(self.possible))
        if counts is not None:
            return mcnemar(counts[1], counts[2])
        return sign_flip(shares[0] - shares[1], f"{self.seed}/{OVERALL}")[0]

    def _common(self, group: str) -> tuple[Array, Array] | None:
        """Both sides' values of a group's units that both have, as shares of the measure's range."""
        units = self.one.groups.get(group)
        both = None if units is None else in_common(units, self.two.groups.get(group), self.partners)
        return None if both is None else (both[0].shares(self.span), both[1].shares(self.span))


def _binary_counts(ours: Array, theirs: Array, possible: Sequence[float]) -> list[int] | None:
    """Items by both, ours only, theirs only, neither; None where values are not all 0 or 1."""
    if set(possible) != {0.0, 1.0} or not (
        np.isin(ours, (0.0, 1.0)).all() and np.isin(theirs, (0.0, 1.0)).all()
    ):
        return None
    kinds = ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))
    return [int(((ours == one) & (theirs == two)).sum()) for one, two in kinds]


def _paired(ours: Array, theirs: Array, possible: Sequence[float], seed: str, *, mid: bool) -> Paired:
    """Of shares in [0, 1]: McNemar where each is 0 or 1, else sign flips."""
    counts = _binary_counts(ours, theirs, possible)
    if counts is not None:
        return compare_binary(*counts, mid=mid)
    return compare_values(ours - theirs, possible, seed=seed)


def _macro_p(parts: Sequence[Array], seed: str) -> tuple[float, str]:
    """The test of an unweighted mean over categories: sign flips of their items' weighted differences."""
    return sign_flip(
        np.concatenate([apart / len(apart) / len(parts) for apart in parts]), f"{seed}/{OVERALL}"
    )


def _macro(parts: Sequence[Test], differences: Sequence[Array], seed: str, span: tuple[float, float]) -> Test:
    """The unweighted mean over categories: sign flips of weighted differences, limits by MOVER."""
    spread = 0.0
    for apart in differences:
        spread += float(apart.var(ddof=1)) / len(apart) / len(parts) ** 2 if len(apart) > 1 else 0.0
    width = span[1] - span[0]
    p, test = _macro_p(differences, seed)
    low, high = mover([(part.paired.difference, part.paired.low, part.paired.high) for part in parts])
    n = sum(map(len, differences))
    detectable = detectable_mean(n, math.sqrt(spread * n))
    deviation = math.sqrt(spread * n)
    difference = fsum(part.paired.difference for part in parts) / len(parts)
    paired = Paired(
        difference=difference,
        low=min(low, difference),
        high=max(high, difference),
        interval="mover",
        p=p,
        test=test,
        effect=difference / width / deviation if deviation else None,
        effect_name="d-z",
        detectable=None if detectable is None else detectable * width,
        n=n,
    )
    values = tuple(fsum(getattr(part, side) for part in parts) / len(parts) for side in ("a", "b"))
    return Test(
        measure=parts[0].measure, group=OVERALL, a=values[0], b=values[1], paired=paired, p_adjusted=p
    )


def _test(
    measure: Measure, group: str, means: tuple[float, float], paired: Paired, span: tuple[float, float]
) -> Test:
    width = span[1] - span[0]
    scaled = replace(
        paired,
        difference=paired.difference * width,
        low=paired.low * width,
        high=paired.high * width,
        detectable=None if paired.detectable is None else paired.detectable * width,
    )
    a, b = (span[0] + mean * width for mean in means)
    return Test(measure=measure.name, group=group, a=a, b=b, paired=scaled, p_adjusted=paired.p)


def _adjusted(found: Mapping[str, Test]) -> list[Test]:
    """By group's path, `overall` first as it is; the others by Holm, the groups of each depth a family."""
    families: dict[int, list[str]] = {}
    for group in found:
        if group != OVERALL:
            families.setdefault(group.count("/"), []).append(group)
    made = dict(found)
    for groups in families.values():
        adjusted = holm([found[group].paired.p for group in groups])
        made |= {
            group: replace(found[group], p_adjusted=float(p))
            for group, p in zip(groups, adjusted, strict=True)
        }
    return [made[group] for group in sorted(made, key=lambda group: (group != OVERALL, group))]


def _spread(possible: Sequence[float]) -> list[float]:
    """Means of two values: what an item of several can be worth, near enough for a pseudo-item."""
    return sorted({(one + two) / 2 for one in possible for two in possible})


def _flipped(one: GroupValues, two: GroupValues) -> Places:
    """The numbers of the units whose values differ by more than rounding."""
    ours, theirs = one.means, two.means
    near = np.maximum(1e-9 * np.maximum(np.abs(ours), np.abs(theirs)), 1e-9)
    return one.units[np.abs(ours - theirs) > near]


def _mean(values: Array) -> float:
    return fsum(values.tolist()) / len(values)


def _cautions(a: Side, b: Side) -> list[str]:
    """What keeps the two from being compared as if only the model differed."""
    said = []
    if a.run.data_sha256 != b.run.data_sha256:
        said.append("数据文件不同，只比较共有的题 (other data files: only common items are compared)")
    if a.run.id != b.run.id and a.judge.identity != b.judge.identity:
        said.append("评审不同，差异可能来自评审 (other judges: the difference may be theirs)")
    if (a.run.manifest.get("identity") or {}).get("system") != (b.run.manifest.get("identity") or {}).get(
        "system"
    ):
        said.append("系统提示不同 (other system prompts)")
    ways = chosen_by(a.run), chosen_by(b.run)
    if len(set(ways)) == 2:
        said.append("作答方式不同 (other ways of choosing): --choose-by {}, --choose-by {}".format(*ways))
    return said


def comparison_fields(one: Comparison) -> dict[str, Any]:
    """A comparison as JSON: the contract's object, and beside it who is a and b."""
    return {
        "benchmark": one.benchmark,
        "a": one.a.run.id,
        "b": one.b.run.id,
        "judge": " | ".join(dict.fromkeys(side.judge.identity for side in (one.a, one.b))),
        "n": one.n,
        "missing": one.missing,
        "tests": [
            {
                "measure": test.measure,
                "group": test.group,
                "a": test.a,
                "b": test.b,
                "difference": test.paired.difference,
                "low": test.paired.low,
                "high": test.paired.high,
                "p": test.paired.p,
                "p_adjusted": test.p_adjusted,
                "test": test.paired.test,
                "detectable": test.paired.detectable,
                "verdict": test.verdict,
                "n": test.paired.n,
                "effect": test.paired.effect,
                "effect_name": test.paired.effect_name,
            }
            for test in one.tests
        ],
        "flipped": list(one.flipped),
        "cautions": list(one.cautions),
        "sides": [_side_fields(one.a), _side_fields(one.b)],
    }


def _side_fields(side: Side) -> dict[str, Any]:
    return {
        "run": side.run.id,
        "name": side.run.name,
        "model": side.run.model,
        "judge": side.judge.identity,
        "sample": side.run.sample,
    }
