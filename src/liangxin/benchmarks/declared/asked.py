"""How a choice is asked: the labels, the prompt, where the options and the answer stand, and in which orders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from liangxin import cells
from liangxin.benchmarks.declared.parts import OTHER, REFUSE
from liangxin.benchmarks.declared.tables import TomlTable
from liangxin.digests import digest
from liangxin.records import Item, Row
from liangxin.zh import fold

LETTERS = tuple("ABCDEFGHIJ")
MOST = len(LETTERS)
_HOLES = re.compile(r"\{([a-z_]*)\}")
_PROMPT = """\
{question}

{options}

请从以上选项中选出一个正确的，只回答选项的标号（{labels}）。
答案："""
ANSWERS = ("label", "text", "index from 0", "index from 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """A declaration's `[choice]`."""

    labels: tuple[str, ...]
    options: tuple[str, ...]
    """One column that holds a list, or a column for each option."""
    answer: str
    """The column of the right answer."""
    given_as: str
    prompt: str
    option_line: str
    both: bool

    def items(self, row: Row, base: Item, *, own: bool) -> tuple[Item, ...]:
        """The item as it is asked; both orders of a pair where the declaration says so.

        Args:
            own: whether the data gave the id.

        Raises:
            DataError: the options or the answer are not what the declaration says.
        """
        options = self._options(row)
        right = self._answer(row, options)
        identity = base.id if own else f"{base.id}-{digest([*options])}"
        if not self.both:
            return (self._item(replace(base, id=identity), options, right),)
        if len(options) != 2:
            raise cells.bad(row, self.options[0], len(options), "two options, as both orders are asked")
        pair = f"{identity}-pair"
        return tuple(
            replace(self._item(replace(base, id=f"{identity}-{n}"), shown, at), pair=pair)
            for n, (shown, at) in enumerate(((options, right), (options[::-1], 1 - right)), start=1)
        )

    def _item(self, base: Item, options: tuple[str, ...], right: int) -> Item:
        question = base.turns[0]
        labels = self.labels[: len(options)]
        lines = [
            _fill(self.option_line, {"label": label, "text": text})
            for label, text in zip(labels, options, strict=True)
        ]
        parts = {
            "question": question,
            "options": "\n".join(lines),
            "labels": "、".join(labels),
            "category": "/".join(base.category),
        }
        return replace(
            base,
            turns=(_fill(self.prompt, parts),),
            choices=options,
            answer=labels[right],
            stem=question,
        )

    def _options(self, row: Row) -> tuple[str, ...]:
        if len(self.options) == 1:
            name = self.options[0]
            value = row.values.get(name)
            if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
                raise cells.bad(row, name, value, "a list of texts")
            found = tuple(value)
        else:
            present = [name for name in self.options if not cells.absent(row.values.get(name))]
            for name, expected in zip(present, self.options, strict=False):
                if name != expected:
                    raise cells.bad(row, expected, None, f"a text, as the row has {name}")
            found = tuple(_cell(row, name) for name in present)
        if not 2 <= len(found) <= len(self.labels):
            raise cells.bad(row, self.options[0], len(found), f"2 to {len(self.labels)} options")
        # SafetyBench has a question with one option twice; only what tells them apart by text cannot have it.
        differing = self.both or self.given_as == "text"
        if differing and len({one.strip() for one in found}) != len(found):
            raise cells.bad(row, self.options[0], list(found), "options that differ")
        return found

    def _answer(self, row: Row, options: Sequence[str]) -> int:
        value = row.values.get(self.answer)
        said, whole = cells.name_of(value) or "", cells.whole(value)
        labels = self.labels[: len(options)]
        if self.given_as == "text":
            stripped = [one.strip() for one in options]
            if said in stripped:
                return stripped.index(said)
            raise cells.bad(row, self.answer, value, "the text of one of the options")
        if self.given_as == "label":
            for name in (said, str(whole)):
                if name in labels:
                    return labels.index(name)
            raise cells.bad(row, self.answer, value, "one of " + ", ".join(labels))
        first = int(self.given_as[-1])
        if whole is not None and first <= whole < first + len(options):
            return whole - first
        raise cells.bad(row, self.answer, value, f"a whole number from {first} to {first + len(options) - 1}")


def _cell(row: Row, name: str) -> str:
    value = row.values.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return cells.text(row, name)


def _fill(template: str, parts: dict[str, str]) -> str:
    """The template with its holes filled; what the data holds is never read as a template."""
    return _HOLES.sub(lambda found: parts.get(found[1], found[0]), template)


def choosing(root: TomlTable) -> Choosing:
    """`[choice]`, with `options` and `answer` of `[fields]`."""
    table = root.table("choice")
    columns = root.values.get("fields")
    named = TomlTable(columns if isinstance(columns, dict) else {}, "fields", root.mistakes)
    options = named.texts("options")
    labels = table.texts("labels", default=LETTERS)
    folded = [fold(one).strip() for one in labels]
    if not 2 <= len(labels) <= MOST or len(set(folded)) != len(labels) or not all(folded):
        table.wrong("labels", list(labels), f"2 to {MOST} labels that differ")
    for one in labels:
        if one in (REFUSE, OTHER) or len(one) > 12 or one != one.strip():
            table.wrong("labels", one, f"short labels, none of them {REFUSE} or {OTHER}")
    if len(options) > len(labels):
        named.wrong("options", list(options), f"at most {len(labels)} columns, one for each label")
    found = Choosing(
        labels=labels,
        options=options,
        answer=named.text("answer"),
        given_as=table.one_of("answer", ANSWERS, default="label"),
        prompt=_template(table, "prompt", _PROMPT, ("question", "options"), ("labels", "category")),
        option_line=_template(table, "option_line", "{label}. {text}", ("label", "text"), ()),
        both=table.one_of("orders", ("given", "both"), default="given") == "both",
    )
    table.close()
    return found


def _template(table: TomlTable, key: str, default: str, needed: Sequence[str], further: Sequence[str]) -> str:
    text = table.text(key, default=default)
    holes = _HOLES.findall(text)
    for name in needed:
        if name not in holes:
            table.wrong(key, text, f"a text with {{{name}}}")
    for name in holes:
        if name not in (*needed, *further):
            allowed = ", ".join(f"{{{one}}}" for one in (*needed, *further))
            table.wrong(key, f"{{{name}}}", allowed)
    return text
