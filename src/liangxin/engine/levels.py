"""What a judge's measured error is laid on: its levels counted by kind of item, turn and length of the answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from liangxin.measures.unit_kinds import Head, combined
from liangxin.records import LENGTHS, ReplyStatus, VerdictStatus
from liangxin.store.columns import NO_TURN, STATUSES, ColumnReader, UnitSheet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ANY_TURN = 0
"""Stands for all turns of an item together."""


@dataclass(slots=True)
class LevelCounts:
    """One judge's levels on a run, without texts."""

    planned: Counter[tuple[Head, int]] = field(default_factory=Counter)
    """Answers that were to be given, by item's head and turn."""
    items: Counter[tuple[Head, int, int]] = field(default_factory=Counter)
    """Items with a level, by head, turn (or `ANY_TURN`) and place of the length in `records.LENGTHS`."""
    answers: Counter[tuple[Head, int, int, str]] = field(default_factory=Counter)
    """Answers with a level, by head, turn, length and level."""

    def add(self, columns: ColumnReader, sheet: UnitSheet, best: NDArray[np.int32]) -> None:
        """Count a sheet.

        Args:
            best: [rows, trials, turns] the judge's ruling of each answer, an index into `columns.rulings`.
        """
        import numpy as np

        given = np.array([status is VerdictStatus.GIVEN for status, _ in columns.rulings])
        ruled = given[best] & (sheet.statuses != STATUSES.index(ReplyStatus.FILTERED))
        planned = (sheet.statuses != NO_TURN).sum(axis=1)
        for length in range(len(LENGTHS)):
            found = (ruled & (sheet.lengths == length)).any(axis=1)
            self._count_items(columns, sheet, found.any(axis=1), ANY_TURN, length)
            for turn in range(found.shape[1]):
                self._count_items(columns, sheet, found[:, turn], turn + 1, length)
        for turn in range(planned.shape[1]):
            for form, number in enumerate(np.bincount(sheet.forms, planned[:, turn])):
                if number:
                    self.planned[columns.heads[form], turn + 1] += int(number)
        self._count_answers(columns, sheet, best, ruled)

    def _count_items(
        self, columns: ColumnReader, sheet: UnitSheet, found: NDArray[np.bool_], turn: int, length: int
    ) -> None:
        import numpy as np

        for form, number in enumerate(np.bincount(sheet.forms[found])):
            if number:
                self.items[columns.heads[form], turn, length] += int(number)

    def _count_answers(
        self, columns: ColumnReader, sheet: UnitSheet, best: NDArray[np.int32], ruled: NDArray[np.bool_]
    ) -> None:
        import numpy as np

        rows, _, turns = np.nonzero(ruled)
        forms, lengths, codes = sheet.forms[rows], sheet.lengths[ruled], best[ruled]
        code = combined([forms, turns, lengths, codes])
        _, examples, numbers = np.unique(code, return_index=True, return_counts=True)
        for example, number in zip(examples.tolist(), numbers.tolist(), strict=True):
            _, level = columns.rulings[codes[example]]
            place = columns.heads[forms[example]], int(turns[example]) + 1, int(lengths[example]), level
            self.answers[place] += number
