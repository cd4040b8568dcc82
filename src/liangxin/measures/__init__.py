"""Measures: how verdicts become numbers, with honest intervals."""

from liangxin.measures.formulas import FORMULAS, Formula, formula_of, share_of_top
from liangxin.measures.intervals import mover, wilson
from liangxin.measures.plan import ScorePlan
from liangxin.measures.position import PositionBias, PositionTally, position_bias
from liangxin.measures.scoring import ScoreBuilder, scores

__all__ = [
    "FORMULAS",
    "Formula",
    "PositionBias",
    "PositionTally",
    "ScoreBuilder",
    "ScorePlan",
    "formula_of",
    "mover",
    "position_bias",
    "scores",
    "share_of_top",
    "wilson",
]
