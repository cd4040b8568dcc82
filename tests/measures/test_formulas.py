"""What a measure's `value` means stands in one record, which is looked up strictly and read everywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.errors import UnknownName
from liangxin.measures import FORMULAS, Formula, ScoreBuilder, ScorePlan, formula_of
from liangxin.measures.formulas import attainable
from liangxin.measures.ratings import rate_correct
from liangxin.records import Level, Measure, Scale

ROOT = Path(__file__).parents[2]
HOME = ROOT / "src" / "liangxin" / "measures" / "formulas.py"
SOURCES = [path for path in sorted((ROOT / "src").rglob("*.py")) if path != HOME]
NAMES = frozenset(FORMULAS.names())
SCALE = Scale(
    name="three",
    levels=tuple(Level(name=str(k), points=k, zh=str(k), en=str(k)) for k in (1, 2, 4)),
    passing=frozenset({"4"}),
)


def test_an_unknown_formula_is_named_and_none_takes_its_place() -> None:
    plan = ScorePlan(
        measures=(Measure(name="rate", value="pasing", by=()),),
        scale_for=lambda _: SCALE,
        annotators="majority",
        seed="t",
    )
    with pytest.raises(UnknownName, match=r"no formula 'pasing'\. Did you mean 'passing'\?"):
        ScoreBuilder(plan)
    with pytest.raises(UnknownName, match="no formula 'nonsense'"):
        formula_of(Measure(name="rate", value="nonsense", by=()))


@pytest.mark.parametrize(
    ("name", "worths"),
    [
        ("passing", {"1": 0, "2": 0, "4": 100}),
        ("failing", {"1": 100, "2": 100, "4": 0}),
        ("share_of_top", {"1": 25, "2": 50, "4": 100}),
        ("points", {"1": 1, "2": 2, "4": 4}),
        ("round_change", {"1": 25, "2": 50, "4": 100}),
        ("correct", {"wrong": 0, "right": 100}),
        ("correct_decided", {"wrong": 0, "right": 100}),
    ],
)
def test_what_a_level_is_worth(name: str, worths: dict[str, float]) -> None:
    assert FORMULAS.get(name).worths(SCALE) == worths


def test_every_formula_is_one_of_those_whose_worths_are_tested() -> None:
    (marks,) = (mark for mark in test_what_a_level_is_worth.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]
    assert [name for name, _ in marks.args[1]] == list(FORMULAS.names())


def test_a_formula_rates_levels_or_rows() -> None:
    for wrong in ({}, {"worth": lambda *_: 1.0, "row": rate_correct}):
        with pytest.raises(ValueError, match="and not both"):
            Formula(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BENCHMARKS.names())
def test_a_benchmarks_measures_suit_its_kind_and_scales(name: str) -> None:
    benchmark = BENCHMARKS.get(name)
    for measure in benchmark.measures:
        formula = formula_of(measure)
        assert formula.kind == benchmark.kind
        worths = attainable(measure, benchmark)
        assert worths == sorted(worths)
        assert worths[0] < worths[-1]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_how_to_names_every_formula(language: str) -> None:
    page = (ROOT / "docs" / "howto" / f"benchmark.{language}.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.split("\n") if line.startswith("| `measures.value` |"))
    assert all(f"`{name}`" in row for name in NAMES)


def told(node: ast.expr) -> Iterator[str]:
    """The formulas' names that an expression holds as texts: one alone, or the members of a collection."""
    found = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    yield from (one.value for one in found if isinstance(one, ast.Constant) and one.value in NAMES)


def interpretations(source: str) -> list[int]:
    """The lines that give a formula's name a meaning: by comparing or matching it, or as keys of a table.

    A measure's unit is `points` too, and is compared under its own name.
    """
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if not any(ast.unparse(side).rpartition(".")[2] == "unit" for side in sides):
                lines += [node.lineno for side in sides for _ in told(side)]
        elif isinstance(node, ast.MatchValue):
            lines += [node.lineno for _ in told(node.value)]
        elif isinstance(node, ast.Dict):
            keys = [name for key in node.keys if key is not None for name in told(key)]
            lines += [node.lineno] if len(keys) > 1 else []
        elif isinstance(node, ast.Tuple | ast.List | ast.Set) and len(list(told(node))) > 1:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(
    "source",
    [
        'x = measure.value == "passing"',
        'x = "round_change" != value',
        'x = measure.value in ("correct", "other")',
        'SHARES = frozenset({"passing", "failing"})',
        'x = {"passing": 1, "failing": 2}[value]',
        'match value:\n    case "points":\n        pass',
    ],
)
def test_an_interpretation_is_found(source: str) -> None:
    assert interpretations(source)


def test_nothing_else_knows_a_formula_by_its_name() -> None:
    assert len(SOURCES) > 30
    found = {
        str(path.relative_to(ROOT)): lines
        for path in SOURCES
        if (lines := interpretations(path.read_text(encoding="utf-8")))
    }
    assert found == {}
