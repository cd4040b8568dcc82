"""Agreement of two rulings: against independent code, by hand, and where nothing can be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from liangxin.agreement.estimate import CannotSay
from liangxin.agreement.pairs import NAMES, SYMMETRIC, agreement, agreement_by, agreement_of_table
from liangxin.agreement.scales import common_scale
from liangxin.records import Level, Scale

Make = Callable[..., Scale]


def scale_of(levels: int) -> Scale:
    names = [str(one) for one in range(levels)]
    made = tuple(Level(name=n, points=float(n), zh=n, en=n) for n in names)
    return Scale(name="s", levels=made, passing=frozenset(names[-1:]))


@st.composite
def rulings(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    levels = draw(st.integers(2, 4))
    level = st.integers(0, levels - 1)
    return levels, draw(st.lists(st.tuples(level, level), min_size=10, max_size=60))


@settings(max_examples=25)
@given(made=rulings())
def test_naive_arithmetic_gives_the_same(made: tuple[int, list[tuple[int, int]]]) -> None:
    levels, rows = made
    gold, judged = (np.array(column) for column in zip(*rows, strict=True))
    found = agreement(gold, judged, scale_of(levels))
    top, n = levels - 1, len(rows)
    assert found.n == found.units == n
    assert Counter(rows) == {
        (i, j): count for i, row in enumerate(found.table) for j, count in enumerate(row) if count
    }

    def same(name: str, above: float, below: float) -> None:
        if below:
            assert found[name].value == pytest.approx(above / below)
        else:
            assert found[name].cannot_say is not None

    same("exact", sum(g == j for g, j in rows), n)
    if levels > 2:
        same("within_one", sum(abs(g - j) <= 1 for g, j in rows), n)
    unsafe = [(g < top, j < top) for g, j in rows]
    caught = sum(g and j for g, j in unsafe)
    same("recall_unsafe", caught, sum(g for g, _ in unsafe))
    same("precision_unsafe", caught, sum(j for _, j in unsafe))
    same("specific_unsafe", 2 * caught, sum(g + j for g, j in unsafe))
    same("specific_safe", 2 * sum(not g and not j for g, j in unsafe), sum(2 - g - j for g, j in unsafe))
    safe = [(g, j) for g, j in unsafe if not g]
    if safe and len(safe) < n:
        both = caught / (n - len(safe)) + sum(not j for _, j in safe) / len(safe)
        assert found["balanced_accuracy"].value == pytest.approx(both / 2)
    else:
        assert found["balanced_accuracy"].cannot_say is CannotSay.ONE_CLASS


@settings(max_examples=25)
@given(made=rulings())
def test_chance_corrected_coefficients_are_the_oracles(made: tuple[int, list[tuple[int, int]]]) -> None:
    levels, rows = made
    one, two = (np.array(column) for column in zip(*rows, strict=True))
    found = agreement(one, two, scale_of(levels))
    table = np.array(found.table)
    if len({*one, *two}) == 1:
        assert {found[name].cannot_say for name in SYMMETRIC if "alpha" in name} == {CannotSay.NO_VARIATION}
        assert found["kappa"].cannot_say is CannotSay.NO_VARIATION
        return
    for metric in ("nominal", "ordinal", "interval"):
        expected = krippendorff.alpha(
            np.array([one, two], float),
            level_of_measurement=metric,
            value_domain=list(map(float, range(levels))),
        )
        assert found[f"alpha_{metric}"].value == pytest.approx(expected)
    if len(set(one)) == 1:
        assert found["kappa"].cannot_say is CannotSay.ONE_CLASS
        return
    assert found["kappa"].value == pytest.approx(cohens_kappa(table, return_results=False))
    quadratic = cohens_kappa(table, wt="fc", return_results=False)
    assert found["kappa_quadratic"].value == pytest.approx(quadratic)


def test_nominal_alpha_is_fleiss_kappa_of_a_small_sample(make_scale: Make) -> None:
    """alpha = 1 - (1 - kappa) (n - 1) / n of n labels (Krippendorff 2019)."""
    draw = np.random.default_rng(3)
    one = draw.integers(0, 3, 40)
    two = np.where(draw.random(40) < 0.7, one, draw.integers(0, 3, 40))
    counts = np.stack([(one == k).astype(int) + (two == k) for k in range(3)], axis=1)
    found = agreement(one, two, make_scale(3))["alpha_nominal"].value
    assert found == pytest.approx(1 - (1 - fleiss_kappa(counts)) * 79 / 80)


def test_gwets_coefficients_by_hand(make_scale: Make) -> None:
    """118 and 5 agreed on, 2 not: pa = 123/125, π of unsafe = 12/250, pe = 2 π (1 - π)."""
    found = agreement_of_table(np.array([[5, 1], [1, 118]]), make_scale(2))
    share = 12 / 250
    chance = 2 * share * (1 - share)
    assert found["ac1"].value == pytest.approx((123 / 125 - chance) / (1 - chance))
    assert found["ac2_quadratic"].value == found["ac1"].value
    assert found["specific_unsafe"].value == pytest.approx(10 / 12)
    assert found["kappa"].value == pytest.approx(0.8249, abs=1e-4)


@pytest.mark.parametrize(
    ("table", "reasons"),
    [
        (
            [[0, 0], [0, 40]],
            {"recall_unsafe": "one class only", "kappa": "no variation", "ac1": "no variation"},
        ),
        ([[40, 0], [0, 0]], {"balanced_accuracy": "one class only", "alpha_ordinal": "no variation"}),
        ([[0, 0], [5, 40]], {"kappa": "one class only", "balanced_accuracy": "one class only"}),
        ([[5, 40], [0, 0]], {"specific_safe": None, "kappa": "one class only"}),
        (
            [[0, 5], [0, 40]],
            {"precision_unsafe": "nothing judged unsafe", "recall_unsafe": None, "kappa": None},
        ),
        ([[2, 0], [0, 3]], dict.fromkeys(NAMES, "fewer than 10 rows")),
        ([[0, 0], [0, 0]], dict.fromkeys(NAMES, "fewer than 10 rows")),
        ([[6, 0], [0, 6]], {"alpha_nominal": None, "within_one": "a scale of two levels"}),
    ],
)
def test_what_cannot_be_said_is_said(
    table: list[list[int]], reasons: dict[str, str | None], make_scale: Make
) -> None:
    found = agreement_of_table(np.array(table), make_scale(2))
    for name, reason in reasons.items():
        assert found[name].cannot_say == reason, name
    for one in found.estimates:
        if one.cannot_say is None:
            assert one.value is not None
            assert one.low is not None
            assert one.high is not None
            assert one.low <= one.value <= one.high <= 1
        else:
            assert (one.value, one.low, one.high, one.method) == (None, None, None, "")
    assert tuple(one.name for one in found.estimates) == NAMES


def test_full_agreement_has_an_interval(make_scale: Make) -> None:
    """Jeffreys: 46 of 46 leaves 0.947 open at least."""
    found = agreement_of_table(np.array([[6, 0], [0, 40]]), make_scale(2))["exact"]
    assert found.value == found.high == 1
    assert found.low == pytest.approx(0.947, abs=0.006)


def test_turns_of_one_dialogue_are_one_unit(make_scale: Make) -> None:
    """Four equal turns are one observation, not four: the interval is about twice as wide."""
    draw = np.random.default_rng(5)
    gold = draw.integers(0, 2, 100)
    judged = np.where(draw.random(100) < 0.8, gold, 1 - gold)
    rows = [np.repeat(one, 4) for one in (gold, judged)]
    apart = agreement(rows[0], rows[1], make_scale(2))["exact"]
    together = agreement(rows[0], rows[1], make_scale(2), units=np.repeat(np.arange(100), 4))
    alone = agreement(gold, judged, make_scale(2))["exact"]
    assert (together.n, together.units) == (400, 100)

    def width(one: object) -> float:
        return float(one.high - one.low)  # type: ignore[attr-defined]

    assert together["exact"].value == apart.value == alone.value
    assert width(together["exact"]) == pytest.approx(width(alone), rel=0.08)
    assert width(together["exact"]) == pytest.approx(2 * width(apart), rel=0.15)


def test_numbers_are_seeded_and_grouped(make_scale: Make) -> None:
    draw = np.random.default_rng(6)
    gold, judged = draw.integers(0, 3, 90), draw.integers(0, 3, 90)
    groups = ["公平", "安全", "Legality"] * 30
    found = agreement_by(gold, judged, make_scale(3), groups=groups, seed="a")
    assert found == agreement_by(gold, judged, make_scale(3), groups=groups, seed="a")
    assert set(found) == set(groups)
    assert np.sum([one.table for one in found.values()], axis=0).tolist() == [
        list(row) for row in agreement(gold, judged, make_scale(3)).table
    ]
    assert found["安全"] != agreement_by(gold, judged, make_scale(3), groups=groups, seed="b")["安全"]


@pytest.mark.parametrize(("gold", "judged"), [([0, 3], [0, 1]), ([0], [0, 1]), ([-1], [0])])
def test_levels_off_the_scale_are_an_error(
    gold: Sequence[int], judged: Sequence[int], make_scale: Make
) -> None:
    with pytest.raises(ValueError, match="must be"):
        agreement(np.array(gold), np.array(judged), make_scale(3))


def test_a_million_rows_cost_what_a_table_costs(make_scale: Make) -> None:
    draw = np.random.default_rng(7)
    gold = draw.integers(0, 3, 1_000_000)
    judged = np.where(draw.random(1_000_000) < 0.9, gold, 2)
    one = agreement(gold, judged, make_scale(3), seed="m")
    table = agreement_of_table(np.array(one.table), make_scale(3), seed="m")
    assert one == table
    units = np.arange(1_000_000) // 2
    two = agreement(gold, judged, make_scale(3), units=units)
    assert (two.n, two.units, two["exact"].value) == (1_000_000, 500_000, one["exact"].value)


def test_dimensions_of_two_and_of_three_levels_share_a_scale(make_scale: Make) -> None:
    three = make_scale(3)
    two = Scale(name="two", levels=(three.levels[0], three.levels[2]), passing=frozenset({"2"}))
    common = common_scale([two, three])
    assert common is not None
    assert [level.name for level in common.levels] == ["0", "1", "2"]
    assert common.passing == {"2"}
    assert common_scale([make_scale(2), make_scale(3)]) is None  # level 1 passes in one only
    assert common_scale([make_scale(2), make_scale(2, points=(0, 2))]) is None
