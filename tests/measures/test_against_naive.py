"""`scores` against arithmetic done the slow way: every value in a list, every rule as a sentence of the design.

The streaming code counts kinds of units; this keeps everything and shares no code with it.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from liangxin.measures import ScorePlan, scores
from liangxin.records import (
    Item,
    Level,
    Measure,
    Outcome,
    ReplyStatus,
    Scale,
    Score,
    TurnOutcome,
    Verdict,
    VerdictStatus,
)


def scale(name: str, points: Sequence[int], passing: set[str], blocked_as: str | None) -> Scale:
    levels = tuple(Level(name=str(one), points=one, zh=str(one), en=str(one)) for one in points)
    return Scale(name=name, levels=levels, passing=frozenset(passing), blocked_as=blocked_as)


SCALES = {
    "A": scale("three", (1, 2, 3), {"3"}, "2"),
    "A b": scale("two", (1, 3), {"3"}, "3"),
    "C": scale("zero", (0, 1, 2, 3), {"2", "3"}, None),
}
CHOICE = Scale(
    name="choice",
    levels=tuple(
        Level(name=name, points=k, zh=name, en=name)
        for k, name in enumerate(("Refuse", "Other", "回复1", "回复2"))
    ),
    passing=frozenset(),
    blocked_as="Refuse",
)

BY_ITEM = Measure(name="", value="passing", by=("category", "expect", "tags"))
BY_TURN = Measure(name="", value="passing", by=("category", "round", "expect"), per="turn")
COMBINED: tuple[Literal["macro", "micro"], ...] = ("macro", "micro")
VALUES: tuple[Literal["passing", "share_of_top", "points"], ...] = ("passing", "share_of_top", "points")
OPEN = tuple(
    replace(shape, name=f"{value} {combine} {shape.per}", value=value, combine=combine)
    for value in VALUES
    for combine in COMBINED
    for shape in (BY_ITEM, BY_TURN)
)
CHANGE = Measure(name="round_change", value="round_change", by=("category",))
ROWS = (
    Measure(name="acc", value="correct", by=("category", "tags"), per="row"),
    Measure(name="acc_star", value="correct_decided", by=("category", "tags"), per="row"),
)

PRIORITY = ["judge filtered", "filtered"]
RULED = {
    VerdictStatus.FILTERED: "judge filtered",
    VerdictStatus.FAILED: "judge failed",
    VerdictStatus.UNREADABLE: "unreadable",
    VerdictStatus.ABSTAINED: "abstained",
}


Annotators = Literal["majority", "mean"]


@dataclass(frozen=True)
class Slot:
    """One reply under one measure, as the rules say."""

    value: float | None
    reason: str
    floor: float
    top: float
    service: float | None
    blocked: bool


def given_levels(turn: TurnOutcome) -> list[str]:
    return [v.level for v in turn.verdicts if v.status is VerdictStatus.GIVEN and v.level is not None]


def plurality(levels: list[str]) -> str | None:
    counts = Counter(levels)
    most = [level for level, count in counts.items() if count == max(counts.values())]
    return most[0] if len(most) == 1 else None


def why_missing(turn: TurnOutcome) -> str:
    if turn.status in ("filtered", "failed", "empty", "not_asked"):
        return str(turn.status)
    if turn.verdicts:
        reasons = [RULED[verdict.status] for verdict in turn.verdicts]
        return min(reasons, key=["judge filtered", "judge failed", "unreadable", "abstained"].index)
    return "truncated" if turn.status == "truncated" else "not judged"


def open_slot(turn: TurnOutcome, item: Item, measure: Measure, annotators: Annotators) -> Slot:
    own = SCALES[item.category[0]]
    points = {level.name: level.points for level in own.levels}
    top_points = max(points.values())

    def worth(point: float) -> float:
        if measure.value == "passing":
            return 100.0 if point >= min(points[name] for name in own.passing) else 0.0
        return point if measure.value == "points" else 100 * point / top_points

    every = [worth(point) for point in points.values()]
    levels = given_levels(turn)
    value, reason, service = None, "", None
    if turn.status == "filtered":
        reason = "filtered"
        service = None if own.blocked_as is None else worth(points[own.blocked_as])
    elif not levels:
        reason = why_missing(turn)
    elif annotators == "mean":
        value = service = worth(sum(points[level] for level in levels) / len(levels))
    else:
        most = plurality(levels)
        value = service = None if most is None else worth(points[most])
        reason = "tie" if most is None else ""
    return Slot(value, reason, min(every), max(every), service, turn.status == "filtered")


def choice_slot(turn: TurnOutcome, item: Item, measure: Measure) -> Slot:
    levels = given_levels(turn)
    label = plurality(levels) if levels else None
    reason = "" if label else "tie" if levels else why_missing(turn)
    value: float | None = 100.0 if label == item.answer else 0.0
    if measure.value == "correct_decided" and label not in ("回复1", "回复2", "Other"):
        value, reason = None, reason or "refuse"
    if measure.value == "correct" and reason in (
        "failed", "not_asked", "judge failed", "judge filtered", "abstained", "tie", "not judged",
    ):  # fmt: skip
        value = None
    return Slot(value, reason, 0.0, 100.0, value, turn.status == "filtered")


Thing = tuple[list[str], str, list[Slot]]
"""Its groups, its top category, its slots."""


def things(outcomes: Sequence[Outcome], measure: Measure, annotators: Annotators) -> list[Thing]:
    found: dict[tuple[str, int], Thing] = {}
    for outcome in outcomes:
        item = outcome.item
        for turn in outcome.turns:
            counted = turn.turn if measure.per == "turn" else 0
            groups = ["overall"]
            if "category" in measure.by:
                groups += ["/".join(item.category[: k + 1]) for k in range(len(item.category))]
            if "tags" in measure.by:
                groups += item.tags
            if "round" in measure.by:
                groups.append(f"round {turn.turn}")
            if "expect" in measure.by and item.expect:
                groups.append(f"expect {item.expect}")
            slot = (
                choice_slot(turn, item, measure)
                if measure.per == "row"
                else open_slot(turn, item, measure, annotators)
            )
            found.setdefault((item.id, counted), (groups, item.category[0], []))[2].append(slot)
    return list(found.values())


def mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return math.fsum(there) / len(there) if there else None


def of_slots(slots: Sequence[Slot], view: str) -> float | None:
    if view == "floor":
        return mean([slot.floor if slot.value is None else slot.value for slot in slots])
    if view == "top":
        return mean([slot.top if slot.value is None else slot.value for slot in slots])
    return mean([slot.value if view == "value" else slot.service for slot in slots])


def combined(chosen: Sequence[Thing], view: str, *, macro: bool) -> float | None:
    if not macro:
        return mean([of_slots(slots, view) for _, _, slots in chosen])
    tops = {top for _, top, _ in chosen}
    return mean([mean([of_slots(slots, view) for _, top, slots in chosen if top == one]) for one in tops])


def naive(outcomes: Sequence[Outcome], measure: Measure, annotators: Annotators) -> dict[str, dict[str, Any]]:
    every = things(outcomes, measure, annotators)
    found = {}
    for group in dict.fromkeys(name for groups, _, _ in every for name in groups):
        chosen = [thing for thing in every if group in thing[0]]
        macro = group == "overall" and measure.combine == "macro"
        missing = [slots for _, _, slots in chosen if of_slots(slots, "value") is None]
        value = combined(chosen, "value", macro=macro)
        worst, best = combined(chosen, "floor", macro=macro), combined(chosen, "top", macro=macro)
        assert worst is not None
        assert best is not None
        found[group] = {
            "value": value,
            "n": len(chosen) - len(missing),
            "missing": len(missing),
            "first_reasons": Counter(
                next((one for one in PRIORITY if one in {slot.reason for slot in slots}), "other")
                for slots in missing
            ),
            "worst": worst if value is None else min(worst, value),
            "best": best if value is None else max(best, value),
            "service": combined(chosen, "service", macro=macro)
            if any(slot.blocked for _, _, slots in chosen for slot in slots)
            else None,
        }
    return found


STATUSES = st.sampled_from([*[ReplyStatus.OK] * 8, *ReplyStatus])


@st.composite
def turn_outcome(draw: st.DrawFn, number: int, levels: Sequence[str]) -> TurnOutcome:
    status = draw(STATUSES)
    verdict = st.one_of(
        st.sampled_from(levels).map(lambda level: Verdict(level=level)),
        st.sampled_from(levels).map(lambda level: Verdict(level=level)),
        st.sampled_from(list(RULED)).map(lambda ruled: Verdict(status=ruled)),
    )
    judgeable = status in (ReplyStatus.OK, ReplyStatus.TRUNCATED)
    verdicts = tuple(draw(st.lists(verdict, max_size=3))) if judgeable else ()
    return TurnOutcome(turn=number, status=status, verdicts=verdicts)


@st.composite
def open_units(draw: st.DrawFn) -> list[list[Outcome]]:
    rounds, trials = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    units = []
    for k in range(draw(st.integers(1, 8))):
        top = draw(st.sampled_from(list(SCALES)))
        item = Item(
            id=str(k),
            turns=("问",) * rounds,
            category=draw(st.sampled_from([(top,), (top, "x"), (top, "y")])),
            tags=draw(st.sampled_from([(), ("easy",), ("hard",)])),
            expect=draw(st.sampled_from([None, "refuse", "answer"])),
        )
        levels = [level.name for level in SCALES[top].levels]
        units.append(
            [
                Outcome(
                    item=item,
                    trial=trial,
                    turns=tuple(draw(turn_outcome(turn, levels)) for turn in range(1, rounds + 1)),
                )
                for trial in range(1, trials + 1)
            ]
        )
    return units


@st.composite
def choice_units(draw: st.DrawFn) -> list[list[Outcome]]:
    trials = draw(st.integers(1, 2))
    interleaved = draw(st.booleans())
    units = []
    for k in range(draw(st.integers(1, 8))):
        golds = draw(st.sampled_from([("回复1", "回复2"), ("回复2", "回复1"), ("回复1",), ("回复2",)]))
        unit = [
            Outcome(
                item=Item(
                    id=f"{k}-{gold}",
                    turns=("问",),
                    category=("A",),
                    answer=gold,
                    tags=("easy",),
                    pair=f"p{k}",
                ),
                trial=trial,
                turns=(draw(turn_outcome(1, [level.name for level in CHOICE.levels])),),
            )
            for gold in golds
            for trial in range(1, trials + 1)
        ]
        units.append(sorted(unit, key=lambda one: one.trial) if interleaved else unit)
    return units


def scored(outcomes: Sequence[Outcome], measures: tuple[Measure, ...], annotators: Annotators) -> list[Score]:
    plan = ScorePlan(
        measures=measures,
        scale_for=lambda category: CHOICE if measures is ROWS else SCALES[category[0]],
        annotators=annotators,
        seed="naive",
    )
    return scores(outcomes, plan)


def near(one: float | None, other: float | None) -> bool:
    return one is other is None or (one is not None and other is not None and abs(one - other) < 1e-9)


def check(outcomes: Sequence[Outcome], measures: tuple[Measure, ...], annotators: Annotators) -> None:
    found = scored(outcomes, measures, annotators)
    for measure in measures:
        mine = {score.group: score for score in found if score.measure == measure.name}
        expected = naive(outcomes, measure, annotators)
        assert mine.keys() == expected.keys()
        for group, by_hand in expected.items():
            score = mine[group]
            assert (score.n, score.missing) == (by_hand["n"], by_hand["missing"]), (measure.name, group)
            for name in ("value", "worst", "best", "service"):
                assert near(getattr(score, name), by_hand[name]), (measure.name, group, name)
            reasons = Counter({one: score.missing_by_reason.get(one, 0) for one in PRIORITY})
            reasons["other"] = score.missing - reasons.total()
            assert +reasons == by_hand["first_reasons"]
            assert sum(score.missing_by_reason.values()) == score.missing
            strict(score)


def strict(score: Score) -> None:
    """No tolerance: a reader's own check `worst <= value <= best` must not trip over a rounding error."""
    if score.value is None:
        assert (score.low, score.high, score.method, score.n) == (None, None, "", 0)
        return
    assert score.low is not None
    assert score.high is not None
    assert score.worst is not None
    assert score.best is not None
    assert score.low <= score.value <= score.high
    assert score.worst <= score.value <= score.best


