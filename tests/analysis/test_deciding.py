"""Whether a run meets a bound: exact, one look at a planned n, or any number of looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liangxin.analysis.deciding import Decided, DecisionQuestion, answer_fields, decide
from liangxin.benchmarks import BENCHMARKS
from liangxin.errors import JudgeError, UsageError
from liangxin.records import Exchange, Item, Reply, ReplyStatus, Verdict
from liangxin.store import Runs

FLAMES = BENCHMARKS.get("flames")
SAFETY = BENCHMARKS.get("cvalues-safety")
RESPONSIBILITY = BENCHMARKS.get("cvalues-responsibility")
Stage = Any


def items(count: int, *tops: str) -> list[Item]:
    names = tops or ("Safety",)
    return [
        Item(id=f"q-{k}", turns=(f"第 {k} 问",), category=(names[k % len(names)], "x")) for k in range(count)
    ]


def passing(successes: int, good: str = "3", bad: str = "1") -> Callable[[Item, Exchange], Verdict]:
    def rule(item: Item, _exchange: Exchange) -> Verdict:
        return Verdict(level=good if int(item.id[2:]) < successes else bad)

    return rule


def answered(*_: Any) -> Reply:
    return Reply(text="答")


def ask(
    stage: Stage,
    benchmark: Any,
    asked: list[Item],
    rule: Callable[[Item, Exchange], Verdict],
    *,
    measure: str = "harmless_rate",
    reply: Any = answered,
    trials: int = 1,
    **question: Any,
) -> Decided:
    data = f"{abs(hash(tuple(asked))):064x}"[:64]
    run = stage.run(benchmark, asked, reply, trials=trials, data=data)
    stage.judge(run, rule)
    return again(stage, run, benchmark, measure=measure, **question)


def again(
    stage: Stage, run: Any, benchmark: Any, *, measure: str = "harmless_rate", **question: Any
) -> Decided:
    (judge,) = Runs(stage.database).judges(run)
    bounds = {"at_least": None, "at_most": None, "judge_trusted": True}
    values = {"measure": measure, "group": "overall"} | bounds | question
    return decide(stage.database, run, benchmark, judge, DecisionQuestion(**values))


@pytest.mark.parametrize(
    ("successes", "verdict"), [(1000, "meets"), (916, "meets"), (915, "undecided"), (884, "undecided"), (883, "fails")]
)  # fmt: skip
def test_916_of_1000_is_the_least_that_meets_90(stage: Stage, successes: int, verdict: str) -> None:
    found = ask(stage, FLAMES, items(1000), passing(successes), at_least=90.0)
    assert found.decision.verdict == verdict
    assert (found.decision.n, found.missing) == (1000, 0)
    told = answer_fields(found)
    assert told["value"] == pytest.approx(successes / 10)
    assert told["low"] < told["value"] or successes == 0
    assert (told["further_items"] is None) == (verdict != "undecided")


def test_at_most_is_the_mirror(stage: Stage) -> None:
    found = ask(stage, SAFETY, items(1000), passing(84, "safe", "unsafe"), measure="safe_rate", at_most=10.0)
    assert found.decision.verdict == "meets"


def test_a_mean_of_dimensions_is_bounded_as_one(stage: Stage) -> None:
    """Five dimensions of 200 at 97 %: the bound of their mean lies below what one group of 1,000 would have."""
    tops = [one.name for one in FLAMES.taxonomy]
    found = ask(stage, FLAMES, items(1000, *tops), passing(970), at_least=90.0)
    assert found.decision.verdict == "meets"
    assert found.decision.method == "chernoff over groups"
    one = ask(stage, FLAMES, items(1000), passing(970), at_least=90.0, group="Safety")
    assert one.decision.low > found.decision.low > 0.9


def test_points_are_decided_in_points(stage: Stage) -> None:
    found = ask(
        stage,
        RESPONSIBILITY,
        items(300),
        passing(250, "9", "3"),
        measure="responsibility_score",
        at_least=7.0,
    )
    told = answer_fields(found)
    assert told["value"] == pytest.approx((250 * 9 + 50 * 3) / 300)
    assert told["verdict"] == "meets"
    assert 7 < told["low"] < told["value"] < told["high"] < 10


def test_several_trials_are_one_unit(stage: Stage) -> None:
    """Three trials an item that agree are no three items."""
    found = ask(stage, FLAMES, items(100), passing(97), trials=3, at_least=90.0)
    single = ask(stage, SAFETY, items(100), passing(97, "safe", "unsafe"), measure="safe_rate", at_least=90.0)
    assert found.decision.n == single.decision.n == 100
    assert found.decision.low < single.decision.value


def test_missing_units_are_counted_and_not_decided_on(stage: Stage) -> None:
    def reply(item: Item, *_: Any) -> Reply:
        blocked = Reply(status=ReplyStatus.FILTERED, detail="input: x")
        return blocked if int(item.id[2:]) % 10 == 9 else Reply(text="答")

    found = ask(stage, FLAMES, items(100), passing(100), reply=reply, at_least=90.0)
    assert (found.decision.n, found.missing) == (90, 10)


def test_the_same_data_are_one_look(stage: Stage) -> None:
    run = stage.run(FLAMES, items(500), answered)
    stage.judge(run, passing(500))
    first = again(stage, run, FLAMES, at_least=90.0)
    assert (first.decision.verdict, len(first.looks), first.spent) == ("meets", 1, False)
    same = again(stage, run, FLAMES, at_least=90.0)
    assert (same.decision.verdict, len(same.looks), same.spent) == ("meets", 1, False)


def test_a_second_look_claims_nothing_unless_it_is_sequential(stage: Stage) -> None:
    run = stage.run(FLAMES, items(400), answered)
    half = {f"q-{k}" for k in range(200)}
    stage.judge(run, lambda item, _: Verdict(level="3") if item.id in half else None)
    first = again(stage, run, FLAMES, at_least=90.0)
    early = again(stage, run, FLAMES, at_least=90.0, sequential=True)
    assert (first.decision.n, first.decision.verdict, early.decision.verdict) == (200, "meets", "meets")
    stage.judge(run, lambda item, _: None if item.id in half else Verdict(level="3"))
    second = again(stage, run, FLAMES, at_least=90.0)
    assert (second.decision.n, second.spent, second.decision.verdict) == (400, True, "undecided")
    assert [look.n for look in second.looks] == [200, 400]
    late = again(stage, run, FLAMES, at_least=90.0, sequential=True)
    assert (late.spent, late.decision.verdict, len(late.looks)) == (False, "meets", 2)
    other = again(stage, run, FLAMES, at_least=80.0)
    assert not other.spent, "another bound is another question"


def test_sequential_bounds_are_wider(stage: Stage) -> None:
    run = stage.run(FLAMES, items(300, "Safety", "Fairness"), answered)
    stage.judge(run, passing(280))
    planned, anytime = (again(stage, run, FLAMES, at_least=80.0, sequential=one) for one in (False, True))
    assert anytime.decision.low < planned.decision.low
    assert "Bonferroni" in anytime.decision.method


@pytest.mark.parametrize(
    ("question", "error", "said"),
    [
        ({"measure": "acc", "at_least": 90.0}, UsageError, "harmless_rate"),
        ({"measure": "refusal_rate", "at_least": 90.0}, JudgeError, "no such levels"),
        ({"measure": "harmless_rate", "at_least": 90.0, "group": "Legality"}, UsageError, "Safety"),
        ({"measure": "harmless_rate", "at_least": -1.0}, UsageError, "outside"),
    ],
)
def test_what_cannot_be_decided_says_why(
    stage: Stage, question: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        ask(stage, FLAMES, items(20), passing(10), **question)
