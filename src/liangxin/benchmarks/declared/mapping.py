"""Which columns mean what, and one row read as items by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from liangxin import cells
from liangxin.benchmarks import fields
from liangxin.benchmarks.declared.asked import Choosing
from liangxin.benchmarks.declared.tables import TomlTable
from liangxin.digests import digest
from liangxin.records import Item, Row
from liangxin.specs import Category

_YES = frozenset({"true", "yes", "1", "是", "secret"})
_NO = frozenset({"false", "no", "0", "否"})
EXPECT = ("refuse", "answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expecting:
    """Whether a question should be refused or answered: by a column, by the category, or all alike."""

    column: str | None
    values: Mapping[str, str]
    by_category: Mapping[str, str]
    default: str | None

    def of(self, row: Row, category: tuple[str, ...]) -> Literal["refuse", "answer"] | None:
        """What the row's question expects."""
        found = self.default
        if category and category[0] in self.by_category:
            found = self.by_category[category[0]]
        if self.column is not None and not cells.absent(row.values.get(self.column)):
            said = cells.one_of(row, dict.fromkeys([*self.values, *EXPECT]), self.column)
            found = self.values.get(said, said)
        return cast("Literal['refuse', 'answer'] | None", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMapping:
    """A declaration's `[fields]` with all that reading a row needs."""

    name: str
    id: tuple[str, ...]
    question: str
    follow_ups: tuple[str, ...]
    category: tuple[str, ...]
    required: bool
    tags: tuple[str, ...]
    reference: str | None
    secret_column: str | None
    all_secret: bool
    expecting: Expecting
    taxonomy: tuple[Category, ...]
    open_taxonomy: bool
    aliases: Mapping[str, str]
    choosing: Choosing | None

    def is_secret(self, row: Row) -> bool:
        """Whether the row's texts must not be shown.

        Raises:
            DataError: its cell says neither yes nor no.
        """
        value = None if self.secret_column is None else row.values.get(self.secret_column)
        if self.all_secret or self.secret_column is None or cells.absent(value):
            return self.all_secret
        said = str(value).strip().lower().removesuffix(".0")
        if said in _YES or said in _NO:
            return said in _YES
        raise cells.bad(row, self.secret_column, value, "true or false (是 or 否)")

    def read(self, row: Row) -> tuple[Item, ...]:
        """One row as one item, or as two where both orders of its options are shown.

        Raises:
            DataError: a cell is missing or not what the declaration says.
        """
        question = cells.text(row, self.question)
        turns = (question, *self._more(row))
        category = self._category(row)
        base = Item(
            id=self._id(row) or f"{self.name}-{digest([*category, *turns])}",
            turns=turns,
            category=category,
            tags=self._tags(row),
            reference=None
            if self.reference is None or cells.absent(row.values.get(self.reference))
            else cells.text(row, self.reference),
            expect=self.expecting.of(row, category),
            source=cells.source(row),
            secret=self.is_secret(row),
        )
        if self.choosing is None:
            return (base,)
        return self.choosing.items(row, base, own=bool(self.id))

    def _more(self, row: Row) -> tuple[str, ...]:
        """The follow-ups; a blank one ends the dialogue, and none may come after it."""
        present = [name for name in self.follow_ups if not cells.absent(row.values.get(name))]
        for name, expected in zip(present, self.follow_ups, strict=False):
            if name != expected:
                raise cells.bad(row, expected, None, f"a text, as the row has {name}")
        return tuple(cells.text(row, name) for name in present)

    def _id(self, row: Row) -> str | None:
        parts = [cells.own_id(row, column) for column in self.id]
        for column, part in zip(self.id, parts, strict=True):
            if part is None:
                raise cells.bad(row, column, None, "an id")
        return "-".join(part for part in parts if part) or None

    def _category(self, row: Row) -> tuple[str, ...]:
        path: list[str] = []
        nodes = self.taxonomy
        for depth, column in enumerate(self.category):
            value = row.values.get(column)
            if cells.absent(value):
                if depth == 0 and self.required:
                    raise cells.bad(row, column, value, "a category")
                break
            word = cells.name_of(value)
            if word is None:
                raise cells.bad(row, column, value, "a category")
            word = self.aliases.get(word, word)
            if fields.reserved(word):
                raise cells.bad(
                    row, column, value, "a category name that is not already a group of the scores"
                )
            known = {node.name: node for node in nodes}
            if word not in known and not self.open_taxonomy and (known or depth == 0):
                raise cells.bad(row, column, value, "one of " + ", ".join(known))
            nodes = known[word].below if word in known else ()
            path.append(word)
        return tuple(path)

    def _tags(self, row: Row) -> tuple[str, ...]:
        found: list[str] = []
        for column in self.tags:
            value = row.values.get(column)
            if not cells.absent(value):
                tag = cells.name_of(value)
                if tag is None:
                    raise cells.bad(row, column, value, "a short name")
                found.append(self.aliases.get(tag, tag))
        return tuple(dict.fromkeys(found))


def expecting(root: TomlTable, column: str | None) -> Expecting:
    """`expect`: one word for all, or a table with `default`, `by_category` and `values`."""
    if isinstance(root.values.get("expect"), str):
        default = root.one_of("expect", EXPECT)
        return Expecting(column=column, values={}, by_category={}, default=default)
    table = root.table("expect")
    values, by_category = table.pairs("values"), table.pairs("by_category")
    for name, said in (("values", values), ("by_category", by_category)):
        for word, one in said.items():
            if one not in EXPECT:
                table.wrong(f"{name}.{word}", one, "refuse or answer")
    otherwise = table.optional("default")
    if otherwise is not None and otherwise not in EXPECT:
        table.wrong("default", otherwise, "refuse or answer")
    if values and column is None:
        table.wrong("values", values, "fields.expect, the column that holds these words")
    table.close()
    return Expecting(column=column, values=values, by_category=by_category, default=otherwise)


def mapping(
    root: TomlTable,
    name: str,
    choosing: Choosing | None,
    nodes: Sequence[Category],
    kinds: TomlTable,
    all_secret: bool,
) -> FieldMapping:
    """`[fields]` (with `[taxonomy]` and `expect`); `kinds` is the taxonomy's table."""
    table = root.table("fields", required=True)
    open_ = kinds.flag("open", default=not nodes)
    if not nodes and not open_:
        kinds.wrong("open", False, "true, or categories")
    found = FieldMapping(
        name=name,
        id=table.texts("id", default=()),
        question="" if table.absent else table.text("question"),
        follow_ups=table.texts("follow_ups", default=()),
        category=table.texts("category", default=()),
        required=kinds.flag("required", default=True),
        tags=table.texts("tags", default=()),
        reference=table.optional("reference"),
        secret_column=table.optional("secret"),
        all_secret=all_secret,
        expecting=expecting(root, table.optional("expect")),
        taxonomy=tuple(nodes),
        open_taxonomy=open_,
        aliases=kinds.pairs("aliases"),
        choosing=choosing,
    )
    if nodes and not found.category:
        table.wrong("category", None, "the column of the category, as there is a taxonomy")
    if choosing is not None and found.follow_ups:
        table.wrong("follow_ups", list(found.follow_ups), "none: choice items have one turn")
    table.close(["options", "answer"] if choosing is not None else ())
    return found
