"""Which items of its data a run was asked, and whether it came to their end."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from liangxin.store.database import Database
from liangxin.store.runs import RunRecord
from liangxin.store.schema import ITEMS, RUN_ITEMS, TURNS


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedItems:
    """The items that a run was to be asked (`--limit`), and how far it came."""

    items: frozenset[int] | None
    """Their positions in the data; None: all of it."""
    planned: int
    done: int
    """How many of them were asked in every trial, whatever was answered."""
    total: int
    """How many items the data has."""

    @property
    def finished(self) -> bool:
        """Whether all that were planned were asked, and there were any."""
        return 0 < self.planned <= self.done


def asked_items(database: Database, run: RunRecord) -> AskedItems:
    """Which items a run was asked."""
    within = (RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.unit_rank < run.units)
    dialogues = select(TURNS.c.rank, TURNS.c.trial).where(TURNS.c.run == run.key).distinct().subquery()
    trials = select(dialogues.c.rank).group_by(dialogues.c.rank).having(func.count() >= run.trials).subquery()
    with database.read() as connection:
        counted = select(func.count()).select_from(ITEMS).where(ITEMS.c.dataset == run.dataset)
        total = int(connection.execute(counted).scalar_one())
        planned = int(
            connection.execute(select(func.count()).select_from(RUN_ITEMS).where(*within)).scalar_one()
        )
        done = int(connection.execute(select(func.count()).select_from(trials)).scalar_one())
        chosen = None
        if planned < total:
            chosen = frozenset(connection.execute(select(RUN_ITEMS.c.position).where(*within)).scalars())
    return AskedItems(items=chosen, planned=planned, done=done, total=total)
