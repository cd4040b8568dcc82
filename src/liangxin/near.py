"""Near-duplicates among prompts: how many of their character n-grams two texts share.

With S(A) the set of a text's n-grams (Broder, On the resemblance and containment of documents, 1997):

    resemblance(A, B) = |S(A) ∩ S(B)| / |S(A) ∪ S(B)|        (the Jaccard index)
    containment(A, B) = |S(A) ∩ S(B)| / |S(A)|

Broder's shingles are words; Chinese has no blanks between words, so ours are characters. Texts are compared
without width, case, punctuation, blanks and invisible characters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from liangxin.zh import fold

GRAM = 3
"""Characters to a gram. A text of fewer characters is one gram."""
RESEMBLANCE = 0.5
"""From here on two texts are near: half of all their grams are common to both."""
CONTAINMENT = 0.8
"""Or four fifths of the shorter one's grams stand in the other: a prompt with a longer frame around it."""
FEWEST = 6
"""A text of fewer grams is too short to be called contained; its resemblance still counts."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """How alike two texts are, each number from 0 to 1."""

    resemblance: float
    contained: float
    """The containment of the text with fewer grams in the other one."""

    @property
    def near(self) -> bool:
        """Whether the two are near-duplicates by this module's thresholds."""
        return self.resemblance >= RESEMBLANCE or self.contained >= CONTAINMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Near(Generic[Key]):
    """A text of an index that is near to the one asked about."""

    key: Key
    alike: Alike


def plain(text: str) -> str:
    """A text as it is compared: letters, digits and ideographs alone, in one width and lower case."""
    return "".join(sign for sign in fold(text) if sign.isalnum())


def grams(text: str) -> frozenset[str]:
    """The set of a text's character n-grams; empty for a text without a letter or digit."""
    kept = plain(text)
    if len(kept) <= GRAM:
        return frozenset({kept}) if kept else frozenset()
    return frozenset(kept[at : at + GRAM] for at in range(len(kept) - GRAM + 1))


def alike(one: str, other: str) -> Alike:
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

    def near(self, text: str, *, most: int = 10) -> list[Near[Key]]:
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
        return [Near(key=self._keys[place], alike=how) for _, _, place, how in found[:most]]


def _alike(common: int, first: int, second: int) -> Alike:
    together, fewer = first + second - common, min(first, second)
    return Alike(
        resemblance=common / together if together else 0.0,
        contained=common / fewer if fewer >= FEWEST else 0.0,
    )
