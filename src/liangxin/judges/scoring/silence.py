"""What a scorer has nothing to say of: texts it cannot read, loops, and texts too far from all it was trained on.

Distance: the share of an answer's character pairs that stand in no training answer. The pairs that do are kept as a
bitmap of hashed pairs beside the weights, so that a pair is found known wrongly only by a collision.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from liangxin.judges.scoring.features import READ, distinct, prepared

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_CHINESE = 0.3
"""Share of an answer's letters that must be Chinese for a scorer trained on Chinese."""
_CHINESE = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]+")
_GRAM = 4
_BITS = 20
KNOWN_BYTES = (1 << _BITS) // 8
"""Of the bitmap of known character pairs."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """When a scorer abstains, whatever its heads would say."""

    content: int
    """Letters below which an answer says too little."""
    repeated: float
    """Share of different character 4-grams below which an answer of 60 characters or more is a loop."""
    unknown: float
    """Share of character pairs unseen in training above which an answer is too far from it."""


def unreadable(answer: str, chinese: bool) -> str | None:
    """Why no scorer (trained on Chinese alone, or not) can read an answer, or None."""
    letters = "".join(filter(str.isalpha, answer[:READ]))
    if not letters:
        return "nothing to read: the answer has no letters"
    found = len(letters) - len(_CHINESE.sub("", letters))
    if chinese and found < _LEAST_CHINESE * len(letters):
        return "the answer is not in Chinese, and the scorer was trained on Chinese alone"
    return None


def silent(answer: str, rule: Silence, known: NDArray[np.uint8]) -> str | None:
    """Why a scorer with such a rule says nothing of an answer, or None."""
    text = prepared(answer)
    if sum(1 for _ in islice(filter(str.isalnum, text), rule.content)) < rule.content:
        return f"too little to read: under {rule.content} letters"
    places = _places(text)
    if _loops(text, rule.repeated, len(places)):
        return "the answer repeats itself"
    share = _unknown(places, known)
    if share > rule.unknown:
        return (
            f"too far from training: {share:.0%} of its character pairs are unseen (over {rule.unknown:.0%})"
        )
    return None


def unknown_share(text: str, known: NDArray[np.uint8]) -> float:
    """The share of a prepared text's different character pairs that are not in the bitmap."""
    return _unknown(_places(text), known)


def _loops(text: str, repeated: float, pairs: int) -> bool:
    """Whether a text says the same again and again.

    Args:
        pairs: at most how many different character pairs it has; all but the last two begin a 4-gram of their own, so
            that many pairs settle it.
    """
    grams = len(text) - _GRAM + 1
    if len(text) < 60 or pairs - (_GRAM - 2) >= repeated * grams:
        return False
    return len({text[at : at + _GRAM] for at in range(grams)}) < repeated * grams


def _unknown(places: NDArray[np.int64], known: NDArray[np.uint8]) -> float:
    if not len(places):
        return 0.0
    return float(1 - ((known[places >> 3] >> (places & 7).astype(np.uint8)) & 1).mean())


def bitmap(texts: Iterable[str]) -> NDArray[np.uint8]:
    """The character pairs of prepared texts."""
    bits = np.zeros(1 << _BITS, dtype=np.uint8)
    for text in texts:
        bits[_places(text)] = 1
    return np.packbits(bits, bitorder="little")


def _places(text: str) -> NDArray[np.int64]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    with np.errstate(over="ignore"):
        mixed = (codes[:-1] << np.uint64(21) | codes[1:]) * _FACTOR
    return distinct((mixed >> np.uint64(64 - _BITS)).astype(np.int64))
