"""Fields of a file's rows that nothing reads: a misspelt or unknown name is said, once for a file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from liangxin.files.shown import show
from liangxin.records import Row

_LOG = logging.getLogger(__name__)
_SHOWN = 12
_FOR_PEOPLE = frozenset(
    ("run", "item", "category", "trial", "trial_number", "turn", "judge", "annotator", "level", "verdict_status",
     "confidence", "reason", "dialogue", "response_sha256", "version", "created", "how", "note", "reference", "prompt",
     "model", "dimension", "subcomponent", "label", "source")
)  # fmt: skip
"""What our own sheets and exports, and the published layouts, hold beside an answer for whoever reads them."""


def _watching(asked: set[str]) -> type[dict[str, object]]:
    """A dictionary that notes what it is asked for; one class for a file, so that a row costs little."""

    class _Watched(dict[str, object]):
        __slots__ = ()

        def __getitem__(self, name: str) -> object:
            asked.add(name)
            return super().__getitem__(name)

        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return super().get(name, default)

        def __iter__(self) -> Iterator[str]:
            # Without this `{**values}` would copy past `__getitem__`.
            return super().__iter__()

    return _Watched


class UnreadFields:
    """Watches the rows of a file being read."""

    def __init__(self, *known: str) -> None:
        """Watch.

        Args:
            known: fields that are read before the rows are watched.
        """
        self._asked: set[str] = set(known)
        self._watched = _watching(self._asked)
        self._there: dict[str, object] = {}

    def watched(self, row: Row) -> Row:
        """The same row, whose fields are known to be read once they are asked for."""
        if row.values.keys() <= self._asked:
            return row
        self._there.update(row.values)
        return Row(file=row.file, number=row.number, values=self._watched(row.values))

    def tell(self, path: str) -> None:
        """Say which fields no row was asked for; names with an @ in front are ours."""
        names = [one for one in self._there if one not in self._asked and not one.startswith("@")]
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            listed = ", ".join(show(one) for one in names[:_SHOWN])
            _LOG.warning(
                "%s: nothing reads the fields %s%s; what they say changes nothing", path, listed, more
            )


def watched_rows(path: str, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of a file of answers or labels; at their end the fields that nothing read are said."""
    unread = UnreadFields(*_FOR_PEOPLE)
    for row in rows:
        yield unread.watched(row)
    unread.tell(path)
