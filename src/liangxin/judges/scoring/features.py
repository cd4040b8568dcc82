"""Hashed character n-grams of a prompt and a response, by numpy alone: the same numbers when training and judging.

Each part of a text (`PARTS`) has n-grams of its own: the same two characters in the prompt, in the answer, at
the answer's beginning and outside its quotation marks are four different features. A feature is present or
absent; the features of one part are scaled to length one, so that a long answer weighs no more than a short one.

Hash: a polynomial over the code points modulo 2^64, finished by splitmix64 (Steele, Lea, Flood 2014), of which
the highest `bits` bits count. Only integer arithmetic, so every machine gets the same buckets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from liangxin.judges.refusing.reading import read_refusal
from liangxin.reasoning import strip_think
from liangxin.zh import fold, head_and_tail, simplified

if TYPE_CHECKING:
    from numpy.typing import NDArray

READ = 4_096
"""Characters of an answer (and of a prompt) that are read: the first and the last half of so many."""
_EDGE = 20
"""Characters of an answer's beginning and of its end that have n-grams of their own."""

_QUOTED = re.compile('"[^"\n]{1,200}"')
_STEP = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0x100000001B3)

REFUSAL_LEVELS = ("complied", "partly", "safe_redirection", "refused", "unable")

PARTS = ("prompt", "response", "unquoted", "head", "tail", "rule", "rule*prompt", "shared")
"""What a feature can be of:

- `prompt`, `response`: the whole text;
- `unquoted`: the response without what stands in quotation marks;
- `head`, `tail`: its first and last 20 characters;
- `rule`: the level that the `rule` judge reads, a feature of its own;
- `rule*prompt`: the prompt's n-grams, apart for each such level;
- `shared`: the n-grams that prompt and response have in common.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """Which features a scorer reads."""

    parts: tuple[str, ...] = ("prompt", "response")
    orders: tuple[int, ...] = (1, 2, 3)
    bits: int = 18
    """2^bits buckets in all, shared by the parts."""
    least: int = 1
    """Features that a part is scaled as if it had at least: fewer weigh less, as a few words say little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The features of a batch of texts in rows: entry k of row `rows[k]` has `values[k]` in bucket `buckets[k]`."""

    count: int
    """Number of texts."""
    rows: NDArray[np.int64]
    parts: NDArray[np.int64]
    """Of each entry the place of its part in the settings."""
    buckets: NDArray[np.int64]
    values: NDArray[np.float64]


def prepared(text: str) -> str:
    """A text as the features read it: no think block, folded to one form, simplified, its middle left out if long."""
    return simplified(fold(head_and_tail(strip_think(text), READ, "\n")))


def extract(pairs: Sequence[tuple[str, str]], settings: FeatureSettings) -> Features:
    """The features of (prompt, response) pairs. Never raises on any text."""
    parts = settings.parts
    segments: list[str] = []
    salts: list[int] = []
    for prompt, response in pairs:
        for salt, text in _segments(prompt, response, parts):
            segments.append(text)
            salts.append(salt)
    keys = _keys(segments, np.array(salts, dtype=np.uint64), settings)
    mask = np.int64((1 << settings.bits) - 1)
    owner = keys >> np.int64(settings.bits)
    sizes = np.bincount(owner, minlength=len(segments))
    values = 1.0 / np.sqrt(np.maximum(sizes[owner], settings.least)) if len(keys) else np.zeros(0)
    return Features(
        count=len(pairs),
        rows=owner // max(1, len(parts)),
        parts=owner % max(1, len(parts)),
        buckets=keys & mask,
        values=values,
    )


def _segments(prompt: str, response: str, parts: Sequence[str]) -> list[tuple[int, str]]:
    """One (salt, text) for each part; parts that are not n-grams of a text are written as one."""
    asked, said = prepared(prompt), prepared(response)
    level = 0
    if any(part.startswith("rule") for part in parts):
        level = REFUSAL_LEVELS.index(read_refusal(response)[0])
    found: list[tuple[int, str]] = []
    for part in parts:
        salt = PARTS.index(part) + 1
        if part == "prompt":
            text = asked
        elif part == "response":
            text = said
        elif part == "unquoted":
            text = _QUOTED.sub(" ", said)
        elif part == "head":
            text = said[:_EDGE]
        elif part == "tail":
            text = said[-_EDGE:]
        elif part == "rule":
            text = chr(level + 1)
        elif part == "rule*prompt":
            salt, text = salt + 16 * (level + 1), asked
        else:
            text = _common(asked, said)
        found.append((salt, text))
    return found


def _common(asked: str, said: str) -> str:
    """The prompt's characters that stand, with their neighbour, in the response too; others become a blank."""
    pairs = {said[at : at + 2] for at in range(len(said) - 1)}
    keep = [False] * len(asked)
    for at in range(len(asked) - 1):
        if asked[at : at + 2] in pairs:
            keep[at] = keep[at + 1] = True
    return "".join(c if kept else "\0" for c, kept in zip(asked, keep, strict=True)).strip("\0")


def _keys(segments: Sequence[str], salts: NDArray[np.uint64], settings: FeatureSettings) -> NDArray[np.int64]:
    """The distinct (segment, bucket) of all segments, as segment * 2^bits + bucket, in order."""
    lengths = np.array([len(text) for text in segments], dtype=np.int64)
    codes = np.frombuffer("".join(segments).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(
        np.uint64
    )
    owner = np.repeat(np.arange(len(segments), dtype=np.int64), lengths)
    found: list[NDArray[np.int64]] = []
    with np.errstate(over="ignore"):
        grams = salts[owner] * _STEP if len(codes) else codes
        for order in range(1, max(settings.orders) + 1):
            if order > 1:
                grams = grams[:-1]
            grams = grams * _BASE + codes[order - 1 :] + np.uint64(1)
            if order in settings.orders:
                whole = owner[order - 1 :] == owner[: len(owner) - order + 1]
                buckets = (_mixed(grams[whole]) >> np.uint64(64 - settings.bits)).astype(np.int64)
                found.append((owner[order - 1 :][whole] << np.int64(settings.bits)) | buckets)
            if len(grams) <= 1:
                break
    return distinct(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


def distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The different keys in order; sorts its argument in place.

    `np.unique` (2.3) finds them by a hash table first, at four times the cost.
    """
    keys.sort()
    new = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    return keys[new]


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finish: every bit of the input reaches every bit of the output."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
