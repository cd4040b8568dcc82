"""A formula: half of a level's share of the top."""

from __future__ import annotations

from liangxin.measures import Formula, share_of_top
from liangxin.records import Level, Scale


def worth(level: Level, scale: Scale) -> float:
    """At most 50."""
    return share_of_top(level, scale) / 2


HALVED = Formula(worth=worth, positive_top=True)
