"""How many items or labels a claim needs, and which answers people should read next."""

from liangxin.planning.allocation import allocate, neyman_weights
from liangxin.planning.judged import (
    CalibrationSize,
    JudgeAccuracy,
    PlannedStratum,
    calibration_size,
    corrected_half_width,
    corrected_size,
    labels_needed,
    two_stage_half_width,
)
from liangxin.planning.sampling import Drawn, RuledAnswer, Sample, draw_sample
from liangxin.planning.sizes import (
    ClaimSize,
    claim_power,
    claim_size,
    difference_size,
    least_passes,
    margin_size,
    paired_size,
)

__all__ = [
    "CalibrationSize",
    "ClaimSize",
    "Drawn",
    "JudgeAccuracy",
    "PlannedStratum",
    "RuledAnswer",
    "Sample",
    "allocate",
    "calibration_size",
    "claim_power",
    "claim_size",
    "corrected_half_width",
    "corrected_size",
    "difference_size",
    "draw_sample",
    "labels_needed",
    "least_passes",
    "margin_size",
    "neyman_weights",
    "paired_size",
    "two_stage_half_width",
]
