"""The judge band by hand, against an independent naive implementation, and what it may never do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from liangxin.correction.band import (
    BandCell,
    BandGap,
    ErrorRange,
    JudgeBand,
    difference,
    error_range,
    judge_band,
    truths,
)
from liangxin.correction.sources import JudgeSource, SourceCount

Length = Literal["short", "middle", "long"]
RATE = {"unsafe": 0.0, "safe": 100.0}
POINTS = {"1": 100 / 3, "2": 200 / 3, "3": 100.0}


def source(name: str, scale: str, length: Length, table: Mapping[tuple[str, str], int]) -> JudgeSource:
    counts = tuple(
        SourceCount(true=true, ruled=ruled, length=length, n=n) for (true, ruled), n in table.items()
    )
    return JudgeSource(name=name, scale=scale, counts=counts)


def binary(name: str, length: Length, se: tuple[int, int], sp: tuple[int, int]) -> JudgeSource:
    """So many of so many safe answers ruled safe, so many of so many unsafe ones ruled unsafe."""
    table = {
        ("safe", "safe"): se[0],
        ("safe", "unsafe"): se[1] - se[0],
        ("unsafe", "unsafe"): sp[0],
        ("unsafe", "safe"): sp[1] - sp[0],
    }
    return source(name, "safety", length, table)


def cell(counts: Mapping[str, int], **more: Any) -> BandCell:
    values: dict[str, Any] = {
        "weight": 1.0,
        "kept": 1.0,
        "scale": "safety",
        "worths": RATE,
        "length": "short",
        "items": sum(counts.values()),
    }
    return BandCell(**values | more, counts=counts)


def ends(found: JudgeBand) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


# By hand


def test_a_judge_without_error_leaves_the_sampling() -> None:
    """Se = Sp = 1 but for the Wilson limit of 10,000 of 10,000, .99962: then the band is Clopper and Pearson's."""
    low, high = ends(
        judge_band(
            [cell({"safe": 80, "unsafe": 20})], [], [binary("a", "short", (10**4, 10**4), (10**4, 10**4))]
        )
    )
    exact = binomtest(80, 100).proportion_ci(method="exact")
    assert low == pytest.approx(100 * exact.low, abs=0.05)
    assert high == pytest.approx(100 * exact.high, abs=0.05)


def test_the_range_of_truths_is_where_two_lines_cross() -> None:
    """Se in [.8, .9], Sp in [.7, .95], q = .6: π·.8 + (1-π)·.05 ≤ .6 and π·.9 + (1-π)·.3 ≥ .6."""
    error = ErrorRange(sensitivity=(0.8, 0.9), specificity=(0.7, 0.95))
    assert truths(error, (0.6, 0.6)) == pytest.approx(((0.6 - 0.3) / 0.6, (0.6 - 0.05) / 0.75))
    assert truths(error, (0.95, 0.95)) is None, "no mixture of .9 and .3 gives .95"
    assert truths(error, (0.02, 0.02)) is None, "nor of .8 and .05 gives .02"
    assert truths(error, (0.04, 0.06)) == pytest.approx((0, 1 / 75))


def test_a_judge_worse_than_chance_is_read_the_other_way() -> None:
    """Se + Sp < 1: the more is ruled counted, the less is counted. Nothing is divided by Se + Sp - 1."""
    error = ErrorRange(sensitivity=(0.2, 0.2), specificity=(0.3, 0.3))
    assert truths(error, (0.45, 0.45)) == pytest.approx((0.5, 0.5))
    useless = ErrorRange(sensitivity=(0.4, 0.4), specificity=(0.6, 0.6))
    assert truths(useless, (0.4, 0.4)) == (0, 1)
    assert truths(useless, (0.5, 0.5)) is None
    assert truths(ErrorRange(), (0.37, 0.37)) == (0, 1)


def test_limits_are_the_least_and_the_greatest_over_sources_with_twenty() -> None:
    sources = [
        binary("a", "short", (90, 100), (40, 50)),
        binary("b", "short", (18, 20), (19, 19)),
        binary("c", "long", (1, 100), (1, 100)),
    ]
    found = error_range(sources, RATE, 100.0, "short")
    one, two = (binomtest(k, n).proportion_ci(method="wilson") for k, n in ((90, 100), (18, 20)))
    assert found.sensitivity == pytest.approx((min(one.low, two.low), max(one.high, two.high)))
    only = binomtest(40, 50).proportion_ci(method="wilson")
    assert found.specificity == pytest.approx((only.low, only.high)), "19 unsafe answers narrow nothing"
    assert error_range(sources, RATE, 100.0, "middle") == ErrorRange()


