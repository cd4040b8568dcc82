from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.charts import PERCENT, points_axis
from liangxin.report.radar import Spoke, radar

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def spoke(number: int, value: float | None, *, name: str = "基准", few: bool = False) -> Spoke:
    if value is None:
        return Spoke(number=number, name=name, axis=PERCENT, value=None, low=None, high=None)
    low, high = max(0.0, value - 5), min(100.0, value + 5)
    return Spoke(number=number, name=name, axis=PERCENT, value=None if few else value, low=low, high=high)


def found(markup: str, kind: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(markup)
    return [one for one in root.iter() if kind in one.attrib.get("class", "").split() and one is not root]


def radius(markup: str, x: float, y: float) -> float:
    """How far a point lies from the centre, which every spoke's line begins at."""
    line = next(one for one in found(markup, "web") if "Z" not in one.attrib["d"])
    centre = [float(value) for value in NUMBER.findall(line.attrib["d"])][:2]
    return math.dist(centre, (x, y))


def whole(markup: str) -> float:
    ring = [one for one in found(markup, "web") if "Z" in one.attrib["d"]][-1]
    x, y = (float(value) for value in NUMBER.findall(ring.attrib["d"])[:2])
    return radius(markup, x, y)


def test_values_lie_on_their_spokes_in_proportion() -> None:
    values = (80.0, 20.0, 50.0, 100.0)
    drawn = radar([spoke(place, value) for place, value in enumerate(values, start=1)], "题", "述")
    points = found(drawn, "point")
    assert len(points) == 4
    for value, point in zip(values, points, strict=True):
        far = radius(drawn, float(point.attrib["cx"]), float(point.attrib["cy"]))
        assert far / whole(drawn) == pytest.approx(value / 100, abs=1e-3)
    assert len(found(drawn, "area")) == 1
    assert len(found(drawn, "outline")) == 4
    assert len(found(drawn, "whisker")) == 12, "a line and two ends on each spoke"
    assert [one.text for one in found(drawn, "place")] == ["1", "2", "3", "4"]


def test_each_spoke_has_its_own_axis() -> None:
    points = points_axis(1, 10)
    mixed = [
        spoke(1, 50),
        spoke(2, 50),
        Spoke(number=3, name="c", axis=points, value=5.5, low=5.0, high=6.0),
    ]
    drawn = radar(mixed, "题", "述")
    far = [radius(drawn, float(one.attrib["cx"]), float(one.attrib["cy"])) for one in found(drawn, "point")]
    assert far == pytest.approx([far[0]] * 3, abs=0.05)


def test_what_cannot_be_said_breaks_the_line() -> None:
    drawn = radar([spoke(1, 50), spoke(2, 60), spoke(3, None), spoke(4, 70)], "题", "述")
    assert not found(drawn, "area")
    assert len(found(drawn, "outline")) == 2, "1-2 and 4-1; nothing leads to 3"
    assert len(found(drawn, "point")) == 3
    assert len([one for one in found(drawn, "idle") if one.tag.endswith("text")]) == 1


def test_few_items_have_an_interval_and_no_point() -> None:
    drawn = radar([spoke(place, 50, few=True) for place in (1, 2, 3)], "题", "述")
    assert not found(drawn, "point")
    assert not found(drawn, "outline")
    assert len(found(drawn, "whisker")) == 9


@pytest.mark.parametrize("values", [(), (50,), (50, 60), (50, 60, None)])
def test_fewer_than_three_make_no_figure(values: tuple[float | None, ...]) -> None:
    assert radar([spoke(place, value) for place, value in enumerate(values, start=1)], "题", "述") == ""


@given(st.lists(st.floats(0, 100), min_size=3, max_size=12), st.text(max_size=80))
def test_everything_stays_inside_and_is_escaped(values: list[float], name: str) -> None:
    hostile = f"<script>{name}</script>"
    drawn = radar(
        [spoke(place, value, name=hostile) for place, value in enumerate(values, start=1)], hostile, hostile
    )
    root = ElementTree.fromstring(drawn)
    assert not [one for one in root.iter() if one.tag == "script"]
    width, height = (float(value) for value in root.attrib["viewBox"].split()[2:])
    for one in found(drawn, "whisker") + found(drawn, "outline"):
        numbers = [float(value) for value in NUMBER.findall(one.attrib["d"])]
        assert all(0 <= x <= width for x in numbers[::2])
        assert all(0 <= y <= height for y in numbers[1::2])
    for label in found(drawn, "spoke"):
        assert 0 < float(label.attrib["y"]) < height
