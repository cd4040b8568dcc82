"""Reading a benchmark's items from a data file: every row checked, equal rows refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from liangxin.errors import DataError, PluginError
from liangxin.files import file_digest, read_rows, show
from liangxin.files.unread import UnreadFields
from liangxin.records import Item, Row
from liangxin.specs import Benchmark


def items_of(benchmark: Benchmark, data: str | None, sample: str) -> Iterator[Item]:
    """Every item of a benchmark's data: the file given, else the one it declares, else its embedded sample.

    Raises:
        DataError: as `read_items`.
        PluginError: a package's benchmark brings reference answers that it does not declare.
    """
    if benchmark.declaration is not None:
        return benchmark.declaration.items(data)
    return _declared(benchmark, read_items(data or sample, benchmark.read))


def _declared(benchmark: Benchmark, items: Iterator[Item]) -> Iterator[Item]:
    """The items; an LLM judge would be shown no reference answer that its identity does not know of."""
    for item in items:
        if item.reference is not None and not benchmark.references:
            raise PluginError(
                f"the benchmark {benchmark.name} reads a reference answer (item {show(item.id)}), but does not say so: "
                "its package should declare it with references=True"
            )
        yield item


def digest_of(benchmark: Benchmark, data: str | None, sample: str) -> tuple[str, bool]:
    """The sha256 of the data's content, and whether its numbers are no results because it is a sample.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    if benchmark.declaration is not None:
        return benchmark.declaration.digest(data), benchmark.declaration.sample
    sha256 = file_digest(data or sample)
    return sha256, data is None or sha256 == file_digest(sample)


def read_items(path: str, read: Callable[[Row], Sequence[Item]]) -> Iterator[Item]:
    """Every item of the file, in order.

    Args:
        read: a benchmark's reader of one row.

    Raises:
        DataError: the file or a row is wrong, or two rows give the same item; the message names both.
    """

    def refused(item: Item, row: Row, first: Row) -> DataError:
        found = f"the same item as row {first.number} ({show(item.id)})"
        return DataError.at(row.file, row.number, "id", found=found, expected="each row once")

    def rows() -> Iterator[tuple[Row, Sequence[Item]]]:
        return ((row, read(unread.watched(row))) for row in read_rows(path))

    unread = UnreadFields()
    yield from each_once(rows, refused)
    unread.tell(path)


def each_once(
    rows: Callable[[], Iterable[tuple[Row, Sequence[Item]]]], refused: Callable[[Item, Row, Row], DataError]
) -> Iterator[Item]:
    """Every item of the rows, in order, none of which an earlier row gives too.

    Memory holds a number for each item, not its text: where one comes again, the rows are read anew to find the first.

    Args:
        rows: reads each row with its items, from the beginning at each call.
        refused: the error for an item of a row and the first row that gives it.
    """
    seen: set[int] = set()
    for place, (row, items) in enumerate(rows()):
        for item in items:
            if hash(item.id) in seen and (first := _giver(rows(), item.id, place)) is not None:
                raise refused(item, row, first)
            yield item
        seen.update(hash(item.id) for item in items)


def _giver(rows: Iterable[tuple[Row, Sequence[Item]]], identifier: str, before: int) -> Row | None:
    """The first of so many rows that gives the item; None where only the numbers were equal."""
    earlier = islice(rows, before)
    return next((row for row, items in earlier if any(item.id == identifier for item in items)), None)
