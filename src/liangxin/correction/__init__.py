"""Rates corrected for the judge's measured error, shown beside the raw ones and never instead of them."""

from liangxin.correction.applying import Judged, Target, correct
from liangxin.correction.calibration import Calibration, CalibrationTable, Scope
from liangxin.correction.corrected import TOO_WEAK, Corrected
from liangxin.correction.ppi import prediction_powered
from liangxin.correction.rogan_gladen import CalibrationCounts, rogan_gladen
from liangxin.correction.simplex import simplex
from liangxin.correction.stratified import Stratum, stratified

__all__ = [
    "TOO_WEAK",
    "Calibration",
    "CalibrationCounts",
    "CalibrationTable",
    "Corrected",
    "Judged",
    "Scope",
    "Stratum",
    "Target",
    "correct",
    "prediction_powered",
    "rogan_gladen",
    "simplex",
    "stratified",
]
