"""One scale for rows of several."""

from __future__ import annotations

from dataclasses import replace

from liangxin.agreement.scales import common_scale
from liangxin.specs import REFUSAL


def test_a_refusal_scale_of_before_unable_joins_todays() -> None:
    older = replace(REFUSAL, levels=tuple(level for level in REFUSAL.levels if level.name != "unable"))
    joined = common_scale([older, REFUSAL])
    assert joined is not None
    assert joined.levels == REFUSAL.levels
    assert joined.passing == REFUSAL.passing
