"""Near-duplicates among prompts: how many of their character n-grams two texts share.

With S(A) the set of a text's n-grams (Broder, On the resemblance and containment of documents, 1997):

    resemblance(A, B) = |S(A) ∩ S(B)| / |S(A) ∪ S(B)|        (the Jaccard index)
    containment(A, B) = |S(A) ∩ S(B)| / |S(A)|

Broder's shingles are words; Chinese has no blanks between words, so ours are characters. Two ways lead there:
`NearIndex` asks for one text at a time and is exact; `near_pairs` looks through a large file at once by MinHash
(Broder 1997), for copies alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from liangxin.zh import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRAM = 3
"""Characters to a gram. A text of fewer characters is one gram."""
RESEMBLANCE = 0.5
"""From here on two texts are near: half of all their grams are common to both."""
CONTAINMENT = 0.8
"""Or four fifths of the shorter one's grams stand in the other: a prompt with a longer frame around it."""
FEWEST = 6
"""A text of fewer grams is too short to be called contained; its resemblance still counts."""

COPY_GRAM = 5
"""Characters to a gram of `near_pairs`."""
OVERLAP = 0.8
"""The resemblance from which on `near_pairs` takes two texts for copies."""
_BANDS, _ROWS = 16, 4
_READ = 2_000
"""Characters of a text that `near_pairs` compares."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike two texts are, each number from 0 to 1."""

    resemblance: float
    contained: float
    """The containment of the text with fewer grams in the other one."""

    @property
    def near(self) -> bool:
        """Whether the two are near-duplicates by this module's thresholds."""
        return self.resemblance >= RESEMBLANCE or self.contained >= CONTAINMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class NearText(Generic[Key]):
    """A text of an index that is near to the one asked about."""

    key: Key
    alike: Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPair:
    """Two texts of a list that are nearly the same, by their places from 0."""

    first: int
    second: int
    overlap: float
    """Their resemblance."""
    what: Literal["prompt", "response"]


def plain(text: str) -> str:
    """A text as `NearIndex` compares it: letters, digits and ideographs alone, in one width and lower case."""
    return "".join(sign for sign in fold(text) if sign.isalnum())


def grams(text: str) -> frozenset[str]:
    """The set of a text's character n-grams; empty for a text without a letter or digit."""
    kept = plain(text)
    if len(kept) <= GRAM:
        return frozenset({kept}) if kept else frozenset()
    return frozenset(kept[at : at + GRAM] for at in range(len(kept) - GRAM + 1))


def alike(one: str, other: str) -> Likeness:
    """How alike two texts are; two texts without any gram are not alike."""
    first, second = grams(one), grams(other)
    return _alike(len(first & second), len(first), len(second))


class NearIndex(Generic[Key]):
    """Texts by their grams, so that the near ones of a text are found without reading the others."""

    def __init__(self, texts: Iterable[tuple[Key, str]] = ()) -> None:
        self._keys: list[Key] = []
        self._sizes: list[int] = []
        self._postings: dict[str, list[int]] = {}
        for key, text in texts:
            self.add(key, text)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: Key, text: str) -> None:
        """Enter one text; a key may stand for several."""
        found = grams(text)
        place = len(self._keys)
        self._keys.append(key)
        self._sizes.append(len(found))
        for gram in found:
            self._postings.setdefault(gram, []).append(place)

    def near(self, text: str, *, most: int = 10) -> list[NearText[Key]]:
        """The near-duplicates of a text, the most alike first; at most `most`."""
        asked = grams(text)
        common: Counter[int] = Counter()
        for gram in asked:
            common.update(self._postings.get(gram, ()))
        found = []
        for place, count in common.items():
            how = _alike(count, len(asked), self._sizes[place])
            if how.near:
                found.append((-how.resemblance, -how.contained, place, how))
        found.sort(key=lambda one: one[:3])
        return [NearText(key=self._keys[place], alike=how) for _, _, place, how in found[:most]]


def near_pairs(texts: Sequence[str], what: Literal["prompt", "response"]) -> list[NearPair]:
    """Pairs of different texts with a Jaccard overlap of at least 0.8, each with its place in `texts`.

    MinHash over character 5-grams of the folded text, 64 hash functions in 16 bands of 4; candidates that share a band
    are compared. Equal texts are chained to their first occurrence, with overlap 1.
    """
    import numpy as np

    first: dict[str, int] = {}
    found: list[NearPair] = []
    for place, text in enumerate(texts):
        folded = fold(text)[:_READ]
        if folded in first:
            found.append(NearPair(first=first[folded], second=place, overlap=1.0, what=what))
        elif len(folded) >= COPY_GRAM:
            first[folded] = place
    coded = {place: _coded(text) for text, place in first.items()}
    functions = np.random.default_rng(20231).integers(
        1, 1 << 62, size=(_BANDS * _ROWS, 1), dtype=np.uint64
    ) | np.uint64(1)
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, mine in coded.items():
        signature = _signature(mine, functions)
        for band in range(_BANDS):
            buckets[band, signature[band * _ROWS : (band + 1) * _ROWS].tobytes()].append(place)
    compared: set[tuple[int, int]] = set()
    for places in buckets.values():
        # A long chain of copies is linked through its neighbours; comparing all with all would be quadratic.
        pairs = pairwise(places) if len(places) > 50 else combinations(places, 2)
        for one, other in pairs:
            if (one, other) in compared:
                continue
            compared.add((one, other))
            common = len(np.intersect1d(coded[one], coded[other], assume_unique=True))
            overlap = _resemblance(common, len(coded[one]), len(coded[other]))
            if overlap >= OVERLAP:
                found.append(NearPair(first=one, second=other, overlap=overlap, what=what))
    return sorted(found, key=lambda near: (near.first, near.second))


def _alike(common: int, first: int, second: int) -> Likeness:
    fewer = min(first, second)
    return Likeness(
        resemblance=_resemblance(common, first, second),
        contained=common / fewer if fewer >= FEWEST else 0.0,
    )


def _resemblance(common: int, first: int, second: int) -> float:
    together = first + second - common
    return common / together if together else 0.0


def _coded(text: str) -> NDArray[np.uint64]:
    """The set of a text's grams as numbers."""
    import numpy as np

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    count = len(codes) - COPY_GRAM + 1
    grams = np.zeros(count, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for at in range(COPY_GRAM):
            grams = grams * np.uint64(0x100000001B3) + codes[at : count + at]
        return np.unique((grams ^ (grams >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(3))


def _signature(grams: NDArray[np.uint64], functions: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The least value of each of 64 hash functions (multiplication modulo 2^64, high bits)."""
    import numpy as np

    with np.errstate(over="ignore"):
        least: NDArray[np.uint64] = ((grams[None, :] * functions) >> np.uint64(20)).min(axis=1)
    return least
