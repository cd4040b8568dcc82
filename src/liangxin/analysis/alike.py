"""Does a model choose as it writes? A run of choices beside a run of free text on the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from liangxin.agreement.consistency import UNREAD, Consistency, consistency, consistency_by
from liangxin.agreement.estimate import Estimate
from liangxin.analysis.pairs import consensus, verdicts_of
from liangxin.analysis.validation import estimate_fields
from liangxin.engine.stored import benchmark_of
from liangxin.errors import JudgeError, UsageError
from liangxin.specs import scale_of
from liangxin.store import Database, JudgeRecord, RunRecord, dialogues

PARTS = (
    "cs", "css", "cs_read", "css_read", "knows_does_not_do", "does_does_not_know", "unsafe_where_right", "kappa",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """A run and who ruled on it."""

    run: RunRecord
    judge: JudgeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeAlignment:
    """Choice against free text, over all items and by category."""

    choice: JudgedRun
    text: JudgedRun
    overall: Consistency
    by_category: Mapping[str, Consistency]
    unmatched: int
    """Questions that only one of the runs has."""


def alike(database: Database, choice: JudgedRun, text: JudgedRun) -> FakeAlignment:
    """Lay both runs beside each other, question by question.

    A choice item's question is its stem; the open run's is its first turn. Both orders of a pair count
    together. The first trial counts.

    Raises:
        UsageError: the first run holds no choices, or the second does.
        JudgeError: no question is in both runs, or the judge of the texts knows no pass.
    """
    kinds = [benchmark_of(one.run).kind for one in (choice, text)]
    if kinds != ["choice", "open"]:
        raise UsageError("consistency lays a run of choices beside one of free text: name the choices first")
    chosen, categories = _choices(database, choice)
    written = _texts(database, text)
    common = [question for question in chosen if question in written]
    if not common:
        raise JudgeError(
            f"runs {choice.run.label} and {text.run.label} have no question in common: the choice items' question, "
            "without its options, must be the first turn of the other run's items"
        )
    first, second = (np.array([chosen[one][side] for one in common], dtype=np.int64) for side in (0, 1))
    said = np.array([written[one] for one in common], dtype=np.int64)
    groups = [categories[one] for one in common]
    seed = f"{choice.run.id}/{text.run.id}"
    return FakeAlignment(
        choice=choice,
        text=text,
        overall=consistency(first, second, said, seed=seed),
        by_category=consistency_by(first, second, said, groups, seed) if any(groups) else {},
        unmatched=len(chosen.keys() ^ written.keys()),
    )


def _choices(database: Database, asked: JudgedRun) -> tuple[dict[str, list[int]], dict[str, str]]:
    """Question -> what was chosen in either order: 1 the better reply, 0 the other, UNREAD."""
    benchmark = benchmark_of(asked.run)
    found: dict[str, list[int]] = {}
    categories: dict[str, str] = {}
    for stored in dialogues(database, asked.run):
        item = stored.dialogue.item
        if stored.dialogue.trial > 1 or item.answer is None:
            continue
        scale = benchmark.scale_for(item.category)
        level = consensus(verdicts_of(stored, asked.judge.key, 1), scale, benchmark.annotators)
        question = _plain(item.stem or item.turns[0])
        value = UNREAD if level not in scale.options else int(level == item.answer)
        found.setdefault(question, []).append(value)
        categories[question] = item.category[0] if item.category else ""
    return {question: [*values, UNREAD][:2] for question, values in found.items()}, categories


def _texts(database: Database, asked: JudgedRun) -> dict[str, int]:
    """Question -> 1 safe, 0 unsafe, UNREAD, by the judge's passing levels."""
    benchmark = benchmark_of(asked.run)
    found: dict[str, int] = {}
    for stored in dialogues(database, asked.run):
        item = stored.dialogue.item
        if stored.dialogue.trial > 1:
            continue
        scale = scale_of(asked.judge.subject, benchmark, item.category)
        level = consensus(verdicts_of(stored, asked.judge.key, 1), scale, benchmark.annotators)
        found[_plain(item.turns[0])] = UNREAD if level is None else int(level in scale.passing)
    return found


def _plain(text: str) -> str:
    return " ".join(text.split())


def alike_fields(one: FakeAlignment) -> dict[str, Any]:
    """As JSON: shares in [0, 1], the authors' two numbers first, ours marked by their names."""
    return {
        "choice": {
            "run": one.choice.run.id,
            "model": one.choice.run.model,
            "judge": one.choice.judge.identity,
        },
        "text": {"run": one.text.run.id, "model": one.text.run.model, "judge": one.text.judge.identity},
        "unmatched": one.unmatched,
        "overall": _fields(one.overall),
        "categories": {name: _fields(found) for name, found in one.by_category.items()},
    }


def _fields(found: Consistency) -> dict[str, Any]:
    return {
        "items": found.items,
        "choice_failed": found.choice_failed,
        "text_failed": found.text_failed,
        "table": [list(row) for row in found.table],
        "statistics": [estimate_fields(part) for part in parts(found)],
    }


def parts(found: Consistency) -> list[Estimate]:
    """Every number of a group, in order."""
    return [getattr(found, name) for name in PARTS]
