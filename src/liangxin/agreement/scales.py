"""One scale for rows of several: Flames' dimensions of two levels are dimensions of three without the middle."""

from __future__ import annotations

from collections.abc import Iterable

from liangxin.records import Level, Scale


def common_scale(scales: Iterable[Scale]) -> Scale | None:
    """The scale that holds every level of all of them; None where a name means different things.

    Levels of one name must have the same points and be passing in all scales or in none.
    """
    levels: dict[str, Level] = {}
    passing: dict[str, bool] = {}
    names = []
    for scale in scales:
        names.append(scale.name)
        for level in scale.levels:
            known = levels.setdefault(level.name, level)
            passes = level.name in scale.passing
            if known.points != level.points or passing.setdefault(level.name, passes) != passes:
                return None
    ordered = sorted(levels.values(), key=lambda level: level.points)
    if not ordered or len({level.points for level in ordered}) < len(ordered):
        return None
    return Scale(
        name="+".join(dict.fromkeys(names)),
        levels=tuple(ordered),
        passing=frozenset(name for name, passes in passing.items() if passes),
    )