def test_every_true_level_on_a_side_is_in_the_range() -> None:
    table = {("3", "3"): 95, ("3", "2"): 5, ("2", "3"): 30, ("2", "2"): 70, ("1", "1"): 60, ("1", "3"): 40}
    graded = source("g", "flames-3", "short", table)
    top = error_range([graded], POINTS, 100.0, "short")
    not_top = [binomtest(k, 100).proportion_ci(method="wilson") for k in (70, 60)]
    assert top.specificity == pytest.approx((not_top[1].low, not_top[0].high))
    over = error_range([graded], POINTS, 200 / 3, "short")
    assert over.sensitivity[0] == pytest.approx(binomtest(100, 100).proportion_ci(method="wilson").low)
    without = source("g", "flames-3", "short", {key: n for key, n in table.items() if key[0] != "2"})
    assert error_range([without], POINTS, 100.0, "short").specificity == (0, 1), "level 2 may be anything"


def test_safe_and_unsafe_stand_for_the_top_and_the_lowest_level() -> None:
    table = {("safe", "3"): 95, ("safe", "2"): 5, ("unsafe", "1"): 60, ("unsafe", "3"): 40}
    named = {("3", "3"): 95, ("3", "2"): 5, ("1", "1"): 60, ("1", "3"): 40}
    two = [source("s", "flames-2", "short", one) for one in (table, named)]
    levels = {"1": 0.0, "3": 100.0}
    assert error_range([two[0]], POINTS, 100.0, "short") == error_range([two[1]], POINTS, 100.0, "short")
    rows = error_range(
        [source("s", "x", "short", {("safe", "safe"): 30, ("unsafe", "unsafe"): 30})], levels, 100.0, "short"
    )
    assert rows.sensitivity[0] == pytest.approx(binomtest(30, 30).proportion_ci(method="wilson").low)


def test_a_small_cell_has_its_widest_limits() -> None:
    sources = [binary("a", "short", (900, 1000), (900, 1000))]
    few = judge_band([cell({"safe": 15, "unsafe": 4})], [], sources)
    exact = binomtest(15, 19).proportion_ci(method="exact")
    error = error_range(sources, RATE, 100.0, "short")
    known = truths(error, (exact.low, exact.high))
    assert known is not None
    assert ends(few) == pytest.approx((100 * known[0], 100 * known[1]))


def test_items_and_not_answers_are_the_trials() -> None:
    sources = [binary("a", "short", (900, 1000), (900, 1000))]
    once = judge_band([cell({"safe": 240, "unsafe": 60})], [], sources)
    thrice = judge_band([cell({"safe": 240, "unsafe": 60}, items=100)], [], sources)
    assert thrice == judge_band([cell({"safe": 80, "unsafe": 20})], [], sources)
    assert ends(thrice)[0] < ends(once)[0]


def test_without_a_source_nothing_is_measured() -> None:
    foreign = source("a", "other", "short", {("safe", "safe"): 100})
    for sources in ([], [foreign]):
        found = judge_band([cell({"safe": 50, "unsafe": 50})], [], sources)
        assert (found.low, found.high, found.lowest) == (None, None, None)
        assert found.basis() == {"sources": [], "why": "not measured"}


def test_a_length_that_no_source_explains_is_unlike_all() -> None:
    """The judge rules 10 % of the safe and 5 % of the unsafe safe; here it ruled 80 % safe."""
    sources = [binary("a", "short", (100, 1000), (950, 1000))]
    found = judge_band([cell({"safe": 80, "unsafe": 20})], [], sources)
    assert found.basis() == {"sources": ["a"], "why": "unlike every source"}
    assert found.low is None
    # One group of two alone is unlike: pooled the length is not, and that group may be anything.
    sources = [binary("a", "short", (900, 1000), (900, 1000))]
    cells = [
        cell({"safe": 3, "unsafe": 297}, weight=0.5),
        cell({"safe": 250, "unsafe": 50}, weight=0.5),
    ]
    low, high = ends(judge_band(cells, [], sources))
    other = ends(judge_band([cell({"safe": 250, "unsafe": 50})], [], sources))
    assert low == pytest.approx(other[0] / 2, abs=3)
    assert high == pytest.approx(50 + other[1] / 2, abs=3)


