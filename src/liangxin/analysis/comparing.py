"""Two runs (or two judges on one run) compared item by item."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

import numpy as np

from liangxin.analysis.deciding import OVERALL, measure_range, tops
from liangxin.analysis.values import UnitValues, unit_values
from liangxin.engine.stored import chosen_by
from liangxin.errors import JudgeError
from liangxin.inference.multiple import holm
from liangxin.inference.paired import Paired, compare_binary, compare_values, detectable_mean, sign_flip
from liangxin.measures import mover
from liangxin.measures.formulas import attainable
from liangxin.measures.intervals import Value
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
    seed = f"{a.run.id}/{a.judge.identity}/{b.run.id}/{b.judge.identity}"
    tests: list[Test] = []
    for values in one:
        tests += _measure_tests(benchmark, values, two[values.measure.name], seed, mid=mid)
    main = next((values for values in one if values.groups.get(OVERALL)), None)
    common = (
        set(main.groups[OVERALL]) & set(two[main.measure.name].groups.get(OVERALL, {})) if main else set()
    )
    if main is None or not common:
        raise JudgeError(
            f"runs {a.run.label} and {b.run.label} have no item with a value on both sides: nothing can be compared"
        )
    other = two[main.measure.name]
    planned = max(main.planned[OVERALL], other.planned[OVERALL])
    return Comparison(
        benchmark=a.run.benchmark,
        a=a,
        b=b,
        n=len(common),
        missing=max(planned, len(main.groups[OVERALL].keys() | other.groups[OVERALL].keys())) - len(common),
        tests=tuple(tests),
        flipped=_flipped(main.groups[OVERALL], other.groups[OVERALL]),
        cautions=tuple(_cautions(a, b)),
    )


def overall_test(benchmark: Benchmark, one: UnitValues, two: UnitValues, seed: str) -> Test | None:
    """The test of a measure over all items, without its categories; None without a common item."""
    wanted = {OVERALL, *(tops(one) if one.measure.combine == "macro" else ())}
    brief = replace(one, groups={group: units for group, units in one.groups.items() if group in wanted})
    tests = _measure_tests(benchmark, brief, two, seed, mid=False)
    return next((test for test in tests if test.group == OVERALL), None)


def _measure_tests(
    benchmark: Benchmark, one: UnitValues, two: UnitValues, seed: str, *, mid: bool
) -> list[Test]:
    span = measure_range(one.measure, benchmark)
    low, high = span
    possible = [(worth - low) / (high - low) for worth in attainable(one.measure, benchmark)]
    found: dict[str, Test] = {}
    for group, units in one.groups.items():
        ours, theirs = _common(units, two.groups.get(group, {}), span)
        if ours and not (group == OVERALL and len(tops(one)) > 1):
            single = _single(units, two.groups[group])
            paired = _paired(
                ours, theirs, possible if single else _spread(possible), f"{seed}/{group}", mid=mid
            )
            found[group] = _test(one.measure, group, (_mean(ours), _mean(theirs)), paired, span)
    if OVERALL not in found and len(tops(one)) > 1:
        made = _macro(one, two, found, seed, span)
        if made is not None:
            found[OVERALL] = made
    return _adjusted(found)


def _paired(
    ours: Sequence[float], theirs: Sequence[float], possible: Sequence[float], seed: str, *, mid: bool
) -> Paired:
    """Of shares in [0, 1]: McNemar where each is 0 or 1, else sign flips."""
    if set(possible) == {0.0, 1.0} and {*ours, *theirs} <= {0.0, 1.0}:
        pairs = list(zip(ours, theirs, strict=True))
        counts = [pairs.count(kind) for kind in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))]
        return compare_binary(*counts, mid=mid)
    return compare_values(np.array(ours) - np.array(theirs), possible, seed=seed)


def _macro(
    one: UnitValues, two: UnitValues, found: Mapping[str, Test], seed: str, span: tuple[float, float]
) -> Test | None:
    """The unweighted mean over categories: sign flips of weighted differences, limits by MOVER."""
    parts = [test for group, test in found.items() if "/" not in group and group in tops(one)]
    if not parts:
        return None
    differences: list[float] = []
    spread = 0.0
    for part in parts:
        ours, theirs = _common(one.groups[part.group], two.groups[part.group], span)
        apart = np.array(ours) - np.array(theirs)
        differences += list(apart / len(apart) / len(parts))
        spread += float(apart.var(ddof=1)) / len(apart) / len(parts) ** 2 if len(apart) > 1 else 0.0
    width = span[1] - span[0]
    p, test = sign_flip(np.array(differences), f"{seed}/overall")
    low, high = mover([(part.paired.difference, part.paired.low, part.paired.high) for part in parts])
    n = len(differences)
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
        measure=one.measure.name, group=OVERALL, a=values[0], b=values[1], paired=paired, p_adjusted=p
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


def _common(
    units: Mapping[str, Value], others: Mapping[str, Value], span: tuple[float, float]
) -> tuple[list[float], list[float]]:
    """Both sides' values of the units that both have, as shares of the measure's range."""
    low, high = span
    both = [unit for unit in units if unit in others]

    def shares(found: Mapping[str, Value]) -> list[float]:
        return [(found[unit][0] / found[unit][1] - low) / (high - low) for unit in both]

    return shares(units), shares(others)


def _spread(possible: Sequence[float]) -> list[float]:
    """Means of two values: what an item of several can be worth, near enough for a pseudo-item."""
    return sorted({(one + two) / 2 for one in possible for two in possible})


def _single(units: Mapping[str, Value], others: Mapping[str, Value]) -> bool:
    return all(size == 1 for found in (units, others) for _, size in found.values())


def _flipped(units: Mapping[str, Value], others: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(
        unit
        for unit, (total, size) in units.items()
        if unit in others and not math.isclose(total / size, others[unit][0] / others[unit][1], abs_tol=1e-9)
    )


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


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
