"""Position bias, counted row by row and pair by pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.measures import PositionBias, position_bias, wilson
from liangxin.records import Item, Outcome, ReplyStatus, TurnOutcome, Verdict, VerdictStatus

FIRST, SECOND = "回复1", "回复2"
CHOICES = st.sampled_from([FIRST, SECOND, "Other", "Refuse", ""])


def row(pair: int, gold: str, *labels: str, trial: int = 1) -> Outcome:
    """One row as annotators read it; an empty label is an unreadable answer."""
    verdicts = tuple(
        Verdict(level=label) if label else Verdict(status=VerdictStatus.UNREADABLE) for label in labels
    )
    item = Item(id=f"{pair}-{gold}", turns=("问",), category=("law",), answer=gold, pair=f"p{pair}")
    return Outcome(
        item=item, trial=trial, turns=(TurnOutcome(turn=1, status=ReplyStatus.OK, verdicts=verdicts),)
    )


def pairs(*chosen: tuple[str, str]) -> list[Outcome]:
    """Both orders of each pair, the better reply first and then second."""
    return [
        row(k, gold, label)
        for k, labels in enumerate(chosen)
        for gold, label in zip((FIRST, SECOND), labels, strict=True)
    ]


def test_a_model_that_takes_the_first() -> None:
    bias = position_bias(pairs((FIRST, FIRST), (FIRST, FIRST)))
    assert (bias.chose_first, bias.decided, bias.share_first) == (4, 4, 100)
    assert (bias.consistent, bias.both_first, bias.both_second, bias.pairs_decided) == (0, 2, 0, 2)
    assert (bias.gold_first, bias.gold_first_right, bias.gold_second, bias.gold_second_right) == (2, 2, 2, 0)


def test_a_model_that_knows_and_one_that_knows_the_opposite_are_both_consistent() -> None:
    bias = position_bias(pairs((FIRST, SECOND), (SECOND, FIRST)))
    assert (bias.consistent, bias.pairs_decided, bias.share_first) == (2, 2, 50)
    assert (bias.gold_first_right, bias.gold_second_right) == (1, 1)


def test_undecided_rows_are_left_out_with_their_pairs() -> None:
    bias = position_bias(pairs((FIRST, "Other"), ("Refuse", ""), (SECOND, SECOND)))
    assert (bias.decided, bias.pairs_decided, bias.both_second) == (3, 1, 1)


def test_annotators_decide_by_majority() -> None:
    bias = position_bias([row(1, FIRST, FIRST, SECOND, SECOND), row(1, SECOND, FIRST, SECOND)])
    assert (bias.decided, bias.chose_first) == (1, 0)


def test_of_several_trials_the_first_counts() -> None:
    outcomes = [row(1, FIRST, FIRST), row(1, FIRST, SECOND, trial=2)]
    assert (position_bias(outcomes).decided, position_bias(outcomes).chose_first) == (1, 1)


@pytest.mark.parametrize("outcomes", [[], pairs(("Refuse", ""))])
def test_nothing_decided(outcomes: list[Outcome]) -> None:
    bias = position_bias(outcomes)
    assert (bias.decided, bias.share_first, bias.low, bias.high) == (0, None, None, None)


@given(chosen=st.lists(st.tuples(CHOICES, CHOICES), max_size=30))
def test_the_counts_add_up(chosen: list[tuple[str, str]]) -> None:
    bias: PositionBias = position_bias(iter(pairs(*chosen)))
    both = [pair for pair in chosen if set(pair) <= {FIRST, SECOND}]
    assert bias.decided == bias.gold_first + bias.gold_second
    assert bias.decided == sum(label in (FIRST, SECOND) for pair in chosen for label in pair)
    assert bias.chose_first == sum(label == FIRST for pair in chosen for label in pair)
    assert bias.pairs_decided == len(both) == bias.consistent + bias.both_first + bias.both_second
    if bias.decided:
        low, high = wilson(bias.chose_first, bias.decided)
        assert (bias.low, bias.high) == (100 * low, 100 * high)
