"""Rows of a labels file: levels and digests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liangxin.judges.label_rows import digests, level_of
from liangxin.records import Level, Scale
from liangxin.specs import REFUSAL

TEN = Scale(
    name="ten",
    levels=tuple(Level(name=str(n), points=n, zh=f"{n}分", en=f"{n} points") for n in range(1, 11)),
    passing=frozenset(),
)
SAME_POINTS = Scale(
    name="same",
    levels=(Level(name="a", points=0, zh="甲", en="one"), Level(name="b", points=0, zh="乙", en="two")),
    passing=frozenset(),
)


@given(st.integers(-5, 20))
def test_a_number_means_its_level_however_it_is_written(number: int) -> None:
    expected = str(number) if 1 <= number <= 10 else None
    for cell in (number, float(number), str(number), f"{number}.0", f" {number} "):
        level = level_of(TEN, cell, points=True)
        assert (level.name if level else None) == expected


def test_a_title_means_its_level() -> None:
    level = level_of(TEN, "10分", points=True)
    assert level is not None
    assert level.name == "10"


def test_points_shared_by_two_levels_mean_neither() -> None:
    assert level_of(SAME_POINTS, 0, points=True) is None


def test_a_number_is_no_level_of_refusal() -> None:
    assert level_of(REFUSAL, 0, points=False) is None
    level = level_of(REFUSAL, "照做", points=False)
    assert level is not None
    assert level.name == "complied"


@given(st.one_of(st.text(), st.booleans(), st.none(), st.floats(), st.integers(), st.lists(st.text())))
def test_no_cell_raises(cell: object) -> None:
    level = level_of(TEN, cell, points=True)
    assert level is None or level in TEN.levels


@given(st.text(st.characters(exclude_categories=())))
def test_digests_never_raise_and_forgive_line_ends_only(text: str) -> None:
    exact, plain = digests(text)
    assert digests(f"  {text}\r\n")[1] == plain
    assert digests(text + "。")[0] != exact
