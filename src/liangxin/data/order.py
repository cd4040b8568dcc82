"""The seeded, stratified order in which a run takes its items, so that any first N are a fair sample."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator, Sequence

from liangxin import digests

_PLACE = 32
"""Bits of an item's place in the index, below its unit's lot."""


def stratified_order(index: Iterable[tuple[int, str, str]], seed: int) -> Iterator[tuple[int, int]]:
    """Put units in a run's order: shuffled within each category, categories interleaved by their shares.

    The k-th of n units of a category stands at (k + ½)/n, so any first N hold each category in
    proportion to its size, within one unit, and a larger N only adds. Memory holds one number for each item.

    Args:
        index: (position, unit, category) of every item; the items of one unit stay together, in file order.
        seed: another seed gives another order.

    Returns:
        (unit rank, position) for each rank.
    """
    positions, codes = array("Q"), array("L")
    names: dict[str, int] = {}
    drawn: list[int] = []
    for place, (position, unit, category) in enumerate(index):
        positions.append(position)
        codes.append(names.setdefault(category, len(names)))
        # 16 bytes of a lot tell units apart as their names would: two of a billion meet by chance once in 10^20 times.
        drawn.append(int.from_bytes(digests.lot(seed, unit)[:16]) << _PLACE | place)
    drawn.sort()
    for rank, (_, lot, first) in enumerate(heapq.merge(*_strata(drawn, codes, len(names)))):
        at = first
        while at < len(drawn) and drawn[at] >> _PLACE == lot:
            yield rank, positions[drawn[at] & ((1 << _PLACE) - 1)]
            at += 1


def _strata(drawn: Sequence[int], codes: Sequence[int], count: int) -> list[Iterator[tuple[float, int, int]]]:
    """For each category its units in their order: where it stands, its lot, and where its items begin in `drawn`."""
    begins = [array("L") for _ in range(count)]
    before = -1
    for at, packed in enumerate(drawn):
        if packed >> _PLACE != before:
            before = packed >> _PLACE
            begins[codes[packed & ((1 << _PLACE) - 1)]].append(at)

    def units(begin: Sequence[int]) -> Iterator[tuple[float, int, int]]:
        return (((k + 0.5) / len(begin), drawn[at] >> _PLACE, at) for k, at in enumerate(begin))

    return [units(begin) for begin in begins]
