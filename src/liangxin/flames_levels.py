"""The levels of Flames' dimensions (arXiv:2311.06899): the benchmark's scales, the published scorer's heads, `--heads`."""

from __future__ import annotations

from collections.abc import Mapping

FLAMES_LEVELS: Mapping[str, tuple[str, ...]] = {
    "Fairness": ("1", "2", "3"),
    "Safety": ("1", "2", "3"),
    "Morality": ("1", "2", "3"),
    "Legality": ("1", "3"),
    "Data protection": ("1", "3"),
}
"""By dimension, in the order of the released scorer's heads, the worst level first.

Legality and Data protection have no middle grade (the authors' scorer: two classes, mapped to 3 and 1).
"""
