"""The judge band by simulation: every group has a Se and a Sp of its own, and the truth stays inside.

Where the labelled sets are large, so that the Wilson limits hardly err, the truth may lie outside no oftener than the
sampling's 5 %; where they are small, no oftener than that and the limits' own error together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from liangxin.correction.band import BandCell, judge_band
from liangxin.correction.sources import JudgeSource, SourceCount

pytestmark = [pytest.mark.slow, pytest.mark.long]

Length = Literal["short", "middle", "long"]
LENGTHS: tuple[Length, ...] = ("short", "middle", "long")
REPEATS = 400
WORTHS = {"1": 100 / 3, "2": 200 / 3, "3": 100.0}
RATE = {"unsafe": 0.0, "safe": 100.0}


@dataclass(frozen=True)
class World:
    """How a judge errs: its confusion (true level x ruled level) on each labelled set, by length."""

    levels: tuple[str, ...]
    confusions: tuple[np.ndarray, ...]
    """[lengths, true, ruled] of each set."""

    def between(self, draw: np.random.Generator, *, ends: bool) -> np.ndarray:
        """A confusion of a group's own, every row a mixture of the sets' rows; or one of the sets' own rows."""
        weights = draw.dirichlet([1.0] * len(self.confusions), size=(len(LENGTHS), len(self.levels)))
        if ends:
            weights = np.eye(len(self.confusions))[weights.argmax(axis=2)]
        found: np.ndarray = np.einsum("lts,sltr->ltr", weights, np.array(self.confusions))
        return found


def world(levels: tuple[str, ...], sets: int, right: float, draw: np.random.Generator) -> World:
    size = len(levels)
    confusions = []
    for _ in range(sets):
        good = np.clip(right + draw.uniform(-0.12, 0.12, size=(len(LENGTHS), size)), 0.3, 0.98)
        confusions.append(
            np.array(
                [[[good[at, t] if t == r else (1 - good[at, t]) / (size - 1) for r in range(size)] for t in range(size)] for at in range(len(LENGTHS))]
            )
        )  # fmt: skip
    return World(levels=levels, confusions=tuple(confusions))


def labelled(one: World, n: int, draw: np.random.Generator) -> list[JudgeSource]:
    return [
        JudgeSource(
            name=f"set {k}",
            scale="s",
            counts=tuple(
                SourceCount(true=true, ruled=ruled, length=length, n=int(count))
                for at, length in enumerate(LENGTHS)
                for t, true in enumerate(one.levels)
                for ruled, count in zip(one.levels, draw.multinomial(n, confusion[at, t]), strict=True)
            ),
        )
        for k, confusion in enumerate(one.confusions)
    ]


def outside(
    one: World, worths: dict[str, float], groups: int, items: int, labels: int, *, ends: bool, seed: int
) -> tuple[float, float]:
    """(share of runs whose truth lies outside, share without a band)."""
    draw = np.random.default_rng(seed)
    missed = unsaid = 0
    points = np.array(list(worths.values()))
    for _ in range(REPEATS):
        sources = labelled(one, labels, draw)
        truth, cells = 0.0, []
        for _group in range(groups):
            confusion = one.between(draw, ends=ends)
            mixes = draw.dirichlet([1.5] * len(one.levels), size=len(LENGTHS))
            for at, length in enumerate(LENGTHS):
                weight = 1 / groups / len(LENGTHS)
                truth += weight * float(mixes[at] @ points)
                ruled = draw.multinomial(items, mixes[at] @ confusion[at])
                counts = dict(zip(one.levels, map(int, ruled), strict=True))
                cells.append(
                    BandCell(
                        weight=weight,
                        kept=1.0,
                        scale="s",
                        worths=worths,
                        length=length,
                        items=items,
                        counts=counts,
                    )
                )
        found = judge_band(cells, [], sources)
        if found.low is None or found.high is None:
            unsaid += 1
        else:
            missed += not found.low - 1e-9 <= truth <= found.high + 1e-9
    return missed / REPEATS, unsaid / REPEATS


def allowed(share: float) -> float:
    return share + 2 * math.sqrt(share * (1 - share) / REPEATS)


@pytest.mark.parametrize("ends", [False, True], ids=["mixed", "at the ends"])
@pytest.mark.parametrize("groups", [1, 5])
@pytest.mark.parametrize("items", [25, 200])
@pytest.mark.parametrize("right", [0.85, 0.55])
@pytest.mark.parametrize("scale", ["rate", "levels"])
def test_the_truth_is_outside_no_oftener_than_sampling_allows(
    scale: str, right: float, items: int, groups: int, ends: bool
) -> None:
    """With a hundred thousand labels a level the limits are what they are of."""
    worths = RATE if scale == "rate" else WORTHS
    one = world(tuple(worths), 3, right, np.random.default_rng(groups))
    missed, unsaid = outside(one, worths, groups, items, 100_000, ends=ends, seed=items)
    assert missed <= allowed(0.05)
    # All of a length is unlike every set only by chance.
    assert unsaid <= allowed(0.05) * len(LENGTHS) * (len(worths) - 1)


@pytest.mark.parametrize("groups", [1, 5])
@pytest.mark.parametrize("labels", [20, 100])
def test_small_labelled_sets_add_the_wilson_limits_own_error(groups: int, labels: int) -> None:
    """One set, whose very confusion holds in every group: four limits (two of each end) bound each share."""
    one = world(tuple(RATE), 1, 0.85, np.random.default_rng(groups))
    missed, _ = outside(one, RATE, groups, 200, labels, ends=True, seed=labels)
    assert missed <= allowed(0.05 + 2 * 0.025)


def test_a_judge_that_errs_otherwise_than_on_any_set_is_missed() -> None:
    """What the band rests on is not nothing: Se and Sp outside every set's put the truth outside."""
    sets = world(tuple(RATE), 3, 0.9, np.random.default_rng(7))
    worse = World(levels=sets.levels, confusions=(np.array([[[0.4, 0.6], [0.05, 0.95]]] * len(LENGTHS)),))
    draw = np.random.default_rng(8)
    missed = 0
    for _ in range(100):
        sources = labelled(sets, 1000, draw)
        ruled = draw.multinomial(500, np.array([0.5, 0.5]) @ worse.confusions[0][0])
        counts = dict(zip(sets.levels, map(int, ruled), strict=True))
        found = judge_band(
            [BandCell(weight=1, kept=1, scale="s", worths=RATE, length="short", items=500, counts=counts)],
            [],
            sources,
        )
        missed += found.low is not None and not found.low <= 50 <= (found.high or 0)
    assert missed > 90
