"""What an attack repeats: other attacks that were handed in or accepted, and the benchmark's items in the store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import func, select

from liangxin.near import Likeness, NearIndex
from liangxin.records import Item
from liangxin.redteam.attack_record import ACCEPTED, SUBMITTED, Attack, attacks_of
from liangxin.store import Database, Runs
from liangxin.store.people import ATTACKS

MOST_ITEMS = 50_000
"""Items of one data set that are compared; larger ones are compared in part."""
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NearAttack:
    """Another attack that is near."""

    attack: Attack
    alike: Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class NearItem:
    """An item of the benchmark's data that is near."""

    item: Item
    alike: Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """All that is near to an attack, the most alike first."""

    attacks: tuple[NearAttack, ...]
    items: tuple[NearItem, ...]
    compared: int
    """How many items of the benchmark's data were compared."""


class NearFinder:
    """Finds near-duplicates; keeps the indices of data sets (which never change) and of the attacks so far."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = threading.Lock()
        self._datasets: dict[int, NearIndex[str]] = {}
        self._attacks: tuple[object, NearIndex[int]] = (None, NearIndex())

    def near(self, attack: Attack, *, most: int = 8) -> Nearby:
        """What is near to an attack's prompts; itself aside."""
        text = "\n".join(attack.prompts)
        runs = Runs(self.database)
        with self._lock:
            others = [one for one in self._index().near(text, most=most + 1) if one.key != attack.key]
            datasets = {key: self._dataset(key) for key in runs.datasets(attack.benchmark)}
        # The same item may be in several data sets of one benchmark, each a file as it was at some time.
        near = {one.key: (key, one.alike) for key, index in datasets.items() for one in index.near(text)}
        kept = sorted(near.items(), key=lambda one: _order(one[1][1]))[:most]
        with self.database.begin() as connection:
            rows = connection.execute(select(ATTACKS).where(ATTACKS.c.key.in_([one.key for one in others])))
            known = {one.key: one for one in attacks_of(connection, rows.all())}
        return Nearby(
            attacks=tuple(
                NearAttack(attack=known[one.key], alike=one.alike)
                for one in others[:most]
                if one.key in known
            ),
            items=tuple(NearItem(item=runs.item(key, name), alike=how) for name, (key, how) in kept),
            compared=sum(len(index) for index in datasets.values()),
        )

    def _dataset(self, key: int) -> NearIndex[str]:
        if key not in self._datasets:
            items = islice(Runs(self.database).items(key), MOST_ITEMS)
            self._datasets[key] = NearIndex((item.id, "\n".join(item.turns)) for item in items)
        return self._datasets[key]

    def _index(self) -> NearIndex[int]:
        """The attacks handed in or accepted, indexed anew when any of them has changed."""
        state = select(func.count(), func.max(ATTACKS.c.changed)).where(_COMPARED)
        with self.database.begin() as connection:
            mark = tuple(connection.execute(state).one())
            if self._attacks[0] != mark:
                texts = ((one.key, "\n".join(one.prompts)) for one in _all(connection))
                self._attacks = (mark, NearIndex(texts))
        return self._attacks[1]


_COMPARED = ATTACKS.c.state.in_((SUBMITTED, ACCEPTED))


def _order(how: Likeness) -> tuple[float, float]:
    return -how.resemblance, -how.contained


def _all(connection: Any) -> Iterator[Attack]:
    rows = connection.execute(select(ATTACKS).where(_COMPARED).order_by(ATTACKS.c.key)).all()
    for at in range(0, len(rows), _CHUNK):
        yield from attacks_of(connection, rows[at : at + _CHUNK])
