"""How outcomes are to be scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from liangxin.records import Measure, Scale

OVERALL = "overall"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePlan:
    """How a judge's outcomes on a benchmark are to be scored."""

    measures: tuple[Measure, ...]
    scale_for: Callable[[tuple[str, ...]], Scale]
    """The scale that the judge rules on, by category path."""
    annotators: Literal["majority", "mean"]
    seed: str
    """What bootstrap seeds derive from: the run's and the judge's identity."""
    unsupported: str | None = None
    """Why this judge has no such levels: every value is None, everything is missing for that reason."""
    confidence: float = 0.95
