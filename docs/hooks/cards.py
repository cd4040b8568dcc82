"""A page for each benchmark, from its declaration and card."""

from __future__ import annotations

from collections.abc import Iterator

from liangxin.benchmarks import BENCHMARKS, sample_path
from liangxin.cli.cards import HEADINGS
from liangxin.data import read_items
from liangxin.records import Item
from liangxin.specs import Benchmark, Bilingual, Category
from liangxin.words import measure_note, measure_title
from sources import cell, linked

WORDS = {
    "facts": ("一览", "At a glance"),
    "command": ("运行", "Run it"),
    "scales": ("量表", "Scales"),
    "measures": ("指标", "Measures"),
    "taxonomy": ("分类", "Taxonomy"),
    "rubric": ("评分标准", "Rubric"),
    "citation": ("引用", "Citation"),
    "example": ("样例中的一题", "One item of the sample"),
}


def benchmarks_page(language: str) -> str:
    """The list of all benchmarks."""
    zh = language == "zh"
    lines = ["# 基准" if zh else "# Benchmarks", ""]
    lines += [
        "每个基准的页面由它的声明和卡片自动生成；`liangxin benchmarks 名称` 在终端里显示同样的卡片。"
        if zh
        else "Each page is made from the benchmark's declaration and card; `liangxin benchmarks NAME` shows the same card.",
        "",
        "| 名称 | 标题 | 题型 | 指标 |" if zh else "| name | title | kind | measures |",
        "|---|---|---|---|",
    ]
    for name in BENCHMARKS.names():
        one = BENCHMARKS.get(name)
        measures = ", ".join(f"`{measure.name}`" for measure in one.measures)
        lines.append(
            f"| [`{name}`]({name}.md) | {_in(one.title, language)} | {_kind(one, zh)} | {measures} |"
        )
    lines += [
        "",
        "内嵌样例均由本项目编写，凡由样例得出的数字都标明**样例·非成绩**。"
        if zh
        else "The embedded samples are of our own writing; every number from one is marked **样例·非成绩** (a sample, not a result).",
    ]
    return "\n".join(lines) + "\n"


def benchmark_page(name: str, language: str) -> str:
    """One benchmark: the card under its fixed headings, and what its declaration says."""
    one = BENCHMARKS.get(name)
    at = 0 if language == "zh" else 1
    parts = [f"# {_in(one.title, language)}", _facts(one, at)]
    for field, headings in HEADINGS.items():
        parts.append(f"## {headings[at]}\n\n{_in(getattr(one.card, field), language)}")
        if field == "task":
            parts.append(_example(one, at))
        if field == "scoring":
            parts += [_measures(one, language), _scales(one, language)]
    parts += [_taxonomy(one, language), _rubric(one, language)]
    parts.append(f"## {WORDS['citation'][at]}\n\n{linked(one.card.citation)}")
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _facts(one: Benchmark, at: int) -> str:
    sample = ("由本项目编写，样例·非成绩", "of our own writing; 样例·非成绩, no result")[at]
    count = len({item.unit for item in _sample(one)})
    rows = (
        (("名称", "name")[at], f"`{one.name}`"),
        (("版本", "version")[at], one.version),
        (("题型", "kind")[at], _kind(one, at == 0)),
        (
            ("内嵌样例", "embedded sample")[at],
            f"{count} {('题', 'items')[at]}{('（', ' (')[at]}{sample}{('）', ')')[at]}",
        ),
    )
    command = f"```sh\nliangxin run {one.name} --model openai:qwen-plus\nliangxin benchmarks {one.name}\n```"
    names, texts = (" | ".join(cell(one) for one in column) for column in zip(*rows, strict=True))
    return f"| {names} |\n|---|---|---|---|\n| {texts} |\n\n{command}"


def _example(one: Benchmark, at: int) -> str:
    first = next(iter(_sample(one)))
    turns = "\n\n".join(f"{number}. {cell(turn)}" for number, turn in enumerate(first.turns, 1))
    where = "/".join(first.category)
    return f'??? example "{WORDS["example"][at]} · {where}"\n\n' + "\n".join(
        f"    {line}" if line else "" for line in turns.splitlines()
    )


def _measures(one: Benchmark, language: str) -> str:
    zh = language == "zh"
    lines = [f"### {WORDS['measures'][0 if zh else 1]}", ""]
    lines += ["| 指标 | 名称 | 含义 |" if zh else "| measure | name | what it counts |", "|---|---|---|"]
    for measure in one.measures:
        title, note = measure_title(measure.name), measure_note(measure.name)
        lines.append(f"| `{measure.name}` | {cell(_in(title, language))} | {cell(_in(note, language))} |")
    return "\n".join(lines)


def _scales(one: Benchmark, language: str) -> str:
    zh = language == "zh"
    lines = [f"### {WORDS['scales'][0 if zh else 1]}", ""]
    lines += [
        "| 类别 | 等级 | 分值 | 含义 | 通过 |" if zh else "| category | level | points | meaning | passes |",
        "|---|---|---|---|---|",
    ]
    for top, scale in one.scales.items():
        category = ("其余" if zh else "all others") if top == "*" and len(one.scales) > 1 else top
        category = ("全部" if zh else "all") if category == "*" else category
        for level in reversed(scale.levels):
            passes = "✓" if level.name in scale.passing else ""
            meaning = level.zh if zh else level.en
            lines.append(f"| {category} | `{level.name}` | {level.points:g} | {cell(meaning)} | {passes} |")
    return "\n".join(lines)


def _taxonomy(one: Benchmark, language: str) -> str:
    if not one.taxonomy:
        return ""
    lines = [f"## {WORDS['taxonomy'][0 if language == 'zh' else 1]}", ""]
    lines += _branches(one.taxonomy, language, 0)
    return "\n".join(lines)


def _branches(nodes: tuple[Category, ...], language: str, depth: int) -> Iterator[str]:
    for node in nodes:
        title = _in(node.title, language)
        named = f" {title}" if title != node.name else ""
        yield f"{'    ' * depth}- `{node.name}`{named}"
        yield from _branches(node.below, language, depth + 1)


def _rubric(one: Benchmark, language: str) -> str:
    zh = language == "zh"
    parts = [f"## {WORDS['rubric'][0 if zh else 1]}", _in(one.rubric.source, language)]
    for top, text in one.rubric.text.items():
        title = ("全部" if zh else "all") if top == "*" else top
        body = "\n".join(f"    {line}" if line else "" for line in text.strip().splitlines())
        parts.append(f'??? quote "{title}"\n\n    ```text\n{body}\n    ```')
    return "\n\n".join(parts)


def _sample(one: Benchmark) -> list[Item]:
    return list(read_items(str(sample_path(one)), one.read))


def _kind(one: Benchmark, zh: bool) -> str:
    kinds = {"open": ("开放式问答", "open questions"), "choice": ("选择题", "choice")}
    return kinds[one.kind][0 if zh else 1]


def _in(text: Bilingual, language: str) -> str:
    return text.zh if language == "zh" else text.en
