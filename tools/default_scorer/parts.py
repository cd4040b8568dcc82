"""Which answers are trained on and which are kept: one style, one topic in five, a fifth of each public set's prompts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
SETS: tuple[PublicSet, ...] = (JADE, AISAFETYLAB, BELLE, GAOKAO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The graded set and the public sets, in training and held out."""

    train: Sequence[GradedAnswer]
    """Of the topics and styles that are trained on."""
    test: Sequence[GradedAnswer]
    """Of the held-out topics, in every style."""
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
        kept += [row for at, row in enumerate(labels) if at not in test]
        aside += [row for at, row in enumerate(labels) if at in test]
    return Parts(
        train=[row for row in rows if row.topic not in held and row.style != UNSEEN_STYLE],
        test=[row for row in rows if row.topic in held],
        public=kept,
        public_test=aside,
    )


def held_topics(rows: Sequence[GradedAnswer]) -> frozenset[str]:
    """One topic in five of each kind of prompt (ordinary tasks, ours, each public set with several topics)."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        kinds[f"{row.part} {row.prompt_file.partition('/')[0]}"].add(row.topic)
    held: set[str] = set()
    for topics in kinds.values():
        drawn = sorted(topics, key=lambda topic: lot(SEED, topic))
        held |= set(drawn[: round(len(drawn) / _ONE_IN)])
    return frozenset(held)
