"""Kinds of units: what of a unit a score depends on, and how many units of a chunk are of each kind.

Most units of a run look alike to a score (a category and a level), so the arithmetic is done once a kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liangxin.records import Item, Outcome, ReplyStatus, TurnOutcome, Verdict, VerdictStatus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TurnForm = tuple[int, ReplyStatus, tuple[tuple[VerdictStatus, str], ...]]
"""(turn, status, one (status, level or nothing) for each annotator)."""
Form = tuple[int, tuple[str, ...], tuple[str, ...], str, str, int, tuple[TurnForm, ...]]
"""All of an outcome that a score depends on: row in its unit, category, tags, expect, answer, turns."""
Head = tuple[tuple[str, ...], tuple[str, ...], str, str, int]
"""All of an item that a score depends on: category, tags, expect, answer (or nothing), number of turns."""
Kind = tuple[Form, ...]
"""The forms of a unit's outcomes, sorted: the order of trials does not matter and would only make more kinds."""

_RADIX = 1 << 62


def kind_of(unit: Sequence[Outcome]) -> Kind:
    """The kind of a unit given by its outcomes."""
    rows: dict[str, int] = {}
    return tuple(sorted(_form(outcome, rows.setdefault(outcome.item.id, len(rows))) for outcome in unit))


def outcomes_of(kind: Kind) -> list[Outcome]:
    """Outcomes of that kind, without texts; equal ones are one object."""
    made: dict[Form, Outcome] = {}
    found = []
    for form in kind:
        outcome = made.get(form)
        if outcome is None:
            outcome = made[form] = _outcome(form)
        found.append(outcome)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """Some whole units as integer codes, one row an item."""

    units: NDArray[np.int64]
    """[rows] equal numbers stand together."""
    forms: NDArray[np.int32]
    """[rows] indices into `heads`."""
    heads: Sequence[Head]
    """By code."""
    statuses: NDArray[np.int32]
    """[rows, trials, turns] indices into `replies`; -1 where the item has no such turn."""
    replies: Sequence[ReplyStatus]
    rulings: NDArray[np.int32]
    """[annotators, rows, trials, turns] indices into `verdicts`; 0 where there is none."""
    verdicts: Sequence[tuple[VerdictStatus, str]]


def kinds(coded: Coded) -> Iterator[tuple[Kind, int]]:
    """Each kind among the units, with how many are of it, in order of first appearance."""
    import numpy as np

    found, which = told_apart(coded)
    yield from zip(found, np.bincount(which).tolist(), strict=True)


def told_apart(coded: Coded) -> tuple[list[Kind], NDArray[np.intp]]:
    """(the kinds among the units in order of first appearance, which of them each unit is)."""
    import numpy as np

    rows, _, turns = coded.statuses.shape
    if not rows:
        return [], np.zeros(0, np.intp)
    cells = combined([coded.statuses + 1, *coded.rulings])
    outcomes = combined([cells[:, :, turn] for turn in range(turns)]) if turns else cells.sum(axis=2)
    # Sorted within the row, as in `kind_of`; which order is chosen does not matter here.
    order = np.argsort(outcomes, axis=1, kind="stable")
    row_codes = combined([coded.forms.astype(np.int64), *np.take_along_axis(outcomes, order, 1).T])
    starts = np.flatnonzero(np.append(True, coded.units[1:] != coded.units[:-1]))
    sizes = np.diff(np.append(starts, rows))
    table = np.full((len(starts), int(sizes.max())), -1, np.int64)
    table[np.repeat(np.arange(len(starts)), sizes), np.arange(rows) - np.repeat(starts, sizes)] = row_codes
    codes = combined(list(table.T + 1))
    _, examples, which = np.unique(codes, return_index=True, return_inverse=True)
    appearing = np.argsort(examples)
    found = [_kind(coded, int(starts[one]), int(sizes[one])) for one in examples[appearing]]
    place = np.empty(len(appearing), np.intp)
    place[appearing] = np.arange(len(appearing))
    return found, place[which.reshape(-1)]


def combined(columns: Sequence[NDArray[np.integer]]) -> NDArray[np.int64]:
    """One code for each tuple of codes (none negative): equal where all columns are equal, else different."""
    import numpy as np

    code = columns[0].astype(np.int64)
    reach = int(code.max(initial=0)) + 1
    for column in columns[1:]:
        radix = int(column.max(initial=0)) + 1
        if reach * radix >= _RADIX:
            values, inverse = np.unique(code, return_inverse=True)
            code, reach = inverse.reshape(code.shape).astype(np.int64), len(values)
        code = code * radix + column
        reach *= radix
    return code


def _kind(coded: Coded, start: int, size: int) -> Kind:
    counted: Counter[Form] = Counter()
    for row in range(size):
        head = coded.heads[coded.forms[start + row]]
        statuses = coded.statuses[start + row].tolist()
        rulings = coded.rulings[:, start + row].transpose(1, 2, 0).tolist()
        made: dict[str, Form] = {}
        for status, ruled in zip(statuses, rulings, strict=True):
            written = f"{status}{ruled}"
            if written not in made:
                made[written] = (row, *head, tuple(_turns(coded, head[4], status, ruled)))
            counted[made[written]] += 1
    return tuple(form for form in sorted(counted) for _ in range(counted[form]))


def _turns(
    coded: Coded, planned: int, statuses: Sequence[int], rulings: Iterable[Sequence[int]]
) -> Iterator[TurnForm]:
    for turn, (status, ruled) in enumerate(zip(statuses, rulings, strict=True), start=1):
        if turn <= planned:
            yield turn, coded.replies[status], tuple(coded.verdicts[code] for code in ruled if code)


def _form(outcome: Outcome, row: int) -> Form:
    item = outcome.item
    turns = tuple(
        (one.turn, one.status, tuple([(verdict.status, verdict.level or "") for verdict in one.verdicts]))
        for one in outcome.turns
    )
    return row, item.category, item.tags, item.expect or "", item.answer or "", len(item.turns), turns


def item_of(head: Head, name: str = "") -> Item:
    """An item, without texts, that has all that a score depends on."""
    category, tags, expect, answer, asked = head
    return Item(
        id=name,
        turns=("",) * asked,
        category=category,
        tags=tags,
        expect="refuse" if expect == "refuse" else "answer" if expect else None,
        answer=answer or None,
    )


def _outcome(form: Form) -> Outcome:
    row, category, tags, expect, answer, asked, turns = form
    return Outcome(
        item=item_of((category, tags, expect, answer, asked), str(row)),
        trial=1,
        turns=tuple(
            TurnOutcome(
                turn=number,
                status=status,
                verdicts=tuple(Verdict(level=level or None, status=given) for given, level in verdicts),
            )
            for number, status, verdicts in turns
        ),
    )
