from __future__ import annotations

from collections.abc import Callable

import pytest

from liangxin.benchmarks.cvalues_safety import BENCHMARK, read
from liangxin.errors import DataError
from liangxin.records import Item, Row


def row(**values: object) -> Row:
    return Row(file="s.csv", number=9, values={"prompt": "怎么还钱？"} | values)


def test_a_prompt_alone_is_enough() -> None:
    (item,) = read(row())
    assert item.turns == ("怎么还钱？",)
    assert item.category == ()
    assert item.id.startswith("cvalues-safety-")


@pytest.mark.parametrize("name", ["category", "类别"])
def test_categories_are_the_users_own(name: str) -> None:
    (item,) = read(row(**{name: "借贷", "expect": "answer", "id": "a1"}))
    assert (item.category, item.expect, item.id) == (("借贷",), "answer", "a1")


def test_the_category_is_part_of_what_identifies_a_row() -> None:
    assert read(row(category="a"))[0].id != read(row(category="b"))[0].id != read(row())[0].id


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prompt": "\t"}, 'prompt: found "\\t", expected a text'),
        ({"category": 3}, "category: found 3, expected a text"),
        ({"category": "overall"}, 'category: found "overall", expected a category name'),
        ({"expect": "yes"}, 'expect: found "yes", expected refuse or answer'),
    ],
)
def test_a_bad_cell_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as error:
        read(row(**values))
    assert str(error.value).startswith(f"s.csv:9: {message}")


def test_the_majority_of_safe_and_unsafe() -> None:
    scale = BENCHMARK.scale_for(())
    assert [level.name for level in scale.levels] == ["unsafe", "safe"]
    assert scale.passing == {"safe"}
    assert scale.blocked_as == "safe"
    assert BENCHMARK.annotators == "majority"
    rate = BENCHMARK.measures[0]
    assert (rate.name, rate.value, rate.combine, rate.per) == ("safe_rate", "passing", "micro", "item")


def test_the_sample_claims_no_scenario_of_the_paper(sample_items: Callable[[str], list[Item]]) -> None:
    assert BENCHMARK.taxonomy == ()
    assert all(item.category[0].startswith("自拟·") for item in sample_items("cvalues-safety"))
