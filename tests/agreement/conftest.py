"""Scales that the tests of agreement share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from liangxin.records import Level, Scale


def build_scale(levels: int, passing: int = 1, points: tuple[float, ...] | None = None) -> Scale:
    """Levels "0", "1", …, the best `passing` of them passing."""
    worth = points or tuple(float(one) for one in range(levels))
    names = tuple(str(one) for one in range(levels))
    return Scale(
        name=f"scale-{levels}",
        levels=tuple(Level(name=n, points=p, zh=n, en=n) for n, p in zip(names, worth, strict=True)),
        passing=frozenset(names[-passing:]),
    )


@pytest.fixture
def make_scale() -> Callable[..., Scale]:
    """`make_scale(levels, passing=1, points=None)`."""
    return build_scale
