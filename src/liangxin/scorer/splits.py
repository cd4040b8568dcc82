"""Splits whose sides share no prompt, no responding model or no source, nor anything that is nearly a copy.

Near-duplicates: MinHash (Broder 1997) over character 5-grams of the folded text, 64 hash functions in 16 bands of 4;
candidates that share a band are compared, and those with a Jaccard overlap of 0.8 or more are kept on one side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from liangxin.digests import lot
from liangxin.errors import DataError
from liangxin.scorer.rows import Labelled
from liangxin.zh import fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

By = Literal["prompt", "model", "source"]

GRAM = 5
OVERLAP = 0.8
_BANDS, _ROWS = 16, 4
_READ = 2_000
"""Characters of a text that are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Two rows that are nearly the same text."""

    first: int
    second: int
    overlap: float
    what: Literal["prompt", "response"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows are on which side."""

    sides: tuple[tuple[int, ...], ...]
    """Row numbers of each side, in order: training, calibration, test."""
    groups: int
    near: tuple[Near, ...]
    """Near-duplicates found between rows of different groups; they were put on one side."""


def near_duplicates(texts: Sequence[str], what: Literal["prompt", "response"]) -> list[Near]:
    """Pairs of different texts with a Jaccard overlap of at least 0.8, each with its place in `texts`.

    Equal texts are chained to their first occurrence, with overlap 1.
    """
    first: dict[str, int] = {}
    found: list[Near] = []
    for place, text in enumerate(texts):
        folded = fold(text)[:_READ]
        if folded in first:
            found.append(Near(first=first[folded], second=place, overlap=1.0, what=what))
        elif len(folded) >= GRAM:
            first[folded] = place
    grams = {place: _grams(text) for text, place in first.items()}
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, mine in grams.items():
        signature = _signature(mine)
        for band in range(_BANDS):
            buckets[band, signature[band * _ROWS : (band + 1) * _ROWS].tobytes()].append(place)
    compared: set[tuple[int, int]] = set()
    for places in buckets.values():
        # A long chain of copies is linked through its neighbours; comparing all with all would be quadratic.
        pairs = pairwise(places) if len(places) > 50 else _all_pairs(places)
        for one, other in pairs:
            if (one, other) in compared:
                continue
            compared.add((one, other))
            common = len(np.intersect1d(grams[one], grams[other], assume_unique=True))
            overlap = common / (len(grams[one]) + len(grams[other]) - common)
            if overlap >= OVERLAP:
                found.append(Near(first=one, second=other, overlap=overlap, what=what))
    return sorted(found, key=lambda near: (near.first, near.second))


def split(rows: Sequence[Labelled], by: By, shares: Sequence[float], seed: int) -> Split:
    """Put whole groups (and what nearly copies them) on sides of about the given shares.

    Args:
        shares: the sides' shares, which sum to 1; the first side takes what is left.

    Raises:
        DataError: rows have no model or source to split by, or there are fewer groups than sides.
    """
    keys = [_key(row, by) for row in rows]
    parent = {key: key for key in keys}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    near: list[Near] = []
    if by == "prompt":
        for found in (
            *near_duplicates([row.prompt for row in rows], "prompt"),
            *near_duplicates([row.response for row in rows], "response"),
        ):
            one, other = keys[found.first], keys[found.second]
            if one != other:
                near.append(found)
                parent[root(one)] = root(other)
    members: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        members[root(key)].append(place)
    if len(members) < len(shares):
        raise DataError(
            f"a split by {by} needs {len(shares)} different {by}s at least; the labels have {len(members)}. "
            "Split by something else, or label more"
        )
    sides = _fill(members, len(rows), shares, seed)
    return Split(sides=tuple(tuple(sorted(side)) for side in sides), groups=len(members), near=tuple(near))


def _fill(members: dict[str, list[int]], total: int, shares: Sequence[float], seed: int) -> list[list[int]]:
    """Draw groups in a seeded order into whichever side is furthest below its share."""
    order = sorted(members, key=lambda key: lot(seed, key))
    # Large groups first, as nothing could make up for one that comes last.
    order.sort(key=lambda key: len(members[key]) < 0.02 * total)
    sides: list[list[int]] = [[] for _ in shares]
    for place, key in enumerate(order):
        # The last few groups go where nothing is yet.
        empty = [at for at in range(len(shares)) if not sides[at]]
        open_ = empty if len(order) - place <= len(empty) else range(len(shares))
        side = max(open_, key=lambda at: (shares[at] * total - len(sides[at]), -at))
        sides[side].extend(members[key])
    return sides


def _key(row: Labelled, by: By) -> str:
    key = {"prompt": fold(row.prompt) or fold(row.response), "model": row.model, "source": row.source}[by]
    if not key:
        raise DataError(
            f"{row.place}: a split by {by} needs the field {by} in every row; add it or split by prompt"
        )
    return key


def _grams(text: str) -> NDArray[np.uint64]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    grams = np.zeros(len(codes) - GRAM + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for at in range(GRAM):
            grams = grams * np.uint64(0x100000001B3) + codes[at : len(codes) - GRAM + 1 + at]
        return np.unique((grams ^ (grams >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(3))


_FUNCTIONS = np.random.default_rng(20231).integers(
    1, 1 << 62, size=(_BANDS * _ROWS, 1), dtype=np.uint64
) | np.uint64(1)


def _signature(grams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The least value of each of 64 hash functions (multiplication modulo 2^64, high bits)."""
    with np.errstate(over="ignore"):
        least: NDArray[np.uint64] = ((grams[None, :] * _FUNCTIONS) >> np.uint64(20)).min(axis=1)
    return least


def _all_pairs(places: Sequence[int]) -> list[tuple[int, int]]:
    return [(one, other) for at, one in enumerate(places) for other in places[at + 1 :]]