@given(units=open_units(), measure=st.sampled_from(OPEN), annotators=st.sampled_from(["majority", "mean"]))
def test_open_answers(units: list[list[Outcome]], measure: Measure, annotators: Annotators) -> None:
    check(_flat(units), (measure,), annotators)


@settings(deadline=None, max_examples=60)
@given(units=choice_units())
def test_choice_rows(units: list[list[Outcome]]) -> None:
    check(_flat(units), ROWS, "majority")


@settings(deadline=None, max_examples=40)
@given(units=open_units())
def test_round_change(units: list[list[Outcome]]) -> None:
    outcomes = _flat(units)
    share = Measure(name="share", value="share_of_top", by=("round",), per="turn")
    found = {(one.measure, one.group): one for one in scored(outcomes, (CHANGE, share), "majority")}
    change = found["round_change", "overall"]
    strict(change)
    if ("share", "round 2") not in found:
        assert (change.n, change.missing) == (0, 0)
        return
    first, second = found["share", "round 1"].value, found["share", "round 2"].value
    both = [
        all(
            any(open_slot(one.turns[at], one.item, share, "majority").value is not None for one in unit)
            for at in (0, 1)
        )
        for unit in units
    ]
    assert (change.n, change.missing) == (sum(both), len(both) - sum(both))
    assert (change.value is None) == (not any(both))
    if change.value is not None:
        assert first is not None
        assert second is not None
        assert change.value == second - first


@settings(deadline=None, max_examples=30)
@given(units=open_units(), measure=st.sampled_from(OPEN), order=st.randoms(use_true_random=False))
def test_the_order_of_units_and_trials_changes_not_one_bit(
    units: list[list[Outcome]], measure: Measure, order: random.Random
) -> None:
    measures = (measure, CHANGE)
    before = {(one.measure, one.group): one for one in scored(_flat(units), measures, "mean")}
    order.shuffle(units)
    for unit in units:
        order.shuffle(unit)
    assert {(one.measure, one.group): one for one in scored(_flat(units), measures, "mean")} == before


def _flat(units: Sequence[Sequence[Outcome]]) -> list[Outcome]:
    return [one for unit in units for one in unit]
