"""From texts to calibrated probabilities, whatever the backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from liangxin.errors import JudgeError
from liangxin.judges.scoring import features
from liangxin.judges.scoring.files import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_CHINESE = 0.3
"""Share of an answer's letters that must be Chinese for a scorer trained on Chinese."""


class Backbone(Protocol):
    """What turns texts into one row of logits for each head."""

    def logits(self, pairs: Sequence[tuple[str, str]]) -> list[NDArray[np.float64]]:
        """For each head an array (texts, levels), from (prompt, response) pairs."""
        ...


class NgramBackbone:
    """Logistic heads over hashed character n-grams.

    Weights: `weights` (2^bits, sum of levels - 1) as float16 and `bias` (sum of levels - 1) as float64; a head's
    first level is its reference with logit 0. Sums are in float64, in one order on every machine.
    """

    def __init__(
        self,
        settings: features.FeatureSettings,
        levels: Sequence[int],
        weights: NDArray[np.float16],
        bias: NDArray[np.float64],
    ) -> None:
        width = sum(levels) - len(levels)
        if weights.shape != (1 << settings.bits, width) or bias.shape != (width,):
            raise JudgeError(
                f"the scorer's weights have the shape {weights.shape}, its settings ask for {(1 << settings.bits, width)}"
            )
        self._settings = settings
        self._levels = tuple(levels)
        self._weights = weights
        self._bias = bias

    def logits(self, pairs: Sequence[tuple[str, str]]) -> list[NDArray[np.float64]]:
        """See `Backbone.logits`."""
        found = features.extract(pairs, self._settings)
        sums = np.empty((found.count, len(self._bias)))
        for column, bias in enumerate(self._bias):
            terms = self._weights[found.buckets, column].astype(np.float64) * found.values
            sums[:, column] = np.bincount(found.rows, weights=terms, minlength=found.count) + bias
        heads: list[NDArray[np.float64]] = []
        at = 0
        for count in self._levels:
            heads.append(np.concatenate([np.zeros((found.count, 1)), sums[:, at : at + count - 1]], axis=1))
            at += count - 1
        return heads


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A loaded scorer."""

    folder: Path
    settings: Settings
    weights_sha256: str
    backbone: Backbone

    def probabilities(self, pairs: Sequence[tuple[str, str]], head: int) -> NDArray[np.float64]:
        """Calibrated probabilities (texts, levels) of one head."""
        return softmax(self.backbone.logits(pairs)[head] / self.settings.heads[head].temperature)

    def all_probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[NDArray[np.float64]]:
        """The same for every head, reading the texts once."""
        logits = self.backbone.logits(pairs)
        return [
            softmax(one / head.temperature) for one, head in zip(logits, self.settings.heads, strict=True)
        ]


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Row-wise softmax, shifted by each row's largest value."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    whole: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return whole


def unreadable(answer: str, settings: Settings) -> str | None:
    """Why a scorer has nothing to say of an answer, or None."""
    letters = [c for c in answer[: features.READ] if c.isalpha()]
    if not letters:
        return "nothing to read: the answer has no letters"
    chinese = sum("\u3400" <= c <= "\u9fff" or "\U00020000" <= c <= "\U0003ffff" for c in letters)
    if settings.chinese and chinese < _LEAST_CHINESE * len(letters):
        return "the answer is not in Chinese, and the scorer was trained on Chinese alone"
    return None
