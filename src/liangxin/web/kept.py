"""What the site has found out about runs lately: counts, what can be filtered by, the dialogues that fit a filter."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from liangxin.errors import StoreError
from liangxin.store import Database, RunRecord
from liangxin.store.browsing import (
    DialogueFilter,
    Facets,
    FoundPlaces,
    facets,
    find,
    reply_counts,
    reply_rows,
    verdict_counts,
)
from liangxin.store.searching import index_run

_MOST_RUNS = 4
_MOST_FOUND = 24
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """A run as it stood when it was counted."""

    replies: Mapping[str, int]
    verdicts: Mapping[int, int]
    facets: Facets
    found: OrderedDict[DialogueFilter, FoundPlaces] = field(default_factory=OrderedDict)


class KeptRuns:
    """Keeps what was counted for as long as no reply and no verdict has come to the run or gone from it.

    Replies and verdicts are appended, or erased with a person or a run; so their numbers tell whether anything has
    changed. They are counted at each page, in an index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs: OrderedDict[object, KeptRun] = OrderedDict()
        self._lock = threading.Lock()
        self._indexing: set[int] = set()
        self._ended = threading.Event()

    def run(self, run: RunRecord) -> KeptRun:
        """The run as it stands now."""
        verdicts = verdict_counts(self._database, [run.key])
        state = (run.key, run.id, run.units, reply_rows(self._database, run), *sorted(verdicts.items()))
        return self._kept(
            self._runs,
            state,
            _MOST_RUNS,
            lambda: KeptRun(
                replies=reply_counts(self._database, [run.key])[run.key],
                verdicts=verdicts,
                facets=facets(self._database, run),
            ),
        )

    def find(self, kept: KeptRun, run: RunRecord, wanted: DialogueFilter) -> FoundPlaces:
        """The dialogues that fit; the first search of a run has its index made, and does not wait for that."""
        if wanted.text:
            self._index(run)
        return self._kept(kept.found, wanted, _MOST_FOUND, lambda: find(self._database, run, wanted))

    def close(self) -> None:
        """Begin no more parts of an index."""
        self._ended.set()

    def _kept(self, shelf: OrderedDict[K, V], key: K, most: int, make: Callable[[], V]) -> V:
        with self._lock:
            if key in shelf:
                shelf.move_to_end(key)
                return shelf[key]
        made = make()
        with self._lock:
            shelf[key] = made
            while len(shelf) > most:
                shelf.popitem(last=False)
        return made

    def _index(self, run: RunRecord) -> None:
        with self._lock:
            if run.key in self._indexing:
                return
            self._indexing.add(run.key)
        threading.Thread(target=self._indexed, args=(run,), name="liangxin-search", daemon=True).start()

    def _indexed(self, run: RunRecord) -> None:
        try:
            index_run(self._database, run.key, run.dataset, lambda: not self._ended.is_set())
        except StoreError:
            pass  # Searching needs no index; the next search tries again.
        finally:
            with self._lock:
                self._indexing.discard(run.key)
