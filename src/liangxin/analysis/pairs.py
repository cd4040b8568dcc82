"""The same answers as two judges saw them: the rows that every measurement of a judge begins with."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from liangxin.correction.known_prompts import read_known_prompts
from liangxin.correction.sources import length_bin
from liangxin.records import AnswerLength, Scale, Verdict, VerdictStatus
from liangxin.specs import Benchmark, scale_of
from liangxin.store import ADJUDICATED, Database, JudgeRecord, RunRecord, StoredDialogue, dialogues


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One answer with the gold level and, where the judge gave one, its level."""

    item: str
    unit: str
    category: tuple[str, ...]
    trial: int
    turn: int
    scale: Scale
    gold: str
    judged: str | None
    """None where the judge has no usable level."""
    reason: str = ""
    """Why there is none."""
    length: int = 0
    """Characters of the answer."""
    trained: bool = False
    """Whether the judge was trained on the prompt."""

    @property
    def answer_length(self) -> AnswerLength:
        """Whether the answer is short, middle or long."""
        return length_bin(self.length)

    @property
    def dimension(self) -> str:
        """The top category; empty where the item has none."""
        return self.category[0] if self.category else ""

    @property
    def levels(self) -> tuple[int, int] | None:
        """(gold, judged) as places on the scale, worst level 0; None where the judge has no level."""
        if self.judged is None:
            return None
        names = [level.name for level in self.scale.levels]
        return names.index(self.gold), names.index(self.judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldPairs:
    """All answers that have a gold level."""

    rows: tuple[Pair, ...]
    tied: int
    """Answers on which the annotators are tied: they have no gold level."""
    answers: int
    """Answers of the run that could be judged."""

    @property
    def both(self) -> tuple[Pair, ...]:
        """The answers that both have a level for."""
        return tuple(row for row in self.rows if row.judged is not None)

    @property
    def missing(self) -> dict[str, int]:
        """Answers with a gold level that the judge gave none for, by reason."""
        return dict(Counter(row.reason for row in self.rows if row.judged is None))


def pairs(
    database: Database, run: RunRecord, benchmark: Benchmark, gold: JudgeRecord, judge: JudgeRecord
) -> GoldPairs:
    """Every answer that `gold` gives a level for, beside what `judge` says of it.

    Args:
        gold, judge: two judges of the run on the same scale (`subject`).
    """
    rows: list[Pair] = []
    trained = read_known_prompts(judge.sources)
    tied = answers = 0
    for stored in dialogues(database, run):
        for exchange in stored.dialogue.exchanges:
            answers += exchange.reply.judgeable
            verdicts = verdicts_of(stored, gold.key, exchange.turn)
            if not any(verdict.status is VerdictStatus.GIVEN for verdict in verdicts):
                continue
            category = stored.dialogue.item.category
            scale = scale_of(gold.subject, benchmark, category)
            level = consensus(verdicts, scale, benchmark.annotators)
            if level is None:
                tied += 1
                continue
            ruled = verdicts_of(stored, judge.key, exchange.turn)
            judged = consensus(ruled, scale, benchmark.annotators)
            rows.append(
                Pair(
                    item=stored.dialogue.item.id,
                    unit=stored.dialogue.item.unit,
                    category=category,
                    trial=stored.dialogue.trial,
                    turn=exchange.turn,
                    scale=scale,
                    gold=level,
                    judged=judged,
                    reason="" if judged is not None else _why(ruled),
                    length=len(exchange.reply.text),
                    trained=exchange.prompt in trained,
                )
            )
    return GoldPairs(rows=tuple(rows), tied=tied, answers=answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """Several annotators' levels of the same answers."""

    places: tuple[tuple[int, ...], ...] = ()
    """[annotators][answers] places on a scale, -1 where there is no label; annotators by name."""
    units: tuple[str, ...] = ()
    """[answers] the item of each answer."""


def ratings(database: Database, run: RunRecord, gold: JudgeRecord, scale: Scale) -> Ratings:
    """Each annotator's levels over all answers, an adjudicator not among them.

    Answers that nobody labelled are left out.
    """
    names = [level.name for level in scale.levels]
    found: list[dict[str, int]] = []
    units: list[str] = []
    for stored in dialogues(database, run, settled=False):
        by_turn: dict[int, dict[str, int]] = {}
        for (key, turn, annotator), ruling in stored.rulings.items():
            level = ruling.verdict.level
            if key == gold.key and level in names and annotator != ADJUDICATED:
                by_turn.setdefault(turn, {})[annotator] = names.index(level)
        found.extend(by_turn.values())
        units.extend([stored.dialogue.item.unit] * len(by_turn))
    people = sorted({annotator for one in found for annotator in one})
    places = tuple(tuple(one.get(annotator, -1) for one in found) for annotator in people)
    return Ratings(places=places, units=tuple(units))


def verdicts_of(stored: StoredDialogue, judge: int, turn: int) -> list[Verdict]:
    """What a judge (every annotator of it) says of one turn."""
    return [
        ruling.verdict
        for (key, place, _annotator), ruling in stored.rulings.items()
        if (key, place) == (judge, turn)
    ]


def consensus(
    verdicts: Iterable[Verdict], scale: Scale, annotators: Literal["majority", "mean"]
) -> str | None:
    """The one level that several annotators' verdicts stand for; None of nothing and of a tie.

    Where a benchmark takes the majority, the level that most gave; where it takes the mean, the level at
    the (lower) median, since agreement is counted on levels.
    """
    names = [level.name for level in scale.levels]
    given = (one.level or "" for one in verdicts if one.status is VerdictStatus.GIVEN)
    levels = [level for level in given if level in names]
    if not levels:
        return None
    if annotators == "mean":
        return names[statistics.median_low(names.index(level) for level in levels)]
    counted = Counter(levels).most_common(2)
    return None if len(counted) > 1 and counted[0][1] == counted[1][1] else counted[0][0]


def _why(verdicts: Sequence[Verdict]) -> str:
    statuses = [verdict.status for verdict in verdicts if verdict.status is not VerdictStatus.GIVEN]
    if statuses:
        return str(statuses[0])
    return "tie" if verdicts else "not judged"
