"""Which runs stand on a board together: those that were asked the same items, all of them where any run was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from liangxin.specs import Bilingual
from liangxin.store import Database, RunRecord
from liangxin.store.life.asked import AskedItems, asked_items


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A run that is not on a board."""

    run: RunRecord
    reason: Bilingual


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrants:
    """The runs of a board, and the others."""

    runs: tuple[RunRecord, ...]
    absent: tuple[Absent, ...]


def entrants(database: Database, runs: Sequence[RunRecord]) -> Entrants:
    """The runs that may be ranked with one another.

    Of one data set, those that were asked all its items; where none was, those that were asked the same items as the
    run that was asked the most (the newest of several). A run that was stopped on its way was asked no whole set.
    """
    asked = {run.key: asked_items(database, run) for run in runs}
    taken: list[RunRecord] = []
    absent: list[Absent] = []
    for data in dict.fromkeys(run.dataset for run in runs):
        of_data = [run for run in runs if run.dataset == data]
        standard = _standard(asked[run.key] for run in of_data)
        for run in of_data:
            found = asked[run.key]
            if found.finished and standard is not None and found.items == standard.items:
                taken.append(run)
            else:
                absent.append(Absent(run=run, reason=_reason(found, standard)))
    return Entrants(runs=tuple(taken), absent=tuple(absent))


def _standard(asked: Iterable[AskedItems]) -> AskedItems | None:
    """The items that a run of the data must have been asked."""
    finished = [one for one in asked if one.finished]
    return max(finished, key=lambda one: one.planned, default=None)


def _reason(asked: AskedItems, standard: AskedItems | None) -> Bilingual:
    if not asked.finished:
        return Bilingual(
            zh=f"没问完：{asked.done}/{asked.planned} 题；同样的命令接着问",
            en=f"asked {asked.done} of {asked.planned} items so far; the same command goes on",
        )
    of = asked.total if standard is None else standard.planned
    if standard is not None and standard.planned == asked.planned:
        return Bilingual(
            zh=f"问的是另外 {asked.planned} 题（另一种子）",
            en=f"asked {asked.planned} other items (another seed)",
        )
    return Bilingual(
        zh=f"只问了 {asked.planned} 题，榜上的运行问了 {of} 题；去掉 --limit（或加大）接着问",
        en=f"asked {asked.planned} items, those on this board {of}; the same command with a larger --limit, or none, goes on",
    )
