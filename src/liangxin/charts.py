"""Charts as small SVG lanes: one score a lane, drawn on a fixed axis in percent, so that text never scales.

A lane is as wide as its cell and of fixed height; what it shows also stands beside it in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from liangxin.text import visible

_MIDDLE = 11
"""The lane's centre line, in pixels; its height is twice this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A fixed range with its ticks, both ends included."""

    low: float
    high: float
    ticks: tuple[float, ...]
    origin: float
    """Where bars begin."""
    floor: float | None = None
    """The lowest value that can be attained, where that is not `low`."""
    reference: float | None = None
    """A value worth a line of its own: no bias, no change."""

    def at(self, value: float) -> float:
        """Where a value lies, in percent of the width."""
        share = 100 * (value - self.low) / (self.high - self.low)
        return round(min(100.0, max(0.0, share)), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What one lane shows; whatever is None is not drawn."""

    value: float | None
    low: float | None = None
    high: float | None = None
    worst: float | None = None
    best: float | None = None
    service: float | None = None
    bare: bool = False
    """Too few for a bar: only the interval is drawn."""
    dot: bool = False
    """A dot instead of a bar, for a comparison of runs."""
    series: int = 0
    """Which of several judges or runs: a colour and, for dots, a shape."""


PERCENT = Axis(low=0, high=100, ticks=(0, 25, 50, 75, 100), origin=0)


def points_axis(low: float, high: float) -> Axis:
    """An axis from a scale's lowest to its highest points."""
    steps = next((steps for steps in (4, 3, 2) if (high - low) % steps == 0), 1)
    ticks = tuple(low + (high - low) * step / steps for step in range(steps + 1))
    return Axis(low=low, high=high, ticks=ticks, origin=low)


def symmetric_axis(values: Sequence[float]) -> Axis:
    """An axis around zero, as wide as the largest of `values` needs, in round steps up to ±100."""
    largest = max((abs(value) for value in values), default=0.0)
    reach = next((step for step in (5.0, 10.0, 25.0, 50.0) if largest <= step), 100.0)
    return Axis(
        low=-reach, high=reach, ticks=(-reach, -reach / 2, 0, reach / 2, reach), origin=0, reference=0
    )


def lane(axis: Axis, mark: Mark, title: str, description: str) -> Markup:
    """One score as an SVG: bounds as a band, value as bar or dot, interval as a whisker.

    The service view is a diamond beside a bar; where no bar is, it would be taken for the value.
    """
    parts = [*_ground(axis), *_bounds(axis, mark)]
    if mark.value is not None and not mark.bare and not mark.dot:
        start, end = sorted((axis.at(axis.origin), axis.at(mark.value)))
        parts.append(_tag("rect", "bar", x=f"{start}%", width=f"{round(end - start, 3)}%", y=5, height=12))
    parts += _whisker(axis, mark)
    if mark.value is not None and mark.dot and not mark.bare:
        parts.append(_shape(axis.at(mark.value), mark.series))
    if mark.service is not None and not mark.dot and not mark.bare:
        parts.append(_nested(axis.at(mark.service), "service", "M0-5 5 0 0 5-5 0Z"))
    return _svg(f"lane s{mark.series % 6}", parts, title, description)


def scale_line(axis: Axis) -> Markup:
    """The axis' numbers, for the head of a column of lanes; decoration beside the numbers in words."""
    parts = []
    for tick in axis.ticks:
        end = "start" if tick == axis.low else "end" if tick == axis.high else "middle"
        shown = f"{tick:+g}" if axis.low < 0 and tick else f"{tick:g}"
        parts.append(
            Markup('<text x="{}%" y="12" text-anchor="{}">{}</text>').format(axis.at(tick), end, shown)
        )
    return Markup('<svg class="scale" width="100%" height="16" aria-hidden="true">{}</svg>').format(
        Markup("").join(parts)
    )


def stack(counts: Sequence[tuple[str, int]], title: str, description: str) -> Markup:
    """Shares of a whole as one bar; each part's class is its key."""
    total = sum(count for _, count in counts)
    parts, start = [], 0.0
    for key, count in counts:
        width = 100 * count / total if total else 0.0
        parts.append(_tag("rect", f"part {key}", x=f"{start:.3f}%", width=f"{width:.3f}%", y=5, height=12))
        start += width
    return _svg("lane", parts, title, description)


def _ground(axis: Axis) -> list[Markup]:
    parts = []
    if axis.floor is not None:
        parts.append(_tag("rect", "floor", x="0", width=f"{axis.at(axis.floor)}%", y=0, height=2 * _MIDDLE))
        parts.append(_line("floor-edge", axis.at(axis.floor), 0, 2 * _MIDDLE))
    parts += [_line("grid", axis.at(tick), 0, 2 * _MIDDLE) for tick in axis.ticks]
    if axis.reference is not None:
        parts.append(_line("reference", axis.at(axis.reference), 0, 2 * _MIDDLE))
    return parts


def _bounds(axis: Axis, mark: Mark) -> list[Markup]:
    if mark.worst is None or mark.best is None or mark.worst == mark.best:
        return []
    start, end = sorted((axis.at(mark.worst), axis.at(mark.best)))
    return [_tag("rect", "bounds", x=f"{start}%", width=f"{round(end - start, 3)}%", y=2, height=18)]


def _whisker(axis: Axis, mark: Mark) -> list[Markup]:
    if mark.low is None or mark.high is None:
        return []
    start, end = axis.at(mark.low), axis.at(mark.high)
    line = Markup('<line class="whisker" x1="{}%" x2="{}%" y1="{y}" y2="{y}"/>').format(start, end, y=_MIDDLE)
    return [line, *(_line("whisker", at, _MIDDLE - 4, _MIDDLE + 4) for at in (start, end))]


_SHAPES = (
    "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z",
    "M-4.5-4.5H4.5V4.5H-4.5Z",
    "M0-5.5 5.5 4.5H-5.5Z",
    "M0 5.5 5.5-4.5H-5.5Z",
    "M-2-5H2V-2H5V2H2V5H-2V2H-5V-2H-2Z",
    "M0-6 6 0 0 6-6 0Z",
)
"""So that series are told apart without colour: circle, square, triangles, cross, diamond."""


def shape(series: int) -> Markup:
    """A series' mark alone, for a legend."""
    path = Markup('<path class="point" d="{}" transform="translate(8 8)"/>').format(
        _SHAPES[series % len(_SHAPES)]
    )
    return Markup('<svg class="key s{}" width="16" height="16" aria-hidden="true">{}</svg>').format(
        series % 6, path
    )


def _shape(at: float, series: int) -> Markup:
    return _nested(at, "point", _SHAPES[series % len(_SHAPES)])


def _nested(at: float, kind: str, path: str) -> Markup:
    """A path around a place in percent; only a nested svg can be put there."""
    return Markup('<svg x="{}%" y="{}" overflow="visible"><path class="{}" d="{}"/></svg>').format(
        at, _MIDDLE, kind, path
    )


def _line(kind: str, at: float, top: float, bottom: float) -> Markup:
    return Markup('<line class="{}" x1="{at}%" x2="{at}%" y1="{}" y2="{}"/>').format(kind, top, bottom, at=at)


def _tag(name: str, kind: str, **values: object) -> Markup:
    attributes = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in values.items())
    return Markup('<{} class="{}"{}/>').format(name, kind, attributes)


def _svg(kind: str, parts: Sequence[Markup], title: str, description: str) -> Markup:
    shown = (visible(title), visible(description))
    return Markup(
        '<svg class="{}" role="img" width="100%" height="{}"><title>{}</title><desc>{}</desc>{}</svg>'
    ).format(kind, 2 * _MIDDLE, *shown, Markup("").join(parts))
