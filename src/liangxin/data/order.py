"""The seeded, stratified order in which a run takes its items, so that any first N are a fair sample."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin import digests


def stratified_order(index: Sequence[tuple[int, str, str]], seed: int) -> list[tuple[int, int]]:
    """Put units in a run's order: shuffled within each category, categories interleaved by their shares.

    The k-th of n units of a category stands at (k + ½)/n, so any first N hold each category in
    proportion to its size, within one unit, and a larger N only adds.

    Args:
        index: (position, unit, category) of every item; the items of one unit stay together, in file order.
        seed: another seed gives another order.

    Returns:
        (unit rank, position) for each rank.
    """
    members: dict[str, list[int]] = {}
    categories: dict[str, list[tuple[bytes, str]]] = {}
    for position, unit, category in index:
        if unit in members:
            members[unit].append(position)
            continue
        members[unit] = [position]
        lot = digests.lot(seed, unit)[:8]
        categories.setdefault(category, []).append((lot, unit))
    placed: list[tuple[float, bytes, str]] = []
    for drawn in categories.values():
        drawn.sort()
        placed.extend(((k + 0.5) / len(drawn), lot, unit) for k, (lot, unit) in enumerate(drawn))
    placed.sort()
    return [
        (unit_rank, position) for unit_rank, (_, _, unit) in enumerate(placed) for position in members[unit]
    ]
