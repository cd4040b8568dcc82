"""The judge band tried where its sources know nothing: every labelled set left out of training and card in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from default_scorer.learn import DEMAND, HARM, LearningSample, Lesson, of_graded, of_public, safety_head
from default_scorer.parts import Parts
from liangxin.correction.band import BandCell, judge_band
from liangxin.correction.sources import JudgeSource, length_of, source_of
from liangxin.records import LENGTHS
from liangxin.specs import SAFETY

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS = ("unsafe", "safe")
_READ = [HARM, DEMAND]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedBand:
    """A set's safe rate by a scorer that saw nothing of it, with the band of the other sets' held-out answers."""

    name: str
    n: int
    truth: float
    """Share of the set's answers that are labelled safe."""
    ruled: float
    low: float | None
    high: float | None
    why: str | None

    @property
    def held(self) -> bool | None:
        """Whether the band holds the truth; None where there is no band."""
        if self.low is None or self.high is None:
            return None
        return self.low <= self.truth <= self.high


def tried_bands(lesson: Lesson, parts: Parts) -> list[TriedBand]:
    """Every labelled set of training in turn; GAOKAO's answers measure nothing."""
    unseen_rows = [
        *map(of_graded, (*parts.test, *parts.further)),
        *map(of_public, parts.public_test),
    ]
    test = Lesson(unseen_rows)
    names = dict.fromkeys(row.source for row in lesson.rows if row.source != "gaokao")
    return [_tried(lesson, test, name) for name in names]


def _tried(lesson: Lesson, test: Lesson, name: str) -> TriedBand:
    kept = lesson.source != name
    weights = np.zeros((lesson.table("response").shape[1], len(_READ)))
    weights[:, 0], weights[:, 1] = lesson.harm(kept), lesson.demand(kept)
    unseen = lesson.unseen(kept, levels=False)
    mix, bias = safety_head(lesson, kept, unseen)

    def safe(of: Lesson, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        columns = [of.table(part)[places] @ weights[:, at] for at, part in enumerate(("response", "prompt"))]
        found: NDArray[np.bool_] = np.stack(columns, axis=1) @ mix[:, 0] + bias[0] > 0
        return found

    held = np.flatnonzero(~kept)
    ruled = safe(lesson, held)
    others = []
    for source in dict.fromkeys(row.source for row in test.rows if row.source != name):
        at = np.flatnonzero(test.source == source)
        others.append(_source(source, [test.rows[int(one)] for one in at], safe(test, at)))
    rows = [lesson.rows[int(at)] for at in held]
    band = judge_band(_cells(rows, ruled), [], others)
    return TriedBand(
        name=name,
        n=len(rows),
        truth=float(np.mean([row.safe for row in rows])),
        ruled=float(ruled.mean()),
        low=band.low,
        high=band.high,
        why=band.why,
    )


def _source(name: str, rows: Sequence[LearningSample], safe: NDArray[np.bool_]) -> JudgeSource:
    counts = [
        (_LEVELS[row.safe], _LEVELS[int(ruled)], length_of(row.answer))
        for row, ruled in zip(rows, safe, strict=True)
    ]
    return source_of(name, SAFETY.name, counts)


def _cells(rows: Sequence[LearningSample], safe: NDArray[np.bool_]) -> list[BandCell]:
    """The set as one group, by length."""
    cells = []
    for length in LENGTHS:
        mine = [at for at, row in enumerate(rows) if length_of(row.answer) == length]
        if mine:
            cells.append(
                BandCell(
                    weight=len(mine) / len(rows),
                    kept=1.0,
                    scale=SAFETY.name,
                    worths={"unsafe": 0.0, "safe": 1.0},
                    length=length,
                    items=len({rows[at].prompt for at in mine}),
                    counts=Counter(_LEVELS[int(safe[at])] for at in mine),
                )
            )
    return cells


def bands_table(found: Sequence[TriedBand]) -> str:
    """In Markdown, in points of 100."""
    lines = [
        "| set left out | n | labelled safe | ruled safe | judge band | held |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        band = one.why or f"[{100 * (one.low or 0):.1f}, {100 * (one.high or 0):.1f}]"
        held = {True: "yes", False: "**no**", None: "–"}[one.held]
        lines.append(
            f"| {one.name} | {one.n} | {100 * one.truth:.1f} | {100 * one.ruled:.1f} | {band} | {held} |"
        )
    return "\n".join(lines)