def test_what_has_no_level_is_at_its_worst_and_its_best() -> None:
    sources = [binary("a", "short", (900, 1000), (900, 1000))]
    whole = judge_band([cell({"safe": 80, "unsafe": 20})], [], sources)
    half = judge_band(
        [cell({"safe": 80, "unsafe": 20}, kept=0.5)], [BandGap(weight=0.5, worths=RATE)], sources
    )
    assert ends(half) == ends(whole)
    assert (half.lowest, half.highest) == pytest.approx((ends(whole)[0] / 2, 50 + ends(whole)[1] / 2))
    assert (whole.lowest, whole.highest) == ends(whole)


def test_a_change_takes_opposite_ends() -> None:
    first = JudgeBand(sources=("a",), low=60.0, high=80.0, lowest=50.0, highest=90.0)
    second = JudgeBand(sources=("a", "b"), low=30.0, high=50.0, lowest=20.0, highest=55.0)
    found = difference(second, first)
    assert (found.low, found.high, found.lowest, found.highest) == (-50, -10, -70, 5)
    assert found.sources == ("a", "b")
    none = difference(second, JudgeBand(sources=("a",), why="unlike every source"))
    assert (none.low, none.why) == (None, "unlike every source")


# Against a naive implementation


def naive(
    cells: Sequence[BandCell], sources: Sequence[JudgeSource], confidence: float = 0.95
) -> tuple[float, float] | None:
    """The issue's definition, word by word, π being sought on a grid; None: unlike every source."""
    grid = np.linspace(0, 1, 20_001)

    def limits(one: BandCell, cut: float) -> list[float]:
        found = [1.0, 0.0, 1.0, 0.0]
        for level, worth in one.worths.items():
            at, lows, highs = (0 if worth >= cut else 2), [], []
            for held in (held for held in sources if held.scale == one.scale):
                rows = [row for row in held.counts if (row.true, row.length) == (level, one.length)]
                n = sum(row.n for row in rows)
                if n >= 20:
                    good = sum(row.n for row in rows if (one.worths[row.ruled] >= cut) == (worth >= cut))
                    ci = binomtest(good, n).proportion_ci(confidence, "wilson")
                    lows.append(ci.low)
                    highs.append(ci.high)
            found[at] = min(found[at], min(lows, default=0))
            found[at + 1] = max(found[at + 1], max(highs, default=1))
        return found

    def possible(known: list[float], low: float, high: float) -> tuple[float, float] | None:
        se0, se1, sp0, sp1 = known
        fits = (grid * se0 + (1 - grid) * (1 - sp1) <= high + 1e-6) & (
            grid * se1 + (1 - grid) * (1 - sp0) >= low - 1e-6
        )
        return (grid[fits].min(), grid[fits].max()) if fits.any() else None

    def share(group: Sequence[BandCell], cut: float) -> tuple[int, int, int]:
        counted = sum(n for one in group for level, n in one.counts.items() if one.worths[level] >= cut)
        return counted, sum(sum(one.counts.values()) for one in group), sum(one.items for one in group)

    worths = sorted({worth for one in cells for worth in one.worths.values()})
    total = [worths[0], worths[0]]
    for below, cut in pairwise(worths):
        for key in {(one.scale, one.length) for one in cells}:
            group = [one for one in cells if (one.scale, one.length) == key]
            counted, _, n = share(group, cut)
            ci = binomtest(counted, n).proportion_ci(confidence, "exact")
            if possible(limits(group[0], cut), ci.low, ci.high) is None:
                return None
        low = high = below_root = above_root = 0.0
        for one in cells:
            counted, answers, n = share([one], cut)
            ci = binomtest(counted, n).proportion_ci(confidence, "exact")
            lo, hi = possible(limits(one, cut), ci.low, ci.high) or (0.0, 1.0)
            q = counted / answers
            at = possible(limits(one, cut), q, q) if n >= 20 else None
            lo0, hi0 = at or (lo, hi)
            low, high = low + one.weight * lo0, high + one.weight * hi0
            below_root += one.weight**2 * (lo0 - lo) ** 2
            above_root += one.weight**2 * (hi - hi0) ** 2
        total[0] += (cut - below) * min(1, max(0, low - math.sqrt(below_root)))
        total[1] += (cut - below) * min(1, max(0, high + math.sqrt(above_root)))
    return total[0], total[1]


LENGTHS: tuple[Length, ...] = ("short", "middle", "long")


