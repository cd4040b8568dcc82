"""Every registered benchmark keeps the contract, whatever its name."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import fields as fields_of

import pytest

from liangxin.benchmarks import BENCHMARKS, sample_path
from liangxin.errors import UnknownName
from liangxin.records import Item, Row
from liangxin.specs import REFUSAL_RATE, Bilingual, Category

NAMES = ("flames", "sc-safety", "cvalues-choice", "cvalues-responsibility", "cvalues-safety")
MEASURES = {
    "harmless_rate",
    "harmless_score",
    "acc",
    "acc_star",
    "safe_rate",
    "responsibility_score",
    "score",
    "round_change",
    "refusal_rate",
    "asr",
}

Items = Callable[[str], list[Item]]
Rows = Callable[[str], list[Row]]

every_benchmark = pytest.mark.parametrize("name", BENCHMARKS.names())


def _leaves(taxonomy: tuple[Category, ...], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    for one in taxonomy:
        path = (*above, one.name)
        paths += _leaves(one.below, path) if one.below else [path]
    return paths


def test_names_are_the_contracts() -> None:
    assert BENCHMARKS.names() == NAMES


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'sc-safety'\? See `liangxin benchmarks`"):
        BENCHMARKS.get("sc-safty")


def test_importing_the_registry_loads_no_benchmark_and_nothing_heavy() -> None:
    code = (
        "import sys, liangxin.benchmarks; "
        "print([m for m in sys.modules if m.startswith('liangxin.benchmarks.') "
        "or m in ('numpy', 'polars', 'aiohttp', 'openpyxl', 'jinja2', 'sqlalchemy')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_every_benchmark_reads_no_sample_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; opened = []; "
        "sys.addaudithook(lambda e, a: opened.append(str(a[0])) if e == 'open' else None); "
        "from liangxin.benchmarks import BENCHMARKS; [BENCHMARKS.get(n) for n in BENCHMARKS.names()]; "
        "print([o for o in opened if o.endswith('.jsonl')] + [m for m in sys.modules "
        "if m in ('numpy', 'polars', 'aiohttp', 'openpyxl', 'jinja2', 'sqlalchemy')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@every_benchmark
def test_it_loads_under_its_name(name: str) -> None:
    benchmark = BENCHMARKS.get(name)
    assert benchmark.name == name
    assert benchmark.version
    assert benchmark.title.zh
    assert benchmark.title.en


@every_benchmark
def test_the_sample_is_a_file_on_disk(name: str) -> None:
    path = sample_path(BENCHMARKS.get(name))
    assert path.is_file()
    raw = path.read_bytes()
    assert raw.endswith(b"\n")
    assert b"\r" not in raw


@every_benchmark
def test_sample_items_are_sound(name: str, sample_items: Items) -> None:
    items = sample_items(name)
    benchmark = BENCHMARKS.get(name)
    assert len({item.id for item in items}) == len(items)
    for item in items:
        assert item.id.startswith(f"sample-{name}-")
        assert item.turns
        assert all(turn.strip() == turn != "" for turn in item.turns)
        assert item.category
        assert item.source.startswith("sample.jsonl:")
        assert bool(item.choices) == (item.answer is not None) == (benchmark.kind == "choice")


@every_benchmark
def test_sample_texts_differ(name: str, sample_rows: Rows) -> None:
    texts = [
        value
        for row in sample_rows(name)
        for field, value in row.values.items()
        if field in {"prompt", "question", "follow_up", "follow_up_2", "positive", "negative"}
    ]
    assert [text for text, times in Counter(texts).items() if times > 1] == []


@every_benchmark
def test_sample_prompts_are_no_template(name: str, sample_rows: Rows) -> None:
    """No two openings or closings of one sample agree over a dozen characters."""
    prompts = [str(row.values.get("prompt") or row.values["question"]) for row in sample_rows(name)]
    for cut in (slice(None, 12), slice(-12, None)):
        ends = Counter(prompt[cut] for prompt in prompts if len(prompt) > 12)
        assert [end for end, times in ends.items() if times > 1] == []


@every_benchmark
def test_every_category_has_at_least_five_samples(name: str, sample_rows: Rows) -> None:
    benchmark = BENCHMARKS.get(name)
    found = Counter(benchmark.read(row)[0].category for row in sample_rows(name))
    known = _leaves(benchmark.taxonomy)
    assert set(found) == set(known) if known else all(len(path) == 1 for path in found)
    assert {path: n for path, n in found.items() if n < 5} == {}


@pytest.mark.parametrize("name", ["flames", "sc-safety", "cvalues-safety"])
def test_the_sample_expects_refusals_and_answers(name: str, sample_items: Items) -> None:
    expected = Counter(item.expect for item in sample_items(name))
    assert expected["refuse"] >= 10
    assert expected["answer"] >= 10


@every_benchmark
def test_scales_fit(name: str, sample_items: Items) -> None:
    benchmark = BENCHMARKS.get(name)
    assert "*" in benchmark.scales
    tops = {one.name for one in benchmark.taxonomy}
    assert set(benchmark.scales) - {"*"} <= tops
    by_name = {scale.name: scale for scale in benchmark.scales.values()}
    assert all(by_name[scale.name] == scale for scale in benchmark.scales.values())
    for scale in benchmark.scales.values():
        names = [level.name for level in scale.levels]
        points = [level.points for level in scale.levels]
        assert len(set(names)) == len(names) >= 2
        assert points == sorted(set(points))
        assert scale.passing <= set(names)
        assert scale.blocked_as is None or scale.blocked_as in names
        assert all(level.zh and level.en for level in scale.levels)
    for item in sample_items(name):
        scale = benchmark.scale_for(item.category)
        assert item.answer is None or scale.level(item.answer) is not None


@every_benchmark
def test_a_rubric_stands_for_every_category(name: str, sample_items: Items) -> None:
    benchmark = BENCHMARKS.get(name)
    assert benchmark.rubric.source.zh
    assert benchmark.rubric.source.en
    for item in sample_items(name):
        text = benchmark.rubric.for_category(item.category)
        levels = benchmark.scale_for(item.category).levels
        assert text
        if benchmark.kind == "open" and len(levels) <= 3:
            unit = "分" if levels[0].name.isdigit() else "（"
            assert all(f"{level.name}{unit}" in text for level in levels)


@every_benchmark
def test_measures_are_the_contracts(name: str) -> None:
    benchmark = BENCHMARKS.get(name)
    names = [measure.name for measure in benchmark.measures]
    assert set(names) <= MEASURES
    assert len(set(names)) == len(names)
    assert (REFUSAL_RATE in benchmark.measures) == (benchmark.kind == "open")
    assert all("tags" not in measure.by or benchmark.kind == "choice" for measure in benchmark.measures)


@every_benchmark
def test_the_card_is_complete_in_both_languages(name: str) -> None:
    card = BENCHMARKS.get(name).card
    texts = [getattr(card, field.name) for field in fields_of(card) if field.name != "citation"]
    for text in texts:
        assert isinstance(text, Bilingual)
        assert len(text.zh.strip()) >= 30
        assert len(text.en.strip()) >= 60
        assert text.zh != text.en
        assert any("\u4e00" <= character <= "\u9fff" for character in text.zh)
    assert "arXiv:" in card.citation
    assert "样例·非成绩" in card.data.zh
    assert "样例·非成绩" in card.data.en
    assert "本项目的约定" in card.scoring.zh
    assert "our convention" in card.scoring.en
    assert "拒答" in card.scoring.zh
    assert "refus" in card.scoring.en.lower()


@every_benchmark
def test_the_card_says_whose_the_rubric_is(name: str) -> None:
    benchmark = BENCHMARKS.get(name)
    if benchmark.rubric.ours:
        assert "本项目" in benchmark.rubric.source.zh
        assert "our" in benchmark.rubric.source.en.lower()
        assert "本项目" in benchmark.card.limits.zh
    else:
        assert "逐字引自" in benchmark.card.limits.zh
        assert "verbatim" in benchmark.card.limits.en


@every_benchmark
def test_the_card_formulas_name_every_measure(name: str) -> None:
    benchmark = BENCHMARKS.get(name)
    for measure in benchmark.measures:
        assert f"`{measure.name}`" in benchmark.card.scoring.zh
        assert f"`{measure.name}`" in benchmark.card.scoring.en
