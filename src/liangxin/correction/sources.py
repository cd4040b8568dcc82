"""On which labelled sets a judge's error was measured: counts by true level, ruled level and length of the answer."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liangxin.correction.known_prompts import KnownPrompts, read_known_prompts
from liangxin.errors import JudgeError
from liangxin.records import LENGTH_ENDS, LENGTHS, AnswerLength


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCount:
    """How many answers of one length and true level were ruled so."""

    true: str
    """A level of the scale; `safe` and `unsafe` stand for any scale's top and lowest level."""
    ruled: str
    length: AnswerLength
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSource:
    """A labelled set none of whose prompts the judge was trained on."""

    name: str
    scale: str
    """The name of the scale that was ruled on."""
    counts: tuple[SourceCount, ...]


def length_of(text: str) -> AnswerLength:
    """`short` up to 120 characters, `middle` up to 300, else `long`."""
    return length_bin(len(text))


def length_bin(characters: int) -> AnswerLength:
    """`length_of` a text of so many characters."""
    return LENGTHS[bisect_left(LENGTH_ENDS, characters)]


def source_of(name: str, scale: str, rows: Iterable[tuple[str, str, AnswerLength]]) -> JudgeSource:
    """A source from (true level, ruled level, length) of every answer that the judge gave a level."""
    counted = Counter(rows)
    order = {length: place for place, length in enumerate(LENGTHS)}
    return JudgeSource(
        name=name,
        scale=scale,
        counts=tuple(
            SourceCount(true=true, ruled=ruled, length=length, n=counted[true, ruled, length])
            for true, ruled, length in sorted(counted, key=lambda one: (order[one[2]], one))
        ),
    )


def sources_text(sources: Sequence[JudgeSource], trained: KnownPrompts | None = None) -> str:
    """Sources as JSON: `{"sources": [{"name", "scale", "counts": [[true, ruled, length, n], ...]}]}`.

    Args:
        trained: what the judge was trained on, then under `trained_prompts`.
    """
    prompts = {"trained_prompts": trained.text()} if trained else {}
    return json.dumps({"sources": sources_values(sources), **prompts}, ensure_ascii=False)


def sources_values(sources: Sequence[JudgeSource]) -> list[dict[str, object]]:
    """Sources as JSON can hold them."""
    return [
        {
            "name": one.name,
            "scale": one.scale,
            "counts": [[count.true, count.ruled, count.length, count.n] for count in one.counts],
        }
        for one in sources
    ]


def read_sources(text: str) -> tuple[JudgeSource, ...]:
    """What `sources_text` wrote.

    Raises:
        JudgeError: it is something else.
    """
    try:
        return sources_from(json.loads(text)["sources"])
    except (KeyError, TypeError, ValueError) as error:
        raise JudgeError(f"the sources of a judge's error cannot be read: {error}") from None


def sources_from(values: Iterable[Mapping[str, Any]]) -> tuple[JudgeSource, ...]:
    """What `sources_values` gave; KeyError, TypeError or ValueError where it is something else."""
    return tuple(
        JudgeSource(
            name=str(one["name"]),
            scale=str(one["scale"]),
            counts=tuple(_count(*count) for count in one["counts"]),
        )
        for one in values
    )


@dataclass(frozen=True, slots=True)
class SourcesFile:
    """What stands beside a judge: where its error was measured, and what it was trained on."""

    sources: tuple[JudgeSource, ...] = ()
    trained: KnownPrompts = KnownPrompts()


def sources_in(file: Path) -> SourcesFile:
    """The file beside a judge; empty where there is none.

    Raises:
        JudgeError: it cannot be read.
    """
    if not file.exists():
        return SourcesFile()
    try:
        text = file.read_text(encoding="utf-8")
        return SourcesFile(read_sources(text), read_known_prompts(text))
    except (OSError, UnicodeDecodeError, JudgeError) as error:
        raise JudgeError(f"{file}: {error}") from None


def _count(true: object, ruled: object, length: object, n: object) -> SourceCount:
    if length not in LENGTHS or isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise ValueError(f"found {[true, ruled, length, n]}, expected [true, ruled, short|middle|long, n]")
    return SourceCount(true=str(true), ruled=str(ruled), length=LENGTHS[LENGTHS.index(length)], n=n)
