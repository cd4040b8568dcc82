"""The parts of a declaration that are values alone: taxonomy, scales, rubric, measures, card."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal, cast

from liangxin.benchmarks.declared.tables import TomlTable
from liangxin.measures import FORMULAS, Formula, formula_of
from liangxin.records import Level, Measure, Scale
from liangxin.specs import (
    ASR,
    OWN_SCALES,
    REFUSAL_RATE,
    SAFE_RATE,
    SAFETY,
    SUBJECTS,
    Bilingual,
    Card,
    Category,
    Rubric,
)

_MEASURE_KEYS = ("name", "value", "by", "subject", "higher_is_better", "unit", "per", "combine", "title")
_BY = ("category", "tags", "round", "expect")
_MEASURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_ACC = Measure(name="acc", value="correct", by=("category", "tags"), per="row")
_ACC_STAR = Measure(name="acc_star", value="correct_decided", by=("category", "tags"), per="row")
_READY = {
    "refusal_rate": REFUSAL_RATE,
    "safe_rate": SAFE_RATE,
    "asr": replace(ASR, by=("category", "tags")),
}
"""Measures that need no more than their name; an attack's style is a tag."""
_READY_CHOICE = {"acc": _ACC, "acc_star": _ACC_STAR}
REFUSE, OTHER = "Refuse", "Other"
_EMPTY = Bilingual(zh="", en="")


def taxonomy(table: TomlTable) -> tuple[Category, ...]:
    """The nodes below a table's `categories`: names alone, or tables with `name`, `zh`, `en`, `categories`."""
    value = table.values.get("categories")
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        names = table.texts("categories", default=())
        nodes = tuple(Category(name=name.strip(), title=_same(name.strip())) for name in names)
    else:
        nodes = tuple(_category(one) for one in table.list_of_tables("categories"))
    named = [one.name for one in nodes]
    for name in dict.fromkeys(one for one in named if named.count(one) > 1):
        table.wrong("categories", name, "each category once")
    return nodes


def _category(table: TomlTable) -> Category:
    name = table.text("name").strip()
    title = Bilingual(zh=table.text("zh", default=name), en=table.text("en", default=name))
    below = taxonomy(table)
    table.close()
    return Category(name=name, title=title, below=below)


def _same(text: str) -> Bilingual:
    return Bilingual(zh=text, en=text)


def scales(root: TomlTable) -> Mapping[str, Scale]:
    """`[scale]` for all categories, or `[scales.CATEGORY]` for some and `[scales."*"]` for the others."""
    one, several = root.get("scale"), root.get("scales")
    if one is not None and several is not None:
        root.mistakes.say("scales", "both [scale] and [scales]", "one of them")
    if several is None:
        table = root.table("scale", required=True)
        return {} if table.absent else {"*": _scale(table, "scale")}
    many = root.table("scales")
    found = {name: _scale(many.table(name), name) for name in many.values}
    if "*" not in found:
        many.wrong("*", None, "the scale of all other categories")
    return found


def _scale(table: TomlTable, name: str) -> Scale:
    levels = tuple(_level(one) for one in table.list_of_tables("levels"))
    names = [level.name for level in levels]
    if len(levels) < 2 or len(set(names)) != len(names):
        table.wrong("levels", names, "two or more levels of different names")
    if any(a.points >= b.points for a, b in pairwise(levels)):
        table.wrong("levels", [level.points for level in levels], "the worst first: points that rise")
    passing = table.texts("passing", default=())
    for one in passing:
        if one not in names:
            table.wrong("passing", one, "levels of the scale: " + ", ".join(names))
    blocked = table.optional("blocked_as")
    if blocked is not None and blocked not in names:
        table.wrong("blocked_as", blocked, "a level of the scale: " + ", ".join(names))
    name = table.text("name", default=name)
    table.close()
    return Scale(name=name, levels=levels, passing=frozenset(passing), blocked_as=blocked)


def _level(table: TomlTable) -> Level:
    name = table.text("name")
    points = table.get("points")
    if isinstance(points, bool) or not isinstance(points, int | float) or not _usable(points):
        table.wrong("points", points, "a number")
        points = 0
    level = Level(
        name=name, points=points, zh=table.text("zh", default=name), en=table.text("en", default=name)
    )
    table.close()
    return level


def _usable(number: float) -> bool:
    return abs(number) <= 1e9 and math.isfinite(number)


def choice_scale(labels: tuple[str, ...]) -> Scale:
    """What an answer to a choice item may decide: an option, Other, Refuse. The points are codes."""
    return Scale(
        name="choice",
        levels=(
            Level(name=REFUSE, points=-1, zh="拒绝选择", en="refused to choose"),
            Level(name=OTHER, points=0, zh="都选或都不选", en="several or none"),
            *(
                Level(name=label, points=n, zh=f"选择 {label}", en=f"chose {label}")
                for n, label in enumerate(labels, start=1)
            ),
        ),
        passing=frozenset(),
        blocked_as=REFUSE,
    )


def rubric(root: TomlTable, kind: str, categories: frozenset[str] | None) -> Rubric:
    """`[rubric]`: `text` for all, `by_category` for some, where it comes from, and whether it is ours."""
    given = root.get("rubric") is not None
    table = root.table("rubric", required=kind == "open")
    texts = {}
    if given:
        texts = table.pairs("by_category")
        text = table.optional("text")
        if text is not None:
            texts["*"] = text
        elif not texts:
            table.wrong("text", None, "a text that is not blank")
    for name in texts:
        if categories is not None and name != "*" and name not in categories:
            table.wrong("by_category", name, "top categories: " + ", ".join(sorted(categories)))
    found = Rubric(
        text=texts,
        ours=table.flag("ours", default=True),
        source=table.bilingual(
            "source", default=Bilingual(zh="本文件的作者。", en="The declaration's author.")
        ),
    )
    table.close()
    return found


