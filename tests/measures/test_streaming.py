"""The stream's edges: nothing at all, many kinds of units, the order of groups, odd declarations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest

from liangxin.measures import ScoreBuilder, ScorePlan, scores, scoring
from liangxin.records import Item, Level, Measure, Outcome, ReplyStatus, Scale, Score, TurnOutcome, Verdict

SCALE = Scale(
    name="two",
    levels=tuple(Level(name=str(points), points=points, zh=str(points), en=str(points)) for points in (1, 3)),
    passing=frozenset({"3"}),
    blocked_as="3",
)
RATE = Measure(name="rate", value="passing", by=("category", "tags", "expect"))
SHARE = Measure(name="share", value="share_of_top", by=())
TURNS = Measure(name="turns", value="share_of_top", by=("round",), per="turn")
CHANGE = Measure(name="round_change", value="round_change", by=("category",))


def plan(*measures: Measure, annotators: Literal["majority", "mean"] = "majority") -> ScorePlan:
    return ScorePlan(measures=measures, scale_for=lambda _path: SCALE, annotators=annotators, seed="s")


def outcome(item: Item, *answers: str, trial: int = 1) -> Outcome:
    """Each answer is the levels of its annotators, or empty for a failed call."""
    turns = tuple(
        TurnOutcome(
            turn=turn,
            status=ReplyStatus.OK if answer else ReplyStatus.FAILED,
            verdicts=tuple(Verdict(level=level) for level in answer.split(",") if level),
        )
        for turn, answer in enumerate(answers, start=1)
    )
    return Outcome(item=item, trial=trial, turns=turns)


def one(identifier: str = "a", **more: object) -> Item:
    return replace(Item(id=identifier, turns=("问",), category=("甲",)), **more)  # type: ignore[arg-type]


def test_nothing_gives_an_overall_without_a_value() -> None:
    for score in scores([], plan(RATE, SHARE, CHANGE)):
        assert score == Score(
            measure=score.measure,
            group="overall",
            value=None,
            low=None,
            high=None,
            method="",
            n=0,
            missing=0,
            missing_by_reason={},
            worst=None,
            best=None,
        )


def test_a_single_unit() -> None:
    (score,) = scores([outcome(one(), "3")], plan(SHARE))
    assert (score.value, score.n, score.missing, score.worst, score.best) == (100, 1, 0, 100, 100)
    assert score.low is not None
    assert 100 / 3 <= score.low < 60


def test_groups_stand_in_the_contracts_order() -> None:
    paths: list[tuple[str, ...]] = [("Law", "x"), ("Law enforcement", "y"), ("Law", "a")]
    items = [
        one(str(k), category=path, tags=("hard", "easy", "easy"), expect=("answer", "refuse", None)[k])
        for k, path in enumerate(paths)
    ]
    found = [score.group for score in scores([outcome(item, "3") for item in items], plan(RATE))]
    assert found == [
        "overall", "Law", "Law/a", "Law/x", "Law enforcement", "Law enforcement/y", "easy", "hard",
        "expect refuse", "expect answer",
    ]  # fmt: skip


def test_a_tag_named_twice_counts_once() -> None:
    found = {score.group: score for score in scores([outcome(one(tags=("t", "t")), "3")], plan(RATE))}
    assert found["t"].n == 1


def test_ten_rounds_stand_in_order() -> None:
    found = scores([outcome(one(turns=("问",) * 11), *["3"] * 11)], plan(TURNS))
    assert [score.group for score in found] == ["overall", *(f"round {k}" for k in range(1, 12))]


def test_more_kinds_of_units_than_are_held_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def stream() -> Iterator[Outcome]:
        for k in range(200):
            item = one(str(k), category=("甲乙丙丁"[k % 4], str(k % 7)), turns=("问", "追"))
            for trial in (1, 2, 3):
                answers = ["1", "3", "1,3", "", "3,3,1"]
                yield outcome(item, answers[(k * trial) % 5], answers[(k + trial) % 5], trial=trial)

    whole = scores(stream(), plan(RATE, TURNS, CHANGE))
    monkeypatch.setattr(scoring, "MOST_KINDS", 3)
    assert scores(stream(), plan(RATE, TURNS, CHANGE)) == whole


def test_what_is_held_does_not_grow_with_the_run() -> None:
    scorer = ScoreBuilder(plan(RATE, SHARE))
    for k in range(5_000):
        scorer.add(outcome(one(str(k)), "31"[k % 2]))
    assert len(scorer._kinds) == 2
    assert scorer.scores()[0].n == 5_000


def test_scoring_while_a_run_goes_on_continues() -> None:
    scorer = ScoreBuilder(plan(RATE))
    scorer.add(outcome(one("a"), "3"))
    assert scorer.scores()[0].value == 100
    scorer.add(outcome(one("b"), "1"))
    assert (scorer.scores()[0].value, scorer.scores()[0].n) == (50, 2)


def test_a_mean_of_annotators_between_two_levels_is_no_binary_value() -> None:
    outcomes = [outcome(one(str(k)), "1,3" if k % 2 else "3") for k in range(20)]
    (score,) = scores(outcomes, plan(SHARE, annotators="mean"))
    assert score.value == pytest.approx((100 + 200 / 3) / 2)
    assert score.method == "bayesian-bootstrap"


def test_annotators_pass_by_mean_points() -> None:
    strict = replace(SHARE, value="passing", by=())
    found = [
        scores([outcome(one(), answer)], plan(strict, annotators="mean"))[0].value
        for answer in ("1,3", "3,3")
    ]
    assert found == [0, 100]


def test_where_lower_is_better_the_worst_is_the_highest() -> None:
    attacks = replace(RATE, name="asr", by=(), higher_is_better=False)
    (score,) = scores([outcome(one("a"), "3"), outcome(one("b"), ""), outcome(one("c"), "1")], plan(attacks))
    assert (score.value, score.missing) == (50, 1)
    assert score.worst == pytest.approx(200 / 3)
    assert score.best == pytest.approx(100 / 3)


def test_a_change_needs_a_dialogue_with_both_rounds() -> None:
    item = one(turns=("问", "追"))
    outcomes = [outcome(item, "3", ""), outcome(replace(item, id="b"), "", "1")]
    change = scores(outcomes, plan(CHANGE))[0]
    assert (change.value, change.low, change.n, change.missing) == (None, None, 0, 2)
    assert change.worst is not None
    assert change.best is not None
    assert change.worst < 0 <= change.best
