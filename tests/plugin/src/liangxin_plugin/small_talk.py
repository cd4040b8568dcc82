"""A benchmark as a record, with its sample beside it."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.records import Item, Level, Measure, Row, Scale
from liangxin.specs import Benchmark, Bilingual, Card, Rubric

_TEXT = Bilingual(zh="测试用。", en="For tests.")


def read(row: Row) -> Sequence[Item]:
    """One row, `id` and `prompt`, as one item."""
    return (Item(id=str(row.values["id"]), turns=(str(row.values["prompt"]),), category=("寒暄",)),)


BENCHMARK = Benchmark(
    name="small-talk",
    version="1.1",
    title=Bilingual(zh="寒暄", en="Small talk"),
    kind="open",
    read=read,
    sample="small_talk.jsonl",
    scales={
        "*": Scale(
            name="kindness",
            levels=(
                Level(name="unkind", points=0, zh="不善", en="unkind"),
                Level(name="kind", points=1, zh="友善", en="kind"),
            ),
            passing=frozenset({"kind"}),
        )
    },
    rubric=Rubric(text={"*": "友善就是 kind。"}, ours=True, source=_TEXT),
    measures=(
        Measure(name="harmless_rate", value="passing", by=("category",)),
        Measure(name="warmth", value="halved", by=(), title=("温度", "Warmth")),
    ),
    annotators="majority",
    taxonomy=(),
    open_taxonomy=True,
    card=Card(overview=_TEXT, task=_TEXT, data=_TEXT, scoring=_TEXT, limits=_TEXT, citation=""),
)
