"""Annotators against gold questions: the answers whose right level was known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liangxin.annotation.desk.places import At
from liangxin.annotation.outcome.agreement import AgreedShare
from liangxin.annotation.outcome.gold import gold_of
from liangxin.annotation.outcome.verdicts import LabelledAnswer
from liangxin.store import Database

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A verdict that differs from the gold level."""

    at: At
    position: int
    item: str
    account: int
    said: str
    gold: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstGold:
    """How often people gave the gold level."""

    overall: AgreedShare
    by: Mapping[int, AgreedShare]
    """By account; everybody who gave a level is in it."""
    misses: tuple[Miss, ...]


def against_gold(database: Database, project: Project, found: Sequence[LabelledAnswer]) -> AgainstGold | None:
    """Levels beside the gold levels; None for a project without gold questions."""
    gold = {
        At(task=one.task, candidate=candidate, turn=turn): level
        for one in gold_of(database, project)
        for (candidate, turn), level in one.levels.items()
    }
    if not gold:
        return None
    counts = {account: [0, 0] for labelled in found for account in labelled.levels}
    misses = []
    for labelled in found:
        right = gold.get(labelled.at)
        for account, level in labelled.levels.items() if right is not None else ():
            counts[account][1] += 1
            if level == right:
                counts[account][0] += 1
            else:
                misses.append(
                    Miss(
                        at=labelled.at,
                        position=labelled.position,
                        item=labelled.item,
                        account=account,
                        said=level,
                        gold=str(right),
                    )
                )
    return AgainstGold(
        overall=AgreedShare(
            hits=sum(hits for hits, _ in counts.values()), n=sum(total for _, total in counts.values())
        ),
        by={account: AgreedShare(hits=hits, n=total) for account, (hits, total) in sorted(counts.items())},
        misses=tuple(misses),
    )
