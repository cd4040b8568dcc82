"""Temperature scaling on held-out labels (Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liangxin.judges.scoring.predict import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOW, _HIGH = 0.05, 20.0
_STEPS = 60
_GOLDEN = (5**0.5 - 1) / 2


def log_loss(logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float) -> float:
    """Mean negative log probability of the labels."""
    chosen = softmax(logits / temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-300)).mean())


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The temperature in [0.05, 20] with the least log loss, by golden section on its logarithm.

    The loss is unimodal in the temperature's inverse, as log-sum-exp is convex. Rounded to four digits, so that
    the last bits of a sum do not reach the settings file.
    """
    low, high = np.log(_LOW), np.log(_HIGH)
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if log_loss(logits, labels, float(np.exp(left))) <= log_loss(logits, labels, float(np.exp(right))):
            high = right
        else:
            low = left
    return float(f"{np.exp((low + high) / 2):.4g}")
