"""Fields of a file's rows that nothing reads: a misspelt or unknown name is said, once for a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from liangxin.files.shown import show
from liangxin.records import Row

_LOG = logging.getLogger(__name__)
_SHOWN = 12


class _Watched(dict[str, object]):
    """A row's values that know which of them were asked for."""

    __slots__ = ("asked",)

    def __init__(self, values: Any, asked: set[str]) -> None:
        super().__init__(values)
        self.asked = asked

    def __getitem__(self, name: str) -> object:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        # Without this `{**values}` would copy past `__getitem__`.
        return super().__iter__()


class UnreadFields:
    """Watches the rows of a file being read."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._there: dict[str, None] = {}

    def watched(self, row: Row) -> Row:
        """The same row, whose fields are known to be read once they are asked for."""
        self._there.update(dict.fromkeys(row.values))
        return replace(row, values=_Watched(row.values, self._asked))

    def tell(self, path: str) -> None:
        """Say which fields no row was asked for; names with an @ in front are ours."""
        names = [one for one in self._there if one not in self._asked and not one.startswith("@")]
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            listed = ", ".join(show(one) for one in names[:_SHOWN])
            _LOG.warning(
                "%s: nothing reads the fields %s%s; what they say changes nothing", path, listed, more
            )
