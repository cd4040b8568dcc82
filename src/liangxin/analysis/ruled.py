"""What a judge and people said of a run's answers, counted by kind: a million answers are a few hundred kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liangxin.analysis.pairs import consensus
from liangxin.measures.unit_kinds import combined
from liangxin.records import Scale, Verdict
from liangxin.specs import Benchmark, scale_of
from liangxin.store import Database, JudgeRecord, RunRecord
from liangxin.store.columns import ColumnReader, Head, UnitSheet
from liangxin.store.content import dialogue_key

OVERALL = "overall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulers:
    """Whose verdicts are read."""

    judge: JudgeRecord
    gold: JudgeRecord | None
    chosen: frozenset[str]
    """Keys of the dialogues that were drawn for people to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledKind:
    """Answers of one kind: the judge's level and, where people read them, theirs."""

    dimension: str
    groups: tuple[str, ...]
    scale: Scale
    judged: str
    gold: str
    """Empty where people gave no level."""
    drawn: bool
    """Whether a labelled answer was drawn at random; True for the others."""
    count: int


def ruled(database: Database, run: RunRecord, benchmark: Benchmark, rulers: Rulers) -> list[RuledKind] | None:
    """Every answer that the judge gave a level, by kind; None where an item has several (turns or trials)."""
    if run.trials > 1:
        return None
    judges = [rulers.judge.key] + ([] if rulers.gold is None else [rulers.gold.key])
    columns = ColumnReader(database, run, judges)
    found: Counter[tuple[Head, str, str, bool]] = Counter()
    for sheet in columns.sheets():
        if any(columns.heads[form][4] > 1 for form in np.unique(sheet.forms).tolist()):
            return None
        for kind, count in _kinds(run, benchmark, rulers, columns, sheet):
            found[kind] += count
    return [
        RuledKind(
            dimension=head[0][0] if head[0] else "",
            groups=tuple(_groups(head)),
            scale=scale_of(rulers.judge.subject, benchmark, head[0]),
            judged=judged,
            gold=gold,
            drawn=drawn,
            count=count,
        )
        for (head, judged, gold, drawn), count in found.items()
    ]


def _kinds(
    run: RunRecord,
    benchmark: Benchmark,
    rulers: Rulers,
    columns: ColumnReader,
    sheet: UnitSheet,
) -> Iterator[tuple[tuple[Head, str, str, bool], int]]:
    """The kinds of one sheet that have a level of the judge, with how many answers are of each."""
    gold_key = None if rulers.gold is None else rulers.gold.key
    judged = sheet.rulings[rulers.judge.key][:, :, 0, 0]
    none = np.zeros((0, len(sheet.units)), np.int32)
    gold = none if gold_key is None else sheet.rulings[gold_key][:, :, 0, 0]
    drawn = _drawn(columns, run, rulers, sheet, gold)
    code = combined([sheet.forms, drawn.astype(np.int64), *judged, *gold])
    _, examples, counts = np.unique(code, return_index=True, return_counts=True)
    for row, count in zip(examples.tolist(), counts.tolist(), strict=True):
        head = columns.heads[sheet.forms[row]]
        scale = scale_of(rulers.judge.subject, benchmark, head[0])
        level, people = (
            consensus(_verdicts(columns, planes[:, row]), scale, benchmark.annotators)
            for planes in (judged, gold)
        )
        if level is not None:
            yield (head, level, people or "", bool(drawn[row]) or not people), count


def _verdicts(columns: ColumnReader, codes: NDArray[np.int32]) -> list[Verdict]:
    told = (columns.rulings[code] for code in codes.tolist() if code)
    return [Verdict(level=level or None, status=status) for status, level in told]


def _drawn(
    columns: ColumnReader, run: RunRecord, rulers: Rulers, sheet: UnitSheet, gold: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Of each row whether its answer was drawn for people; only rows with a label are looked up."""
    found = np.zeros(len(sheet.units), bool)
    labelled = set(np.flatnonzero(gold.any(axis=0)).tolist()) if len(gold) else set()
    if not labelled or not rulers.chosen:
        return found
    for row, item in columns.item_ids(sheet):
        if row in labelled:
            found[row] = dialogue_key(run.id, item, 1) in rulers.chosen
    return found


def _groups(head: Head) -> Iterator[str]:
    category, _, expect, _, _ = head
    yield OVERALL
    if category:
        yield category[0]
    if expect:
        yield f"expect {expect}"
