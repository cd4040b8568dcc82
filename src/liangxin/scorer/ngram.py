"""Training the `ngram` backbone: a logistic head for each dimension over shared hashed features.

The joint objective is the sum of the heads' cross-entropies over their own rows. As the features are fixed and no
weight is shared, it falls apart into one convex problem a head; each is solved by scikit-learn's L-BFGS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from liangxin.errors import DataError, LiangxinError
from liangxin.judges.scoring.features import FeatureSettings, extract
from liangxin.judges.scoring.predict import NgramBackbone, SharedReadings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Rows to learn from; `heads` and `levels` are places."""

    pairs: Sequence[tuple[str, str]]
    heads: Sequence[int]
    levels: Sequence[int]
    weights: Sequence[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseReadings:
    """What another scorer reads in a text: a new one that stands on it need not learn that anew.

    Its readings are further columns beside the n-grams, scaled down so that the ridge lets go of them where the
    labels say otherwise.
    """

    features: FeatureSettings
    parts: tuple[str, ...]
    """Of each reading, the one part of the text that it reads."""
    weights: NDArray[np.float16]
    """(2^bits, readings)."""
    share: float = 0.2
    """What a reading is multiplied by. Chosen on two sets that the base had not learnt (docs/decisions/0025)."""
    strength: float = 16.0
    """In the place of `Fitting.strength`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """How the heads are fitted."""

    features: FeatureSettings = field(default_factory=FeatureSettings)
    strength: float = 4.0
    """Inverse strength of the ridge penalty (scikit-learn's C)."""
    base: BaseReadings | None = None
    """The scorer to stand on; its features then hold, not `features`."""
    balanced: bool = False
    """Weigh every level of a head alike, however rare."""
    iterations: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Weights as they are stored: float16, each head's first level its reference."""

    weights: NDArray[np.float16]
    bias: NDArray[np.float64]
    counts: tuple[int, ...]
    """Levels of each head."""
    features: FeatureSettings
    shared: SharedReadings | None = None
    """How the heads' logits are made of the columns of `weights`; None: a column is a logit."""

    def backbone(self) -> NgramBackbone:
        """What predicts with these weights."""
        return NgramBackbone(self.features, self.counts, self.weights, self.bias, self.shared)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What is stored."""
        mix = {} if self.shared is None else {"mix": self.shared.mix}
        return {"weights": self.weights, "bias": self.bias, **mix}


def matrix(pairs: Sequence[tuple[str, str]], settings: FeatureSettings) -> Any:  # a scipy CSR matrix
    """The features of (prompt, response) pairs as a sparse matrix (pairs, 2^bits)."""
    from scipy.sparse import csr_matrix, vstack

    blocks = []
    for at in range(0, len(pairs), _BATCH):
        found = extract(pairs[at : at + _BATCH], settings)
        shape = (found.count, 1 << settings.bits)
        blocks.append(csr_matrix((found.values, (found.rows, found.buckets)), shape=shape))
    return vstack(blocks, format="csr")


def fit(examples: Examples, counts: Sequence[int], fitting: Fitting) -> Fitted:
    """Fit every head on its own rows.

    Args:
        counts: levels of each head.

    Raises:
        DataError: a head's training rows lack one of its levels.
        LiangxinError: scikit-learn is not installed.
    """
    columns = sum(counts) - len(counts)
    base = fitting.base
    table = matrix(examples.pairs, fitting.features) if base is None else _table(examples.pairs, base)
    weights = np.zeros((table.shape[1], columns))
    bias = np.zeros(columns)
    strength = fitting.strength if base is None else base.strength
    heads, levels = np.array(examples.heads), np.array(examples.levels)
    own = np.ones(len(heads)) if examples.weights is None else np.array(examples.weights)
    at = 0
    for head, count in enumerate(counts):
        mine = np.flatnonzero(heads == head)
        if len(np.unique(levels[mine])) < count:
            raise DataError(
                f"head {head + 1}: the training side of the split lacks a level; label more answers of the rare level, "
                "or try another --seed"
            )
        settings = replace(fitting, strength=strength)
        coefficients, intercepts = _solve(table[mine], levels[mine], own[mine], settings)
        weights[:, at : at + count - 1] = coefficients.T
        bias[at : at + count - 1] = np.round(intercepts, 6)
        at += count - 1
    if base is not None:
        return _standing(weights, bias, tuple(counts), base)
    return Fitted(
        weights=weights.astype(np.float16), bias=bias, counts=tuple(counts), features=fitting.features
    )


def _table(pairs: Sequence[tuple[str, str]], base: BaseReadings) -> Any:  # a scipy CSR matrix
    """The n-grams of every part, a block a part, and the base's readings."""
    from scipy.sparse import csr_matrix, hstack

    blocks = {part: matrix(pairs, replace(base.features, parts=(part,))) for part in base.features.parts}
    readings = np.stack(
        [blocks[part] @ base.weights[:, at].astype(np.float64) for at, part in enumerate(base.parts)],
        axis=1,
    )
    return hstack([*blocks.values(), csr_matrix(base.share * readings)], format="csr")


def _standing(
    weights: NDArray[np.float64], bias: NDArray[np.float64], counts: tuple[int, ...], base: BaseReadings
) -> Fitted:
    """The base's readings, and for every logit one of each part; the mix adds them up."""
    parts, columns = base.features.parts, weights.shape[1]
    size = 1 << base.features.bits
    own = [weights[at * size : (at + 1) * size] for at in range(len(parts))]
    mix = np.round(base.share * weights[len(parts) * size :], 6)
    return Fitted(
        weights=np.concatenate([base.weights, *own], axis=1).astype(np.float16),
        bias=bias,
        counts=counts,
        features=base.features,
        shared=SharedReadings(
            parts=(*base.parts, *(part for part in parts for _ in range(columns))),
            mix=np.concatenate([mix, *(np.eye(columns) for _ in parts)]),
        ),
    )


def _solve(
    table: Any, levels: NDArray[np.int64], weights: NDArray[np.float64], fitting: Fitting
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (levels - 1, buckets) and intercepts against the first level."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise LiangxinError("training needs scikit-learn: pip install 'liangxin[scorer]'") from None
    model = LogisticRegression(
        C=fitting.strength, max_iter=fitting.iterations, class_weight="balanced" if fitting.balanced else None
    )
    model.fit(table, levels, sample_weight=weights)
    if len(model.classes_) == 2:
        return model.coef_, model.intercept_
    return model.coef_[1:] - model.coef_[:1], model.intercept_[1:] - model.intercept_[0]
