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
from liangxin.judges.scoring.silence import Silence, silent, unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Backbone(Protocol):
    """What turns texts into one row of logits for each head."""

    def logits(self, pairs: Sequence[tuple[str, str]]) -> list[NDArray[np.float64]]:
        """For each head an array (texts, levels), from (prompt, response) pairs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedReadings:
    """Readings that all heads share."""

    parts: tuple[str, ...]
    """Of each reading, the one part of the text that it reads."""
    mix: NDArray[np.float64]
    """(readings, sum of levels - 1)."""


class NgramBackbone:
    """Logistic heads over hashed character n-grams.

    Weights: `weights` (2^bits, sum of levels - 1) as float16 and `bias` (sum of levels - 1) as float64; a head's
    first level is its reference with logit 0. Where there is a `mix` (columns of `weights`, sum of levels - 1),
    the columns are readings that all heads share, and the mix makes the heads' logits of them. Sums are in
    float64, in one order on every machine.
    """

    def __init__(
        self,
        settings: features.FeatureSettings,
        levels: Sequence[int],
        weights: NDArray[np.float16],
        bias: NDArray[np.float64],
        shared: SharedReadings | None = None,
    ) -> None:
        width = sum(levels) - len(levels)
        columns = width if shared is None else len(shared.parts)
        if weights.shape != (1 << settings.bits, columns) or bias.shape != (width,):
            raise JudgeError(
                f"the scorer's weights have the shape {weights.shape}, its settings ask for {(1 << settings.bits, columns)}"
            )
        if shared is not None and (
            shared.mix.shape != (columns, width) or not set(shared.parts) <= set(settings.parts)
        ):
            raise JudgeError(f"the scorer's mix has the shape {shared.mix.shape}, not {(columns, width)}")
        self._shared = shared
        self._settings = settings
        self._levels = tuple(levels)
        self._weights = weights
        self._bias = bias

    def logits(self, pairs: Sequence[tuple[str, str]]) -> list[NDArray[np.float64]]:
        """See `Backbone.logits`."""
        found = features.extract(pairs, self._settings)
        read = np.empty((found.count, self._weights.shape[1]))
        for column in range(read.shape[1]):
            mine = self._entries(found, column)
            terms = self._weights[found.buckets[mine], column].astype(np.float64) * found.values[mine]
            read[:, column] = np.bincount(found.rows[mine], weights=terms, minlength=found.count)
        if self._shared is None:
            sums = read + self._bias
        else:
            # Not `@`: a BLAS sums in an order of its own.
            sums = (read[:, :, None] * self._shared.mix[None]).sum(axis=1) + self._bias
        heads: list[NDArray[np.float64]] = []
        at = 0
        for count in self._levels:
            heads.append(np.concatenate([np.zeros((found.count, 1)), sums[:, at : at + count - 1]], axis=1))
            at += count - 1
        return heads

    def _entries(self, found: features.Features, column: int) -> slice | NDArray[np.bool_]:
        if self._shared is None:
            return slice(None)
        mine: NDArray[np.bool_] = found.parts == self._settings.parts.index(self._shared.parts[column])
        return mine


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A loaded scorer."""

    folder: Path
    settings: Settings
    weights_sha256: str
    backbone: Backbone
    silence: Silence | None = None
    known: NDArray[np.uint8] | None = None
    """The character pairs of training, where the scorer abstains by their share."""

    def silent(self, answer: str) -> str | None:
        """Why the scorer has nothing to say of an answer, or None."""
        reason = unreadable(answer, self.settings.chinese)
        if reason is None and self.silence is not None and self.known is not None:
            reason = silent(answer, self.silence, self.known)
        return reason

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
