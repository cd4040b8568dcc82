"""Training the `ngram` backbone: a logistic head for each dimension over shared hashed features.

The joint objective is the sum of the heads' cross-entropies over their own rows. As the features are fixed and no
weight is shared, it falls apart into one convex problem a head; each is solved by scikit-learn's L-BFGS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from liangxin.errors import DataError, LiangxinError
from liangxin.judges.scoring.features import FeatureSettings, extract
from liangxin.judges.scoring.predict import NgramBackbone

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
class Fitting:
    """How the heads are fitted."""

    features: FeatureSettings = field(default_factory=FeatureSettings)
    strength: float = 4.0
    """Inverse strength of the ridge penalty (scikit-learn's C)."""
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

    def backbone(self) -> NgramBackbone:
        """What predicts with these weights."""
        return NgramBackbone(self.features, self.counts, self.weights, self.bias)


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
    weights = np.zeros((1 << fitting.features.bits, columns), dtype=np.float16)
    bias = np.zeros(columns)
    table = matrix(examples.pairs, fitting.features)
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
        coefficients, intercepts = _solve(table[mine], levels[mine], own[mine], fitting)
        weights[:, at : at + count - 1] = coefficients.T.astype(np.float16)
        bias[at : at + count - 1] = np.round(intercepts, 6)
        at += count - 1
    return Fitted(weights=weights, bias=bias, counts=tuple(counts), features=fitting.features)


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