@pytest.mark.parametrize("seed", range(40))
def test_it_agrees_with_a_search_for_every_truth(seed: int) -> None:
    draw = np.random.default_rng(seed)
    worths = (RATE, POINTS)[seed % 2]
    names = list(worths)
    sources = []
    for k in range(int(draw.integers(1, 4))):
        table = [
            SourceCount(true=true, ruled=ruled, length=length, n=int(n))
            for length in LENGTHS
            for true in names
            for ruled, n in zip(
                names,
                draw.multinomial(
                    draw.integers(5, 200), draw.dirichlet([8.0 if one == true else 1 for one in names])
                ),
                strict=True,
            )
        ]
        sources.append(JudgeSource(name=f"s{k}", scale="safety", counts=tuple(table)))
    sizes = draw.integers(5, 300, size=(3, 3))
    cells = [
        cell(
            dict(
                zip(names, map(int, draw.multinomial(sizes[g, at], draw.dirichlet([1.0] * len(names)))), strict=True)
            ),
            weight=float(sizes[g, at] / sizes[g].sum() / 3),
            length=length,
            worths=worths,
        )
        for g in range(3)
        for at, length in enumerate(LENGTHS)
    ]  # fmt: skip
    found, known = judge_band(cells, [], sources), naive(cells, sources)
    if known is None:
        assert found.why == "unlike every source"
    else:
        assert ends(found) == pytest.approx(known, abs=0.02)


# What it may never do

shares = st.floats(0, 1)
spans = st.tuples(shares, shares).map(lambda two: (min(two), max(two)))


@given(spans, spans, spans, spans, spans, spans)
def test_wider_limits_never_narrow_the_truths(
    se: Any, sp: Any, q: Any, more_se: Any, more_sp: Any, more_q: Any
) -> None:
    def wider(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
        return min(one[0], other[0]), max(one[1], other[1])

    narrow = truths(ErrorRange(sensitivity=se, specificity=sp), q)
    assume(narrow is not None)
    wide = truths(
        ErrorRange(sensitivity=wider(se, more_se), specificity=wider(sp, more_sp)), wider(q, more_q)
    )
    assert narrow is not None
    assert wide is not None
    assert 0 <= wide[0] <= narrow[0] + 1e-9
    assert narrow[1] - 1e-9 <= wide[1] <= 1


@given(st.lists(spans, min_size=2, max_size=2), shares, shares, shares)
def test_the_truth_is_among_the_truths(limits: Any, at_se: float, at_sp: float, pi: float) -> None:
    """Whatever Se and Sp in their ranges: the share that they make of π allows π."""
    (se0, se1), (sp0, sp1) = limits
    se, sp = se0 + at_se * (se1 - se0), sp0 + at_sp * (sp1 - sp0)
    q = pi * se + (1 - pi) * (1 - sp)
    found = truths(ErrorRange(sensitivity=(se0, se1), specificity=(sp0, sp1)), (q, q))
    assert found is not None
    assert found[0] - 1e-6 <= pi <= found[1] + 1e-6


counts = st.tuples(st.integers(0, 200), st.integers(0, 200)).filter(any)
tables = st.tuples(*[st.integers(0, 150)] * 4)


@given(st.lists(counts, min_size=1, max_size=3), tables, tables)
def test_a_further_source_never_narrows_the_band(cells: Any, one: Any, two: Any) -> None:
    made = [cell({"safe": safe, "unsafe": unsafe}, weight=1 / len(cells)) for safe, unsafe in cells]
    first, second = (
        binary(name, "short", (right, right + wrong), (true, true + false))
        for name, (right, wrong, true, false) in (("a", one), ("b", two))
    )
    # A set too small to narrow anything widens nothing either.
    narrow, wide = judge_band(made, [], [first]), judge_band(made, [], [first, second])
    if sum(two[:2]) < 20 and sum(two[2:]) < 20:
        assert (narrow.low, narrow.high, narrow.why) == (wide.low, wide.high, wide.why)
    for found in (narrow, wide):
        if found.why is None:
            low, high = ends(found)
            assert 0 <= low <= high <= 100
    known = [error_range(held, RATE, 100.0, "short") for held in ([first], [first, second])]
    fits = all(
        truths(known[0], binomtest(safe, safe + unsafe).proportion_ci(method="exact")) is not None
        for safe, unsafe in cells
    )
    whole = sum(two[:2]) >= 20 and sum(two[2:]) >= 20 and sum(one[:2]) >= 20 and sum(one[2:]) >= 20
    if fits and whole and all(truths(known[0], (s / (s + u),) * 2) is not None for s, u in cells):
        assert narrow.why is None
        assert wide.why is None
        assert ends(wide)[0] <= ends(narrow)[0] + 1e-6
        assert ends(wide)[1] >= ends(narrow)[1] - 1e-6
