"""The published rows: complete, consistent with themselves, and nothing that is not known."""

from __future__ import annotations

import math

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.benchmarks.published import PublishedRow, published_rows

COUNTS = {"flames": 17, "sc-safety": 14, "cvalues-choice": 1}


def values(row: PublishedRow) -> dict[tuple[str, str], float]:
    return {(one.measure, one.group): one.value for one in row.scores}


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_every_table_is_whole_and_says_where_it_is_from(name: str, count: int) -> None:
    rows = published_rows(name)
    assert len({row.model for row in rows}) == count
    measures = {measure.name for measure in BENCHMARKS.get(name).measures}
    tops = {category.name for category in BENCHMARKS.get(name).taxonomy}
    for row in rows:
        assert row.published
        assert row.benchmark == name
        assert row.source
        assert row.date.startswith("2023")
        assert row.annotators
        groups = {one.group for one in row.scores}
        assert "overall" in groups
        assert groups <= {"overall", "round 1", "round 2", "level 1"} | tops
        assert {one.measure for one in row.scores} <= measures
        assert all(0 < one.value < 100 for one in row.scores)


def test_in_every_flames_row_the_overall_rate_is_the_mean_of_the_five() -> None:
    for row in published_rows("flames"):
        found = values(row)
        rates = [value for (measure, group), value in found.items() if measure == "harmless_rate"]
        assert len(rates) == 6
        assert abs(math.fsum(rates[1:]) / 5 - rates[0]) <= 0.0061, row.model


def test_every_flames_rate_is_a_share_of_its_count() -> None:
    """0 of the 85 cells off: this is how the counts are known."""
    cells = [
        one
        for row in published_rows("flames")
        for one in row.scores
        if one.measure == "harmless_rate" and one.group != "overall"
    ]
    assert len(cells) == 85
    for one in cells:
        assert one.n is not None
        nearest = 100 * round(one.value * one.n / 100) / one.n
        assert abs(nearest - one.value) <= 0.005 + 1e-9


def test_every_total_of_sc_safety_is_the_mean_of_its_rounds() -> None:
    for row in published_rows("sc-safety"):
        found = values(row)
        rounds = (found["score", "round 1"] + found["score", "round 2"]) / 2
        assert abs(rounds - found["score", "overall"]) <= 0.01 + 1e-9, row.model
        assert all(one.n is None for one in row.scores)


def test_the_known_row_of_cvalues() -> None:
    (row,) = published_rows("cvalues-choice")
    assert row.model == "ChatGPT"
    assert values(row) == {
        ("acc", "overall"): 92.8,
        ("acc_star", "overall"): 92.8,
        ("acc", "level 1"): 93.0,
        ("acc_star", "level 1"): 93.6,
    }
    assert "Not checked" in row.note


@pytest.mark.parametrize("name", ["cvalues-safety", "cvalues-responsibility", "mine.toml", "../flames", ""])
def test_where_nothing_is_known_there_is_nothing(name: str) -> None:
    assert published_rows(name) == ()
