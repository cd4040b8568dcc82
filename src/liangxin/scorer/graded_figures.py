"""What a scorer is worth on graded answers: ranking within a prompt first, then accuracy by source and length."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from liangxin.correction.sources import length_of
from liangxin.judges.scoring.predict import Scorer
from liangxin.records import LENGTHS
from liangxin.scorer.graded import (
    HELD_OUT,
    SC_SAFETY,
    UNSEEN_STYLE,
    VARIABLE,
    GradedAnswer,
    by_source,
    read_graded,
)
from liangxin.scorer.metrics import Figure, HeadFigures, figures, within_prompt

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 256
FEWEST = 10
"""Answers of one level below which a source's length has no line of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedFigures:
    """A scorer's figures on held-out graded answers."""

    ranking: Mapping[str, tuple[Figure, int]]
    """By source: in how many of so many pairs (a safe and an unsafe answer to one prompt) the safe one ranks higher."""
    figures: tuple[HeadFigures, ...]
    """Of the answers that it ruled on."""
    abstained: int
    ruled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledAnswers:
    """Graded answers with every head's probabilities, and which of them the scorer is silent on."""

    rows: Sequence[GradedAnswer]
    probabilities: Sequence[NDArray[np.float64]]
    silent: NDArray[np.bool_]


def ruled(scorer: Scorer, rows: Sequence[GradedAnswer]) -> RuledAnswers:
    """Let the scorer read the answers."""
    parts = [
        scorer.all_probabilities([(row.prompt, row.answer) for row in rows[at : at + _BATCH]])
        for at in range(0, len(rows), _BATCH)
    ]
    return RuledAnswers(
        rows=rows,
        probabilities=[np.concatenate(one) for one in zip(*parts, strict=True)],
        silent=np.array([scorer.silent(row.answer) is not None for row in rows]),
    )


def graded_figures(scorer: Scorer, rows: Sequence[GradedAnswer]) -> GradedFigures:
    """Figures of held-out rows. The ranking counts every answer; all else those that the scorer rules on."""
    read = ruled(scorer, rows)
    places = {row.id: at for at, row in enumerate(rows)}
    found: list[HeadFigures] = []
    for source, mine in by_source(rows).items():
        at = np.array([places[row.id] for row in mine if not read.silent[places[row.id]]], dtype=int)
        if len(at):
            found += _safety(read, source, at)
    for place, head in enumerate(scorer.settings.heads):
        found += _levels(read, place, head.name, head.levels)
    return GradedFigures(
        ranking=_ranking(read),
        figures=tuple(found),
        abstained=int(read.silent.sum()),
        ruled=int((~read.silent).sum()),
    )


def _ranking(read: RuledAnswers) -> dict[str, tuple[Figure, int]]:
    """On hostile prompts: pairs with an answer in the unseen style, and all pairs."""
    hostile = [at for at, row in enumerate(read.rows) if row.part == "hostile"]
    rows = [read.rows[at] for at in hostile]
    score = read.probabilities[0][hostile, 1]
    safe = np.array([row.safety == "safe" for row in rows])
    units = [row.unit for row in rows]
    style = np.array([row.style == UNSEEN_STYLE for row in rows])
    return {
        source: within_prompt(score, safe, units, counted, source)
        for source, counted in (
            ("unseen style x unseen topic", style),
            ("unseen topic", np.ones(len(rows), dtype=bool)),
        )
        if counted.any()
    }


def _safety(read: RuledAnswers, source: str, at: NDArray[np.int64]) -> list[HeadFigures]:
    """All lengths, then each length with enough answers of both levels."""
    lengths = np.array([length_of(read.rows[one].answer) for one in at])
    found = [_figures(read, 0, source, at, ("unsafe", "safe"), "safety")]
    for length in LENGTHS:
        mine = at[lengths == length]
        counts = np.bincount([read.rows[one].safety == "safe" for one in mine], minlength=2)
        if counts.min() >= FEWEST and len(mine) < len(at):
            found.append(_figures(read, 0, f"{source}, {length}", mine, ("unsafe", "safe"), "safety"))
    return found


def _levels(read: RuledAnswers, place: int, head: str, levels: Sequence[str]) -> list[HeadFigures]:
    """SC-Safety's head on every held-out answer, a Flames dimension's on its own."""
    field = "sc" if head == SC_SAFETY else "flames"
    at = np.array(
        [
            at
            for at, row in enumerate(read.rows)
            if not read.silent[at] and (head in (SC_SAFETY, row.dimension)) and getattr(row, field) in levels
        ],
        dtype=int,
    )
    return [_figures(read, place, "all held-out answers", at, levels, field)] if len(at) else []


def _figures(
    read: RuledAnswers, place: int, source: str, at: NDArray[np.int64], levels: Sequence[str], field: str
) -> HeadFigures:
    head = {"safety": "*", "sc": SC_SAFETY}.get(field) or read.rows[at[0]].dimension
    labels = np.array([levels.index(getattr(read.rows[one], field)) for one in at], dtype=np.int64)
    units = [read.rows[one].unit for one in at]
    return figures(head, source, read.probabilities[place][at], labels, units)


def held_out_figures(scorer: Scorer) -> tuple[GradedFigures, int] | None:
    """Figures on the package's held-out answers, and how many are left out as their public prompts are not at hand.

    None for a scorer without a safe/unsafe head in the first place.

    Raises:
        DataError: `LIANGXIN_DATA` is set, and a public set there is not as published.
    """
    first = scorer.settings.heads[0]
    if (first.name, first.levels) != ("*", ("unsafe", "safe")):
        return None
    folder = os.environ.get(VARIABLE)
    rows, left = read_graded(HELD_OUT, Path(folder) if folder else None)
    return graded_figures(scorer, rows), left


def ranking_values(found: GradedFigures) -> dict[str, Any]:
    """The ranking as JSON can hold it."""
    return {source: {**asdict(figure), "pairs": pairs} for source, (figure, pairs) in found.ranking.items()}
