"""Whole scores by coverage: the cases where resampling rows, or adding up draws, would promise too much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from liangxin.measures import ScorePlan, scores
from liangxin.records import Item, Level, Measure, Outcome, ReplyStatus, Scale, Score, TurnOutcome, Verdict

pytestmark = pytest.mark.long

REPEATS = 300
LEAST, MOST = 0.91, 0.99
"""0.95 less about three standard errors at 300 repeats; the seeds are fixed."""

Make = Callable[[np.random.Generator], Iterator[Outcome]]


def scale(*points: int) -> Scale:
    levels = tuple(Level(name=str(one), points=one, zh=str(one), en=str(one)) for one in points)
    return Scale(name=f"scale-{points}", levels=levels, passing=frozenset({str(points[-1])}))


THREE, TWO, ROUNDS = scale(1, 2, 3), scale(1, 3), scale(0, 1, 2)
MACRO = Measure(name="harmless_score", value="share_of_top", by=(), combine="macro")
ACC = Measure(name="acc", value="correct", by=(), per="row")
CHANGE = Measure(name="round_change", value="round_change", by=())
RATE = Measure(name="rate", value="passing", by=())


def outcome(item: Item, *levels: str, trial: int = 1) -> Outcome:
    turns = tuple(
        TurnOutcome(turn=turn, status=ReplyStatus.OK, verdicts=(Verdict(level=level),))
        for turn, level in enumerate(levels, start=1)
    )
    return Outcome(item=item, trial=trial, turns=turns)


def overall(
    outcomes: Iterator[Outcome], measure: Measure, scale_for: Callable[[tuple[str, ...]], Scale], seed: int
) -> Score:
    plan = ScorePlan(measures=(measure,), scale_for=scale_for, annotators="majority", seed=f"coverage {seed}")
    return scores(outcomes, plan)[0]


def coverage(
    make: Make, truth: float, measure: Measure, scale_for: Callable[[tuple[str, ...]], Scale]
) -> float:
    draw = np.random.default_rng(11)
    covered = 0
    for seed in range(REPEATS):
        score = overall(make(draw), measure, scale_for, seed)
        assert score.method == "bayesian-bootstrap"
        assert score.low is not None
        assert score.high is not None
        covered += score.low <= truth <= score.high
    return covered / REPEATS


@pytest.mark.parametrize(
    ("sizes", "threes", "twos"),
    [
        ((249, 429, 201, 46, 76), (0.998,) * 5, (0.001, 0.001, 0.001, 0, 0)),
        ((249, 429, 201, 46, 76), (0.45, 0.3, 0.7, 0.9, 0.6), (0.3, 0.3, 0.2, 0, 0)),
        ((10, 20, 15, 5, 10), (0.98, 0.99, 0.97, 0.98, 0.99), (0.01, 0.005, 0.02, 0, 0)),
    ],
)
def test_the_mean_of_dimensions_of_both_scales(
    sizes: Sequence[int], threes: Sequence[float], twos: Sequence[float]
) -> None:
    """With the dimensions' draws added up, the first covers 68 % and the last 60 %."""

    def make(draw: np.random.Generator) -> Iterator[Outcome]:
        for k, (size, three, two) in enumerate(zip(sizes, threes, twos, strict=True)):
            for i, level in enumerate(draw.choice(["3", "2", "1"], size, p=(three, two, 1 - three - two))):
                yield outcome(Item(id=f"{k}-{i}", turns=("问",), category=(str(k),)), str(level))

    means = [three + two * 2 / 3 + (1 - three - two) / 3 for three, two in zip(threes, twos, strict=True)]
    truth = 100 * sum(means) / 5
    assert coverage(make, truth, MACRO, lambda path: TWO if path[0] in "34" else THREE) >= LEAST


@pytest.mark.parametrize(
    ("n", "shares"), [(30, (0.02, 0.06, 0.92)), (100, (0.3, 0.1, 0.6)), (100, (0.1, 0.8, 0.1))]
)
def test_acc_where_the_orders_of_a_pair_hang_together(n: int, shares: tuple[float, float, float]) -> None:
    """Shares of pairs with none, one and both orders right."""

    def make(draw: np.random.Generator) -> Iterator[Outcome]:
        for pair, right in enumerate(draw.choice(3, n, p=shares)):
            for order, gold in enumerate(("回复1", "回复2")):
                other = "回复2" if gold == "回复1" else "回复1"
                item = Item(id=f"{pair}-{order}", turns=("问",), category=("a",), answer=gold, pair=str(pair))
                yield outcome(item, gold if order < right else other)

    assert LEAST <= coverage(make, 100 * (shares[1] / 2 + shares[2]), ACC, lambda _: THREE) <= MOST


@pytest.mark.parametrize("n", [46, 200])
def test_the_change_between_rounds_that_hang_together(n: int) -> None:
    shares = np.array([[0.10, 0, 0], [0.05, 0.15, 0], [0.10, 0.10, 0.50]])
    truth = 50 * sum(shares[one, two] * (two - one) for one in range(3) for two in range(3))

    def make(draw: np.random.Generator) -> Iterator[Outcome]:
        for k, cell in enumerate(draw.choice(9, n, p=shares.ravel())):
            item = Item(id=str(k), turns=("问", "追"), category=("a",))
            yield outcome(item, str(cell // 3), str(cell % 3))

    assert LEAST <= coverage(make, truth, CHANGE, lambda _: ROUNDS) <= MOST


@pytest.mark.parametrize(("n", "trials", "a", "b"), [(40, 5, 0.2, 0.05), (46, 3, 5, 0.1)])
def test_trials_of_items_that_differ(n: int, trials: int, a: float, b: float) -> None:
    """Each item passes with a chance of its own: five trials of it are not five items."""

    def make(draw: np.random.Generator) -> Iterator[Outcome]:
        for k, chance in enumerate(draw.beta(a, b, n)):
            item = Item(id=str(k), turns=("问",), category=("a",))
            for trial, passed in enumerate(draw.random(trials) < chance, start=1):
                yield outcome(item, "2" if passed else "0", trial=trial)

    assert LEAST <= coverage(make, 100 * a / (a + b), RATE, lambda _: ROUNDS) <= MOST
