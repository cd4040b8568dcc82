"""Splits whose sides share no prompt, no responding model or no source, nor anything that is nearly a copy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from liangxin.digests import lot
from liangxin.errors import DataError
from liangxin.near import NearPair, near_pairs
from liangxin.scorer.rows import Labelled
from liangxin.zh import fold

if TYPE_CHECKING:
    pass

By = Literal["prompt", "model", "source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows are on which side."""

    sides: tuple[tuple[int, ...], ...]
    """Row numbers of each side, in order: training, calibration, test."""
    groups: int
    near: tuple[NearPair, ...]
    """Near-duplicates found between rows of different groups; they were put on one side."""


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

    near: list[NearPair] = []
    if by == "prompt":
        for found in (
            *near_pairs([row.prompt for row in rows], "prompt"),
            *near_pairs([row.response for row in rows], "response"),
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
