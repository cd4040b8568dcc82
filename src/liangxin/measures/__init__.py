"""Measures: how verdicts become numbers, with honest intervals."""

from liangxin.measures.intervals import mover, wilson
from liangxin.measures.plan import ScorePlan
from liangxin.measures.position import PositionBias, position_bias
from liangxin.measures.scoring import Scorer, scores

__all__ = ["PositionBias", "ScorePlan", "Scorer", "mover", "position_bias", "scores", "wilson"]
