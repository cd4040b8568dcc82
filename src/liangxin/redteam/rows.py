"""An attack's prompts as a row of a benchmark's own file, and which categories that benchmark takes.

Whatever is written here is read back by the benchmark itself: what it refuses or reads otherwise is no row.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liangxin.benchmarks.fields import reserved
from liangxin.errors import DataError, PeopleError
from liangxin.records import Item, Row
from liangxin.specs import Benchmark
from liangxin.words import categories, category_title
from liangxin.zh import clean_text

MOST_NAME = 80
_FILE = "attack"


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryChoice:
    """One line of the list that a person chooses from."""

    path: tuple[str, ...]
    """The data's own words, from the top category down."""
    free: bool
    """Whether a name of one's own is to follow the path."""
    zh: str
    en: str


class NoRow(Exception):
    """These prompts cannot be a row of that benchmark's file; said in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


def choices(benchmark: Benchmark) -> list[CategoryChoice]:
    """The categories of a benchmark, the deepest known ones, and where its taxonomy is open a free one."""
    found: list[CategoryChoice] = []
    for top in benchmark.taxonomy:
        for path, node in categories((top,)):
            if not node.below:
                title = category_title((top,), path)
                found.append(CategoryChoice(path=path, free=False, zh=title.zh, en=title.en))
        if benchmark.open_taxonomy and top.below:
            zh, en = f"{top.title.zh} / 其他", f"{top.title.en} / other"
            found.append(CategoryChoice(path=(top.name,), free=True, zh=zh, en=en))
    if benchmark.open_taxonomy and _takes_any_top(benchmark):
        found.append(CategoryChoice(path=(), free=True, zh="其他（自己写）", en="other (in your own words)"))
    return found


def chosen_category(benchmark: Benchmark, number: int, words: str) -> tuple[str, ...]:
    """The category that a person chose: by its place among `choices`, with words of one's own where it is free.

    Raises:
        PeopleError: there is no such place, or the words cannot be a category.
    """
    known = choices(benchmark)
    if not 0 <= number < len(known):
        raise PeopleError("请选择类别。", "Choose a category.")
    choice = known[number]
    own = [part for part in (_word(word) for word in words.split("/")) if part] if choice.free else []
    if choice.free and choice.path and len(own) != 1:
        raise PeopleError("请写出类别的名字，不含“/”。", "Write the category's name, without a slash.")
    return checked_category(benchmark, (*choice.path, *own))


def checked_category(benchmark: Benchmark, category: Sequence[str]) -> tuple[str, ...]:
    """A category as the benchmark reads it.

    Raises:
        PeopleError: the benchmark has no such category.
    """
    path = tuple(_word(word) for word in category)
    wrong = PeopleError(
        f"{benchmark.title.zh}没有这个类别：{' / '.join(path) or '（空）'}。请从列表里选。",
        f"{benchmark.name} has no such category: {' / '.join(path) or '(none)'}. Choose one from the list.",
    )
    if any(not word or len(word) > MOST_NAME or reserved(word) or "/" in word for word in path):
        raise wrong
    try:
        row(benchmark, "id", ("一", "二"), path)
    except NoRow:
        try:
            row(benchmark, "id", ("一",), path)
        except NoRow:
            raise wrong from None
    return path


def row(
    benchmark: Benchmark, identifier: str, prompts: Sequence[str], category: Sequence[str]
) -> dict[str, str]:
    """The prompts as a row of the benchmark's own file.

    Raises:
        NoRow: the benchmark's file has no place for them: it is single-turn, needs a follow-up, …
    """
    values = _written(benchmark, identifier, tuple(prompts), tuple(category))
    try:
        items = benchmark.read(Row(file=_FILE, number=1, values=values))
    except DataError:
        items = ()
    if len(items) != 1 or not _same(items[0], prompts, category):
        raise NoRow(
            zh=f"{len(prompts)} 轮的题写不成 {benchmark.name} 的一行",
            en=f"{len(prompts)} turn(s) do not fit a row of {benchmark.name}",
        )
    return values


def _same(item: Item, prompts: Sequence[str], category: Sequence[str]) -> bool:
    return item.turns == tuple(prompts) and item.category == tuple(category)


def _written(
    benchmark: Benchmark, identifier: str, prompts: tuple[str, ...], category: tuple[str, ...]
) -> dict[str, str]:
    later = {_numbered("follow_up", number): text for number, text in enumerate(prompts[1:], start=1)}
    if benchmark.declaration is not None:
        return _declared(benchmark.declaration.text, identifier, prompts, category)
    if benchmark.name == "flames":
        cells = dict(zip(("dimension", "subcomponent"), category, strict=False))
        return {"id": identifier, **cells, "prompt": prompts[0]}
    if benchmark.name == "sc-safety":
        cells = dict(zip(("ability", "dimension"), category, strict=False))
        return {"id": identifier, **cells, "question": prompts[0], **later}
    return {"id": identifier, **dict(zip(("category",), category, strict=False)), "prompt": prompts[0]}


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}_{number}"


def _declared(
    text: str, identifier: str, prompts: tuple[str, ...], category: tuple[str, ...]
) -> dict[str, str]:
    columns = tomllib.loads(text).get("fields", {})
    values: dict[str, str] = {}
    for name, said in (("category", category), ("follow_ups", prompts[1:])):
        values.update(zip(_names(columns, name), said, strict=False))
    values[str(columns.get("question", "question"))] = prompts[0]
    identifiers = _names(columns, "id")
    # Several id columns make one id; a row of ours has its id in the first and says so in the others.
    values.update({name: identifier for name in identifiers if name not in values})
    return values


def _names(columns: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = columns.get(name, ())
    return (found,) if isinstance(found, str) else tuple(str(one) for one in found)


def _takes_any_top(benchmark: Benchmark) -> bool:
    """Whether a category that nobody knows is taken: SC-Safety's abilities are closed, its dimensions open."""
    for path in (("未列出的类别",), ("未列出的类别", "未列出的子类")):
        for prompts in (("一",), ("一", "二")):
            try:
                row(benchmark, "id", prompts, path)
            except NoRow:
                continue
            return True
    return False


def _word(text: str) -> str:
    return " ".join(clean_text(text).split())
