"""Training on top of another scorer: what it reads is kept, and a few labels move it where they say otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from liangxin.correction.known_prompts import KnownPrompts
from liangxin.correction.sources import sources_in
from liangxin.errors import DataError, JudgeError
from liangxin.judges.scorer import SOURCES
from liangxin.judges.scoring.features import prepared
from liangxin.judges.scoring.files import WEIGHTS, Head
from liangxin.judges.scoring.loading import feature_settings
from liangxin.judges.scoring.predict import Scorer, SharedReadings
from liangxin.judges.scoring.silence import Silence, bitmap
from liangxin.judges.scoring.tensors import read_tensors
from liangxin.scorer.ngram import BaseReadings, Fitted
from liangxin.scorer.rows import HeadSpec, Labelled, check_trainable

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseScorer:
    """A scorer to train on top of."""

    name: str
    sha256: str
    readings: BaseReadings
    heads: tuple[Head, ...]
    mix: NDArray[np.float64]
    """(readings, sum of levels - 1)."""
    bias: NDArray[np.float64]
    silence: Silence | None
    known: NDArray[np.uint8] | None
    trained: KnownPrompts

    def about(self) -> dict[str, str]:
        """For the settings and the card."""
        return {"name": self.name, "sha256": self.sha256}

    def known_with(self, answers: Iterable[str]) -> NDArray[np.uint8] | None:
        """The character pairs that are known after learning from these answers too."""
        return None if self.known is None else self.known | bitmap(map(prepared, answers))


def base_of(scorer: Scorer) -> BaseScorer:
    """What a loaded scorer gives to one that is trained on top of it.

    Raises:
        JudgeError: its heads share no readings.
    """
    readings = scorer.settings.options.get("readings")
    if scorer.settings.backbone != "ngram" or not readings:
        raise JudgeError(
            f"scorer {scorer.settings.name}: nothing can be trained on top of it, as its heads share no readings; name "
            "another with --base, or --base none"
        )
    tensors = read_tensors(scorer.folder / WEIGHTS)
    return BaseScorer(
        name=scorer.settings.name,
        sha256=scorer.weights_sha256,
        readings=BaseReadings(
            features=feature_settings(scorer.settings), parts=tuple(readings), weights=tensors["weights"]
        ),
        heads=scorer.settings.heads,
        mix=tensors["mix"],
        bias=tensors["bias"],
        silence=scorer.silence,
        known=scorer.known,
        trained=sources_in(scorer.folder / SOURCES).trained,
    )


def trainable(
    rows: Sequence[Labelled], heads: Sequence[HeadSpec], base: BaseScorer
) -> tuple[list[Labelled], tuple[HeadSpec, ...], list[str]]:
    """The heads with labels enough, and their rows; one without that the base has is left as it is there, and said.

    Raises:
        DataError: no head has labels enough, or one has too few that the base does not have.
    """
    kept: list[HeadSpec] = []
    told: list[str] = []
    theirs = {(head.name, head.levels) for head in base.heads}
    for head in heads:
        try:
            check_trainable(rows, [head])
        except DataError as error:
            if (head.name, head.levels) not in theirs:
                raise
            told.append(f"{error}: it stays as in {base.name}")
        else:
            kept.append(head)
    if not kept:
        check_trainable(rows, heads)
    names = {head.name for head in kept}
    return [row for row in rows if row.head in names], tuple(kept), told


def extended(fitted: Fitted, heads: Sequence[Head], base: BaseScorer) -> tuple[Fitted, tuple[Head, ...]]:
    """The trained heads, and behind them the base's that no trained one stands for."""
    if fitted.shared is None:
        raise ValueError("a scorer on a base shares its readings")
    # A head keeps the scale that the base's head of its name rules on, so that it rules where that did.
    scales = {(head.name, head.levels): head.scale for head in base.heads}
    mine = [replace(head, scale=scales.get((head.name, head.levels), head.scale)) for head in heads]
    names = {head.name for head in heads}
    widths = np.cumsum([0, *(len(head.levels) - 1 for head in base.heads)])
    taken = [at for at, head in enumerate(base.heads) if head.name not in names]
    columns = [int(column) for at in taken for column in range(widths[at], widths[at + 1])]
    mix = np.zeros((fitted.shared.mix.shape[0], len(columns)))
    mix[: base.mix.shape[0]] = base.mix[:, columns]
    shared = SharedReadings(parts=fitted.shared.parts, mix=np.concatenate([fitted.shared.mix, mix], axis=1))
    left = [base.heads[at] for at in taken]
    return (
        replace(
            fitted,
            bias=np.concatenate([fitted.bias, base.bias[columns]]),
            counts=(*fitted.counts, *(len(head.levels) for head in left)),
            shared=shared,
        ),
        (*mine, *left),
    )
