"""Several annotators with missing labels: against krippendorff, statsmodels and irrCAC."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import fleiss_kappa

from liangxin.agreement.annotators import NAMES, reliability
from liangxin.agreement.estimate import CannotSay, Estimate
from liangxin.agreement.pairs import agreement
from liangxin.records import Level, Scale

FIXTURE = json.loads((Path(__file__).parent / "fixtures" / "irrcac.json").read_text(encoding="utf-8"))
Make = Callable[..., Scale]


def scale_of(levels: int) -> Scale:
    made = tuple(Level(name=str(n), points=float(n), zh="", en="") for n in range(levels))
    return Scale(name="s", levels=made, passing=frozenset({str(levels - 1)}))


def limits(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


@pytest.mark.parametrize("case", FIXTURE["cases"])
def test_irrcac_says_the_same(case: dict[str, Any], make_scale: Make) -> None:
    found = reliability(np.array(case["ratings"]), make_scale(case["levels"]))
    for name, expected in case["expected"].items():
        assert found[name].value == pytest.approx(expected, abs=1e-9), name


@settings(max_examples=25)
@given(
    levels=st.integers(2, 4),
    annotators=st.integers(2, 5),
    data=st.data(),
)
def test_alpha_is_krippendorffs(levels: int, annotators: int, data: st.DataObject) -> None:
    row = st.lists(st.integers(-1, levels - 1), min_size=30, max_size=30)
    ratings = np.array([data.draw(row) for _ in range(annotators)])
    found = reliability(ratings, scale_of(levels))
    reliable = np.where(ratings < 0, np.nan, ratings.astype(float))
    pairable = (ratings >= 0).sum(axis=0) > 1
    assert found.pairable == pairable.sum()
    if pairable.sum() < 10:
        assert {one.cannot_say for one in found.estimates} == {CannotSay.TOO_FEW}
        return
    labels = ratings[:, pairable]
    if len(np.unique(labels[labels >= 0])) == 1:
        assert found["alpha_ordinal"].cannot_say is CannotSay.NO_VARIATION
        assert found["pairwise"].value == 1
        return
    for metric in ("nominal", "ordinal", "interval"):
        expected = krippendorff.alpha(
            reliable, level_of_measurement=metric, value_domain=[float(one) for one in range(levels)]
        )
        assert found[f"alpha_{metric}"].value == pytest.approx(expected)


def test_complete_labels_are_fleiss_kappa_but_for_the_small_sample(make_scale: Make) -> None:
    draw = np.random.default_rng(1)
    ratings = draw.integers(0, 3, (4, 50))
    counts = np.stack([(ratings == level).sum(axis=0) for level in range(3)], axis=1)
    found = reliability(ratings, make_scale(3))["alpha_nominal"].value
    assert found == pytest.approx(1 - (1 - fleiss_kappa(counts)) * 199 / 200)


def test_two_annotators_are_two_rulings(make_scale: Make) -> None:
    """By both roads the same values, and limits that differ by the draws alone."""
    draw = np.random.default_rng(2)
    one = draw.integers(0, 3, 200)
    two = np.where(draw.random(200) < 0.8, one, draw.integers(0, 3, 200))
    many, pair = reliability(np.array([one, two]), make_scale(3)), agreement(one, two, make_scale(3))
    assert (many.annotators, many.items, many.pairable, many.labels) == (2, 200, 200, 400)
    for name in NAMES:
        left, right = many[name], pair["exact" if name == "pairwise" else name]
        assert left.value == pytest.approx(right.value)
        assert left.low == pytest.approx(right.low, abs=0.012)
        assert left.high == pytest.approx(right.high, abs=0.012)


def test_answers_of_one_item_are_drawn_together(make_scale: Make) -> None:
    """Four turns that are labelled alike say no more than one: the same values, and limits as of one."""
    draw = np.random.default_rng(4)
    truth = draw.integers(0, 3, 120)
    single = np.where(draw.random((3, 120)) < 0.7, truth, draw.integers(0, 3, (3, 120)))
    single[2, ::5] = -1
    fourfold, units = np.tile(single, 4), np.tile(np.arange(120), 4)
    one = reliability(single, make_scale(3))
    many = reliability(fourfold, make_scale(3), units=units)
    naive = reliability(fourfold, make_scale(3))
    assert (many.items, many.pairable, naive.items) == (120, 480, 480)
    for name in NAMES:
        assert many[name].value == pytest.approx(naive[name].value)
        assert limits(many[name]) == pytest.approx(limits(one[name]), abs=0.012)
        wide, narrow = (limits(found[name]) for found in (many, naive))
        assert 1.7 < (wide[1] - wide[0]) / (narrow[1] - narrow[0]) < 2.3, name
    shuffled = draw.permutation(480)
    again = reliability(fourfold[:, shuffled], make_scale(3), units=units[shuffled] + 7)
    assert again == many
    own = reliability(single, make_scale(3), units=np.arange(120)[::-1])
    assert own == one


def test_a_million_items(make_scale: Make) -> None:
    draw = np.random.default_rng(3)
    truth = draw.integers(0, 3, 1_000_000)
    ratings = np.where(draw.random((3, 1_000_000)) < 0.9, truth, -1)
    found = reliability(ratings, make_scale(3))
    assert found["alpha_ordinal"].value == pytest.approx(1)
    assert found.pairable == (ratings >= 0).sum(axis=0).__gt__(1).sum()


def test_bad_ratings_are_an_error(make_scale: Make) -> None:
    with pytest.raises(ValueError, match="from 0 to 2"):
        reliability(np.array([[0, 3]]), make_scale(3))
    with pytest.raises(ValueError, match="as long as"):
        reliability(np.array([[0, 2]]), make_scale(3), units=np.array([0]))
    assert reliability(np.full((2, 40), -1), make_scale(3))["ac1"].cannot_say is CannotSay.TOO_FEW