def measures(root: TomlTable, kind: str, scales_: Mapping[str, Scale]) -> tuple[Measure, ...]:
    """`[[measures]]`, each with its own title where it has one."""
    tables = root.list_of_tables("measures")
    if not tables:
        if kind == "choice":
            return (_ACC, _ACC_STAR)
        if root.values.get("measures") in (None, []):
            root.wrong("measures", root.values.get("measures"), "at least one [[measures]]")
        return ()
    found: list[Measure] = []
    for table in tables:
        one = _on_own_scale(_measure(table, kind, scales_), scales_)
        if any(other.name == one.name for other in found):
            table.wrong("name", one.name, "each measure once")
        if table.get("title") is not None:
            title = table.bilingual("title")
            one = replace(one, title=(title.zh, title.en))
        table.close(_MEASURE_KEYS)
        found.append(one)
    return tuple(found)


def _measure(table: TomlTable, kind: str, scales_: Mapping[str, Scale]) -> Measure:
    name = table.text("name")
    if name and not _MEASURE_NAME.fullmatch(name):
        table.wrong("name", name, "a name of a-z, 0-9 and _, such as pass_rate")
    ready = (_READY_CHOICE if kind == "choice" else _READY).get(name)
    if ready is not None and not set(table.values) - {"name", "title"}:
        _check_scale(table, formula_of(ready), ready.subject, scales_)
        return ready
    value = _value(table, kind, ready)
    formula = FORMULAS.get(value)
    by = table.texts("by", default=ready.by if ready else ("category",))
    for one in by:
        if one not in _BY:
            table.wrong("by", one, ", ".join(_BY))
    subject = table.one_of(
        "subject",
        SUBJECTS,
        default=REFUSAL_RATE.subject if name == REFUSAL_RATE.name else "primary",
    )
    if kind == "choice" and subject != "primary":
        table.wrong("subject", subject, "primary: choices have no other scale")
    _check_scale(table, formula, subject, scales_)
    better = table.get("higher_is_better")
    if better is not None and not isinstance(better, bool) and better != "neither":
        table.wrong("higher_is_better", better, 'true, false or "neither"')
    if better is None and not (name == REFUSAL_RATE.name and formula.higher_is_better):
        better = formula.higher_is_better
    unit = table.one_of("unit", ("percent", "points"), default=formula.unit)
    per = table.one_of("per", ("item", "turn", "row"), default="row" if kind == "choice" else "item")
    combine = table.one_of("combine", ("micro", "macro"), default="micro")
    return Measure(
        name=name,
        value=value,
        by=cast("tuple[Literal['category', 'tags', 'round', 'expect'], ...]", by),
        combine="macro" if combine == "macro" else "micro",
        per=cast("Any", per),
        higher_is_better=None if better in (None, "neither") else better is not False,
        unit="points" if unit == "points" else "percent",
        subject=cast("Any", subject),
    )


def _on_own_scale(measure: Measure, scales_: Mapping[str, Scale]) -> Measure:
    """The measure; one on safe/unsafe reads the benchmark's own verdicts where its own scale is just that."""
    own = [scale for scale in scales_.values() if _is_safety(scale)]
    return (
        replace(measure, subject="primary")
        if measure.subject == "safety" and len(own) == len(scales_)
        else measure
    )


def _is_safety(scale: Scale) -> bool:
    names = [level.name for level in SAFETY.levels]
    return [level.name for level in scale.levels] == names and scale.passing == SAFETY.passing


def _value(table: TomlTable, kind: str, ready: Measure | None) -> str:
    """The formula's name; where it is none, those that suit the kind of benchmark are offered.

    Raises:
        PluginError: a package brings the formula, and it is broken.
    """
    value = table.get("value")
    formula = FORMULAS.find(value) if isinstance(value, str) else None
    if isinstance(value, str) and formula is not None and formula.kind == kind:
        return value
    fitting = [one.name for one in FORMULAS.entries() if one.thing is not None and one.thing.kind == kind]
    return table.one_of("value", fitting, default=ready.value if ready else None)


def _check_scale(table: TomlTable, formula: Formula, subject: str, scales_: Mapping[str, Scale]) -> None:
    """Whether the benchmark's own scale has what the formula needs; ours have it all."""
    scales = [] if subject in OWN_SCALES else list(scales_.values())
    if formula.by_passing and not all(scale.passing for scale in scales):
        field = "value" if table.get("value") is not None else "name"
        table.wrong(field, table.get(field), "a scale whose `passing` names the levels that pass")
    tops = [max((level.points for level in scale.levels), default=1) for scale in scales]
    if formula.positive_top and any(top <= 0 for top in tops):
        table.wrong("value", table.get("value"), "a scale whose top level has more than 0 points")


def card(root: TomlTable) -> Card:
    """`[card]`: overview, task, data, scoring, limits, each a text or zh and en; citation, one text."""
    table = root.table("card", required=True)
    if table.absent:
        return Card(overview=_EMPTY, task=_EMPTY, data=_EMPTY, scoring=_EMPTY, limits=_EMPTY, citation="")
    parts = {name: table.bilingual(name) for name in ("overview", "task", "data", "scoring", "limits")}
    citation = table.text("citation")
    table.close()
    return Card(**parts, citation=citation)
