from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.charts import (
    PERCENT,
    Axis,
    Mark,
    lane,
    points_axis,
    scale_line,
    shape,
    stack,
    symmetric_axis,
)


def parts(markup: str, kind: str) -> list[dict[str, str]]:
    """The attributes of every part of a chart with that class, a point's with its place."""
    root = ElementTree.fromstring(markup)
    parents = {child: parent for parent in root.iter() for child in parent}
    found = []
    for one in root.iter():
        if kind in one.attrib.get("class", "").split() and one is not root:
            parent = parents[one]
            found.append(
                dict(one.attrib)
                | ({"at": parent.attrib["x"]} if parent.tag == "svg" and parent is not root else {})
            )
    return found


def test_a_lane_draws_the_value_the_interval_the_bounds_and_the_service_view() -> None:
    drawn = lane(PERCENT, Mark(value=46.5, low=40, high=53, worst=44, best=50, service=48), "题", "述")
    (bar,) = parts(drawn, "bar")
    assert (bar["x"], bar["width"]) == ("0.0%", "46.5%")
    whiskers = parts(drawn, "whisker")
    assert (whiskers[0]["x1"], whiskers[0]["x2"]) == ("40.0%", "53.0%")
    (bounds,) = parts(drawn, "bounds")
    assert (bounds["x"], bounds["width"]) == ("44.0%", "6.0%")
    assert parts(drawn, "service")[0]["at"] == "48.0%"
    root = ElementTree.fromstring(drawn)
    assert root.attrib["role"] == "img"
    assert [child.text for child in root][:2] == ["题", "述"]


def test_few_units_have_an_interval_and_no_bar() -> None:
    drawn = lane(PERCENT, Mark(value=50, low=20, high=80, bare=True), "", "")
    assert not parts(drawn, "bar")
    assert not parts(lane(PERCENT, Mark(value=50, low=20, high=80, bare=True, dot=True), "", ""), "point")
    assert parts(drawn, "whisker")


def test_no_value_draws_nothing() -> None:
    drawn = lane(PERCENT, Mark(value=None), "", "")
    assert not any(parts(drawn, kind) for kind in ("bar", "whisker", "bounds", "service", "point"))
    assert len(parts(drawn, "grid")) == 5


def test_a_floor_is_marked_and_the_axis_still_starts_at_zero() -> None:
    axis = Axis(low=0, high=100, ticks=(0, 100), origin=0, floor=100 / 3)
    drawn = lane(axis, Mark(value=70.0), "", "")
    assert parts(drawn, "floor")[0]["width"] == "33.333%"
    assert parts(drawn, "bar")[0]["width"] == "70.0%"


def test_a_change_is_drawn_from_the_middle_to_its_side() -> None:
    axis = symmetric_axis([-2.7, -6.0, 1.5])
    assert (axis.low, axis.high, axis.reference) == (-10, 10, 0)
    (bar,) = parts(lane(axis, Mark(value=-5.0), "", ""), "bar")
    assert (bar["x"], bar["width"]) == ("25.0%", "25.0%")
    assert symmetric_axis([100.0]).high == 100
    assert symmetric_axis([]).high == 5


def test_a_points_axis_has_even_ticks() -> None:
    axis = points_axis(1, 10)
    assert list(axis.ticks) == [1.0, 4.0, 7.0, 10.0]
    assert parts(lane(axis, Mark(value=5.5), "", ""), "bar")[0]["width"] == "50.0%"
    assert [text.text for text in ElementTree.fromstring(scale_line(axis))] == ["1", "4", "7", "10"]


@given(st.floats(min_value=-1000, max_value=1000))
def test_nothing_is_drawn_outside_the_axis(value: float) -> None:
    assert 0 <= PERCENT.at(value) <= 100


def test_hostile_titles_are_escaped() -> None:
    hostile = "</title><script>x</script>\u202e"
    root = ElementTree.fromstring(lane(PERCENT, Mark(value=1), hostile, hostile))
    assert [child.tag for child in root][:2] == ["title", "desc"]
    assert root[0].text == "</title><script>x</script>⟨U+202E⟩"
    assert not root.findall(".//script")


def test_a_stack_fills_its_width() -> None:
    drawn = stack([("ok", 6), ("filtered", 2)], "", "")
    widths = [float(one["width"].rstrip("%")) for one in parts(drawn, "part")]
    assert widths == pytest.approx([75, 25])
    assert parts(stack([], "", ""), "part") == []


def test_series_differ_in_shape() -> None:
    assert len({ElementTree.fromstring(shape(number))[0].attrib["d"] for number in range(6)}) == 6
