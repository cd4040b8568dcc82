"""What the laboratory made: the default scorer with all that its card says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from default_scorer.table import Comparison, Line
from liangxin.judges.scoring.files import Settings
from liangxin.scorer.ngram import Fitted
from liangxin.scorer.rows import Labelled
from liangxin.scorer.splits import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The default scorer with all that its card says."""

    fitted: Fitted
    settings: Settings
    split: Split
    public: Sequence[Labelled]
    lines: Sequence[Line]
    comparisons: Sequence[Comparison]
    cold_in_both: int
