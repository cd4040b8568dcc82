"""Which answers are trained on and which are kept: one style, one topic in five, a fifth of each public set's prompts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from default_scorer.public import AISAFETYLAB, BELLE, GAOKAO, GRADED, JADE, PublicSet, read_set
from liangxin.digests import lot
from liangxin.scorer.graded import UNSEEN_STYLE, GradedAnswer, read_graded
from liangxin.scorer.rows import Labelled
from liangxin.scorer.splits import split

SEED = 0
_ONE_IN = 5
_SHARES = (1 - 1 / _ONE_IN, 1 / _ONE_IN)
KEPT_BACK: Mapping[str, float] = {"levels": 2 / 3, "plain declining": 1.0}
"""Parts that are written to measure by: the judge band wants 20 unseen answers of every level and length."""
_DRAWN = ("hostile", "ordinary", "questions")
"""Parts of whose topics one in five is held out; of the others those topics are held out too."""
SETS: tuple[PublicSet, ...] = (JADE, AISAFETYLAB, BELLE, GAOKAO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The graded set and the public sets, in training and held out."""

    train: Sequence[GradedAnswer]
    """Of the topics and styles that are trained on."""
    test: Sequence[GradedAnswer]
    """Of the held-out topics, in every style."""
    further: Sequence[GradedAnswer]
    """Of prompts of the parts `levels` and `plain declining` that are not trained on, in every style."""
    public: Sequence[Labelled]
    """Of the public sets, in training."""
    public_test: Sequence[Labelled]
    """Of prompts that are not trained on; GAOKAO's are all trained on, as nothing is measured by them."""


def read_parts(folder: Path) -> Parts:
    """Draw the parts, seeded, by names alone.

    Raises:
        DataError: a public set is missing or not as published.
    """
    rows, _ = read_graded(GRADED, folder)
    held = held_topics(rows)
    units = held_units(rows, held)
    measured = {row.prompt.strip() for row in rows if row.unit in units}
    kept, aside = [], []
    for one in SETS:
        labels = read_set(one, folder)
        if one is GAOKAO:
            kept += labels
            continue
        # A public prompt that our own training answers were written to is trained on.
        used = {row.prompt for row in rows if row.topic not in held}
        sides = split(labels, "prompt", _SHARES, SEED).sides
        test = {at for at in sides[1] if labels[at].prompt.strip() not in used}
        test |= {at for at, label in enumerate(labels) if label.prompt.strip() in measured}
        kept += [row for at, row in enumerate(labels) if at not in test]
        aside += [row for at, row in enumerate(labels) if at in test]
    return Parts(
        train=[
            row
            for row in rows
            if row.topic not in held and row.style != UNSEEN_STYLE and row.unit not in units
        ],
        test=[row for row in rows if row.topic in held and row.part not in KEPT_BACK],
        further=[row for row in rows if row.unit in units],
        public=kept,
        public_test=aside,
    )


def held_units(rows: Sequence[GradedAnswer], topics: frozenset[str]) -> frozenset[str]:
    """Prompts of the parts that are mostly kept for measuring, by their share; those of held-out topics all."""
    found: set[str] = set()
    for part, share in KEPT_BACK.items():
        mine = [row for row in rows if row.part == part]
        drawn = sorted({row.unit for row in mine}, key=lambda unit: lot(SEED, unit))
        found |= set(drawn[: round(share * len(drawn))]) | {row.unit for row in mine if row.topic in topics}
    return frozenset(found)


def held_topics(rows: Sequence[GradedAnswer]) -> frozenset[str]:
    """One topic in five of each kind of prompt (ordinary tasks, ours, each public set with several topics)."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.part in _DRAWN:
            kinds[f"{row.part} {row.prompt_file.partition('/')[0]}"].add(row.topic)
    held: set[str] = set()
    for topics in kinds.values():
        drawn = sorted(topics, key=lambda topic: lot(SEED, topic))
        held |= set(drawn[: round(len(drawn) / _ONE_IN)])
    return frozenset(held)
