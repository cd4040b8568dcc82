"""What `--model`, `--judge` and a benchmark's name can name: what is built in, and what packages bring."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from liangxin.registry import Registered
from liangxin.specs import SpecHelp

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class KindLine:
    """One line of a list of kinds."""

    spec: str
    zh: str
    en: str
    package: str = ""
    """The installed package that brings it, with its version; empty for what is built in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindList:
    """A list of kinds, and why some that packages bring cannot be used."""

    lines: tuple[KindLine, ...]
    broken: tuple[str, ...]
    """A sentence each."""


def model_list() -> KindList:
    """The kinds of model."""
    from liangxin.models import MODELS

    return _list(MODELS.entries(), lambda kind: kind.help)


def judge_list() -> KindList:
    """The kinds of judge, and how to name none."""
    from liangxin.judges import JUDGES
    from liangxin.judges.kinds import NO_JUDGE_HELP

    found = _list(JUDGES.entries(), lambda kind: kind.help)
    none = KindLine(spec=NO_JUDGE_HELP.spec, zh=NO_JUDGE_HELP.zh, en=NO_JUDGE_HELP.en)
    return replace(found, lines=(*found.lines, none))


def benchmark_list() -> KindList:
    """The benchmarks; the user's own are files and not among them."""
    from liangxin.benchmarks import BENCHMARKS

    return _list(
        BENCHMARKS.entries(), lambda one: [SpecHelp(spec=one.name, zh=one.title.zh, en=one.title.en)]
    )


def _list(found: Iterable[Registered[T]], help_of: Callable[[T], Iterable[SpecHelp]]) -> KindList:
    lines, broken = [], []
    for one in found:
        if one.thing is None:
            broken.append(one.error)
            continue
        package = "" if one.origin is None else f"{one.origin.package} {one.origin.version}"
        lines += [
            KindLine(spec=line.spec, zh=line.zh, en=line.en, package=package) for line in help_of(one.thing)
        ]
    return KindList(lines=tuple(lines), broken=tuple(broken))
