"""A trained scorer's error on the test side of its split, as sources for the judge band."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from liangxin.correction.known_prompts import KnownPrompts
from liangxin.correction.sources import JudgeSource, length_of, source_of
from liangxin.judges.scoring.files import Head
from liangxin.judges.scoring.predict import Scorer, softmax
from liangxin.records import AnswerLength
from liangxin.scorer.rows import PRESETS, Labelled

_BATCH = 256
_SCALES: Mapping[tuple[str, ...], str] = {
    ("unsafe", "safe"): "safety",
    PRESETS["sc-safety"]["*"]: "sc-safety",
}
"""The published scales by their levels; Flames' are told by their dimensions, any other by the head's name."""


def held_out(
    scorer: Scorer, rows: Sequence[Labelled], test: Sequence[int], trained: KnownPrompts
) -> tuple[JudgeSource, ...]:
    """Counts of the test side by head and labelled source; answers that the scorer abstains on are in none.

    Args:
        test: places of the test side's rows.
        trained: prompts that training and calibration saw: answers to them count nowhere, however the rows were split.
    """
    settings = scorer.settings
    fresh = [rows[at] for at in test if rows[at].prompt not in trained]
    told: dict[tuple[str, str], list[tuple[str, str, AnswerLength]]] = defaultdict(list)
    places = {head.name: place for place, head in enumerate(settings.heads)}
    for start in range(0, len(fresh), _BATCH):
        batch = fresh[start : start + _BATCH]
        logits = scorer.backbone.logits([(row.prompt, row.response) for row in batch])
        for at, row in enumerate(batch):
            head = settings.heads[places[row.head]]
            ruled = _ruled(head, softmax(logits[places[row.head]][at : at + 1] / head.temperature)[0])
            if ruled is not None and scorer.silent(row.response) is None:
                told[_scale(head), row.source].append((row.level, ruled, length_of(row.response)))
    return tuple(
        source_of(f"{settings.name}: {source or 'labels'} (held out)", scale, found)
        for (scale, source), found in sorted(told.items())
    )


def _ruled(head: Head, probabilities: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str | None:
    """The level that the head gives; None where it abstains."""
    best = int(probabilities.argmax())
    if head.abstain is not None and probabilities[best] < head.abstain.threshold:
        return None
    return head.levels[best]


def _scale(head: Head) -> str:
    if PRESETS["flames"].get(head.name) == head.levels:
        return f"flames-{len(head.levels)}"
    return _SCALES.get(head.levels, head.name)
