"""A radar as SVG: one spoke a benchmark, values as a line, 95 % intervals along the spokes.

It repeats what a table beside it says in words; the enclosed area means nothing, and nothing is summed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from liangxin.charts import Axis
from liangxin.text import visible

LEAST = 3
"""Fewer spokes with something to show make no figure."""

_WIDTH, _HEIGHT = 620, 364
_CENTRE = (_WIDTH / 2, _HEIGHT / 2 + 6)
_RADIUS = 146.0
_CAP = 5.0
"""Half the width of an interval's ends."""
_LABEL = 22
"""Characters of a benchmark's name; the table has it whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoke:
    """One axis of a radar, from the lowest to the highest value of its measure."""

    number: int
    """Counted from 1; the table's rows carry it too."""
    name: str
    axis: Axis
    value: float | None
    """None: nothing can be said, or too few for a point."""
    low: float | None
    high: float | None

    @property
    def shown(self) -> bool:
        """Whether anything is drawn on it."""
        return self.low is not None and self.high is not None


def radar(spokes: Sequence[Spoke], title: str, description: str) -> Markup:
    """The figure; empty where fewer than three spokes have an interval."""
    if sum(spoke.shown for spoke in spokes) < LEAST:
        return Markup("")
    parts = [*_web(spokes), *_outline(spokes)]
    for place, spoke in enumerate(spokes):
        parts += _interval(spoke, _angle(place, len(spokes)))
        parts.append(_label(spoke, _angle(place, len(spokes))))
    whole = '<svg class="radar s0" role="img" viewBox="0 0 {} {}"><title>{}</title><desc>{}</desc>{}</svg>'
    return Markup(whole).format(_WIDTH, _HEIGHT, visible(title), visible(description), Markup("").join(parts))


def _angle(place: int, count: int) -> float:
    """The first spoke points up; the others follow clockwise."""
    return 2 * math.pi * place / count - math.pi / 2


def _at(angle: float, share: float, aside: float = 0.0) -> tuple[float, float]:
    """A point on a spoke, `share` of the radius from the centre and `aside` units beside it."""
    along, across = _RADIUS * share, aside
    x = _CENTRE[0] + along * math.cos(angle) - across * math.sin(angle)
    y = _CENTRE[1] + along * math.sin(angle) + across * math.cos(angle)
    return round(x, 2), round(y, 2)


def _web(spokes: Sequence[Spoke]) -> list[Markup]:
    rings = []
    for share in (0.25, 0.5, 0.75, 1.0):
        corners = [_at(_angle(place, len(spokes)), share) for place in range(len(spokes))]
        rings.append(_path("web", corners, closed=True))
    lines = [
        _path("web" if spoke.shown else "web idle", [_CENTRE, _at(_angle(place, len(spokes)), 1.0)])
        for place, spoke in enumerate(spokes)
    ]
    return rings + lines


def _outline(spokes: Sequence[Spoke]) -> list[Markup]:
    """The values joined, neighbour to neighbour; filled only where every spoke has one."""
    points = [
        None if spoke.value is None else _at(_angle(place, len(spokes)), spoke.axis.at(spoke.value) / 100)
        for place, spoke in enumerate(spokes)
    ]
    known = [point for point in points if point is not None]
    parts = []
    if len(known) == len(points):
        parts.append(_path("area", known, closed=True))
    for place, here in enumerate(points):
        there = points[(place + 1) % len(points)]
        if here is not None and there is not None:
            parts.append(_path("outline", [here, there]))
    dot = Markup('<circle class="point" cx="{}" cy="{}" r="5"/>')
    return parts + [dot.format(*point) for point in known]


def _interval(spoke: Spoke, angle: float) -> list[Markup]:
    if spoke.low is None or spoke.high is None:
        return []
    ends = [spoke.axis.at(end) / 100 for end in (spoke.low, spoke.high)]
    caps = [_path("whisker", [_at(angle, end, -_CAP), _at(angle, end, _CAP)]) for end in ends]
    return [_path("whisker", [_at(angle, end) for end in ends]), *caps]


def _label(spoke: Spoke, angle: float) -> Markup:
    x, y = _at(angle, 1.0 + 16 / _RADIUS)
    side = math.cos(angle)
    anchor = "middle" if abs(side) < 0.2 else "start" if side > 0 else "end"
    name = visible(spoke.name)
    shown = name if len(name) <= _LABEL else name[: _LABEL - 1] + "…"
    text = '<text class="spoke{}" x="{}" y="{}" text-anchor="{}"><tspan class="place">{}</tspan><tspan class="name" dx="5">{}</tspan></text>'
    return Markup(text).format("" if spoke.shown else " idle", x, y + 4, anchor, spoke.number, shown)


def _path(kind: str, points: Sequence[tuple[float, float]], *, closed: bool = False) -> Markup:
    drawn = "M" + "L".join(f"{x:g} {y:g}" for x, y in points) + ("Z" if closed else "")
    return Markup('<path class="{}" d="{}"/>').format(kind, drawn)
