"""Measures: how verdicts become numbers, with honest intervals."""

from liangxin.measures.intervals import mover, wilson
from liangxin.measures.plan import ScorePlan
from liangxin.measures.position import PositionBias, PositionTally, position_bias
from liangxin.measures.scoring import Scorer, scores

__all__ = [
    "PositionBias",
    "PositionTally",
    "ScorePlan",
    "Scorer",
    "mover",
    "position_bias",
    "scores",
    "wilson",
]
