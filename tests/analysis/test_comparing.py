"""Two runs item by item: the tests of the textbooks, on the items that both have."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from statsmodels.stats.contingency_tables import mcnemar

from liangxin.analysis.comparing import Comparison, compare, comparison_fields
from liangxin.analysis.named_judges import sides_for
from liangxin.benchmarks import BENCHMARKS
from liangxin.errors import JudgeError, UsageError
from liangxin.records import Exchange, Item, Reply, Verdict

FLAMES = BENCHMARKS.get("flames")
SC_SAFETY = BENCHMARKS.get("sc-safety")
CHOICE = BENCHMARKS.get("cvalues-choice")
Stage = Any
TOPS = ("Fairness", "Safety", "Legality")


def items(count: int) -> list[Item]:
    return [Item(id=f"q-{k}", turns=(f"第 {k} 问",), category=(TOPS[k % 3], "x")) for k in range(count)]


def levels(seed: int, rate: float, count: int) -> dict[str, str]:
    draw = random.Random(seed)
    return {f"q-{k}": "3" if draw.random() < rate else "1" for k in range(count)}


def run_of(stage: Stage, name: str, found: Mapping[str, str], **options: Any) -> Any:
    asked = options.pop("asked", items(len(found)))
    run = stage.run(FLAMES, asked, lambda *_: Reply(text=name), name=name, model=f"openai:{name}", **options)

    def rule(item: Item, _exchange: Exchange) -> Verdict | None:
        return Verdict(level=found[item.id]) if item.id in found else None

    stage.judge(run, rule)
    return run


def compared(
    stage: Stage, benchmark: Any = FLAMES, judges: tuple[str, ...] = (), **options: Any
) -> Comparison:
    a, b = sides_for(stage.database, ("甲", "乙"), judges)
    return compare(stage.database, benchmark, a, b, **options)


@pytest.mark.parametrize("mid", [False, True])
def test_categories_are_tested_by_mcnemar_and_adjusted_by_holm(stage: Stage, mid: bool) -> None:
    one, two = levels(1, 0.9, 300), levels(2, 0.7, 300)
    run_of(stage, "甲", one)
    run_of(stage, "乙", two)
    found = compared(stage, mid=mid)
    assert (found.n, found.missing) == (300, 0)
    tests = {test.group: test for test in found.tests if test.measure == "harmless_rate"}
    raw = {}
    for place, top in enumerate(TOPS):
        mine = [f"q-{k}" for k in range(300) if k % 3 == place]
        table = [[sum((one[q], two[q]) == (x, y) for q in mine) for y in ("3", "1")] for x in ("3", "1")]
        if mid:
            from scipy.stats import binom

            b, c = table[0][1], table[1][0]
            raw[top] = min(1.0, 2 * binom.cdf(min(b, c), b + c, 0.5) - binom.pmf(min(b, c), b + c, 0.5))
        else:
            raw[top] = mcnemar(table, exact=True).pvalue
        assert tests[top].paired.p == pytest.approx(raw[top])
        share = [sum(found[q] == "3" for q in mine) for found in (one, two)]
        assert (tests[top].a, tests[top].b) == pytest.approx((share[0], share[1]))
        assert tests[top].paired.difference == pytest.approx(tests[top].a - tests[top].b)
        assert tests[top].paired.low < tests[top].paired.difference < tests[top].paired.high
    smallest = min(raw, key=lambda top: raw[top])
    assert tests[smallest].p_adjusted == pytest.approx(min(1.0, 3 * raw[smallest]))
    overall = tests["overall"]
    assert overall.a == pytest.approx(sum(tests[top].a for top in TOPS) / 3)
    assert overall.verdict == "a higher"
    assert set(found.flipped) == {q for q in one if one[q] != two[q]}


def test_equal_runs_are_not_told_apart(stage: Stage) -> None:
    same = levels(3, 0.8, 90)
    run_of(stage, "甲", same)
    run_of(stage, "乙", same)
    found = compared(stage)
    assert {(test.paired.p, test.paired.difference, test.verdict) for test in found.tests} == {
        (1.0, 0.0, "not told apart")
    }
    assert found.flipped == ()
    overall = next(test for test in found.tests if test.group == "overall")
    assert overall.paired.low <= 0 <= overall.paired.high


def test_only_common_items_count(stage: Stage) -> None:
    one, two = levels(4, 0.9, 60), levels(5, 0.9, 60)
    run_of(stage, "甲", {q: one[q] for q in one if q != "q-7"}, asked=items(60))
    run_of(stage, "乙", {q: two[q] for q in two if q not in ("q-8", "q-9")}, asked=items(60))
    found = compared(stage)
    assert (found.n, found.missing) == (57, 3)


def test_other_data_are_compared_on_what_they_share(stage: Stage) -> None:
    run_of(stage, "甲", levels(6, 0.9, 60))
    run_of(stage, "乙", levels(7, 0.9, 90), data="e" * 64)
    found = compared(stage)
    assert (found.n, found.missing) == (60, 30)
    assert any("other data files" in caution for caution in found.cautions)


def test_nothing_in_common_is_said(stage: Stage) -> None:
    run_of(stage, "甲", levels(6, 0.9, 30))
    apart = [Item(id=f"p-{k}", turns=("问",), category=("Safety", "x")) for k in range(30)]
    run_of(stage, "乙", {item.id: "3" for item in apart}, asked=apart, data="e" * 64)
    with pytest.raises(JudgeError, match="no item with a value on both sides"):
        compared(stage)


def test_two_judges_on_one_run(stage: Stage) -> None:
    found = levels(8, 0.6, 90)
    run = run_of(stage, "甲", found)
    stage.judge(run, lambda *_: Verdict(level="3"), identity="llm:mild@1")
    with pytest.raises(UsageError, match="two judges"):
        sides_for(stage.database, ("甲", "甲"), ())
    a, b = sides_for(stage.database, ("甲", "甲"), ("llm:openai", "llm:mild"))
    result = compare(stage.database, FLAMES, a, b)
    assert result.cautions == ()
    assert len(result.flipped) == sum(level == "1" for level in found.values())
    with pytest.raises(UsageError, match="same judge"):
        sides_for(stage.database, ("甲", "甲"), ("llm:mild", "llm:mild"))


def test_turns_and_orders_are_tested_by_sign_flips(stage: Stage) -> None:
    asked = [Item(id=f"q-{k}", turns=("问", "追"), category=("传统安全", "x")) for k in range(40)]

    def ruler(seed: int) -> Callable[[Item, Exchange], Verdict]:
        draw = random.Random(seed)
        return lambda *_: Verdict(level=draw.choice("0122"))

    for name, seed in (("甲", 1), ("乙", 2)):
        run = stage.run(SC_SAFETY, asked, lambda *_: Reply(text="答"), name=name, model=name)
        stage.judge(run, ruler(seed))
    found = compared(stage, SC_SAFETY)
    overall = next(test for test in found.tests if test.group == "overall")
    assert overall.paired.test.startswith("sign-flip")
    assert overall.paired.n == 40, "the dialogue is the unit, not the turn"
    assert 0 < overall.paired.p <= 1


def test_runs_of_two_benchmarks_do_not_compare(stage: Stage) -> None:
    run_of(stage, "甲", levels(1, 0.9, 10))
    stage.run(CHOICE, [Item(id="c", turns=("问",), category=())], lambda *_: Reply(text="答"), name="乙")
    with pytest.raises(UsageError, match="only runs of one benchmark"):
        sides_for(stage.database, ("甲", "乙"), ())


def test_judges_of_their_own_are_taken_where_each_run_has_one(stage: Stage) -> None:
    for name in ("甲", "乙"):
        run = stage.run(FLAMES, items(30), lambda *_: Reply(text="答"), name=name, model=name)
        stage.judge(run, lambda *_: Verdict(level="3"), identity=f"labels:{name}@1", annotators=("人",))
    found = compared(stage)
    assert any("other judges" in caution for caution in found.cautions)
    told = comparison_fields(found)
    assert told["judge"] == "labels:甲@1 | labels:乙@1"
    assert {"benchmark", "a", "b", "judge", "n", "missing", "tests", "flipped"} <= told.keys()
    assert {"measure", "group", "a", "b", "difference", "low", "high", "p", "p_adjusted", "test", "detectable", "verdict"} <= told["tests"][0].keys()  # fmt: skip
