"""Which answers of a run people should read next, written so that they can be read blind."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liangxin.analysis.pairs import consensus, verdicts_of
from liangxin.errors import JudgeError
from liangxin.planning.sampling import Drawn, RuledAnswer, Sample, draw_sample
from liangxin.specs import Benchmark, scale_of
from liangxin.store import Database, Evidence, JudgeRecord, RunRecord, Runs, dialogues


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be drawn."""

    labels: int
    seed: int = 0
    simple_random: bool = False
    """Alike from all answers, as PPI++ wants it, instead of within strata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRead:
    """The answers that were drawn, and the strata they stand for."""

    rows: tuple[Mapping[str, Any], ...]
    """`id, turn, trial, dialogue, category, prompt, response, level`: a labels file with its level left open.

    Where the benchmark has reference answers, `reference` stands before the response.
    """
    strata: tuple[Drawn, ...]
    simple_random: bool


def sample(
    database: Database,
    run: RunRecord,
    benchmark: Benchmark,
    judge: JudgeRecord,
    wish: Wish,
) -> ToRead:
    """Draw answers at random within judge level x dimension (or alike from all), and keep what was drawn.

    Neither the judge's level nor the model's name is among what people get to see.

    Raises:
        JudgeError: the judge gave no answer a level, or every answer has a label already.
    """
    found, rows, labelled = _answers(database, run, benchmark, judge)
    if not found:
        raise JudgeError(
            f"{judge.identity} gave no answer of run {run.label} a level: there is nothing to draw from"
        )
    name = f"{run.id}/{judge.identity}/{wish.seed}"
    drawn = (
        _simple(found, wish.labels, labelled, name)
        if wish.simple_random
        else draw_sample(found, wish.labels, seed=name, labelled=labelled)
    )
    if not drawn.chosen:
        raise JudgeError(
            f"every answer of run {run.label} that {judge.identity} ruled on has a label already"
        )
    keys = sorted({rows[one]["dialogue"] for one in drawn.chosen})
    content = {
        "seed": wish.seed,
        "simple_random": wish.simple_random,
        "chosen": keys,
        "strata": [
            {"dimension": one.dimension, "level": one.level, "size": one.size, "labelled": one.labelled, "chosen": one.chosen}
            for one in drawn.strata
        ],
    }  # fmt: skip
    kept = Evidence(database)
    if content not in kept.samples(run, judge.identity):
        kept.add_sample(run, judge.identity, content)
    return ToRead(
        rows=tuple(rows[one] for one in drawn.chosen), strata=drawn.strata, simple_random=wish.simple_random
    )


def _simple(found: list[RuledAnswer], labels: int, labelled: set[str], name: str) -> Sample:
    """A simple random sample of all answers, strata told all the same."""
    left = sorted(one.id for one in found if one.id not in labelled)
    chosen = random.Random(name).sample(left, min(labels, len(left)))
    picked = set(chosen)
    strata: dict[tuple[str, str], list[str]] = {}
    for one in found:
        strata.setdefault((one.dimension, one.level), []).append(one.id)
    return Sample(
        chosen=tuple(chosen),
        strata=tuple(
            Drawn(
                dimension=dimension,
                level=level,
                size=len(ids),
                labelled=sum(one in labelled for one in ids),
                chosen=sum(one in picked for one in ids),
            )
            for (dimension, level), ids in sorted(strata.items())
        ),
    )


def _answers(
    database: Database, run: RunRecord, benchmark: Benchmark, judge: JudgeRecord
) -> tuple[list[RuledAnswer], dict[str, Mapping[str, Any]], set[str]]:
    people = [
        one.key for one in Runs(database).judges(run) if one.traits.people and one.subject == judge.subject
    ]
    found: list[RuledAnswer] = []
    rows: dict[str, Mapping[str, Any]] = {}
    labelled: set[str] = set()
    for stored in dialogues(database, run):
        dialogue = stored.dialogue
        scale = scale_of(judge.subject, benchmark, dialogue.item.category)
        for exchange in dialogue.exchanges:
            level = consensus(verdicts_of(stored, judge.key, exchange.turn), scale, benchmark.annotators)
            if level is None:
                continue
            key = f"{dialogue.key}:{exchange.turn}"
            category = dialogue.item.category
            found.append(RuledAnswer(id=key, dimension=category[0] if category else "", level=level))
            # A secret item is known by its ids alone; whoever may read it finds it in the store.
            told = {"reference": dialogue.item.reference or ""} if benchmark.references else {}
            shown = (
                {}
                if dialogue.item.secret
                else {"prompt": exchange.prompt, **told, "response": exchange.reply.text}
            )
            rows[key] = {
                "id": dialogue.item.id,
                "turn": exchange.turn,
                "trial": dialogue.trial,
                "dialogue": dialogue.key,
                "category": "/".join(category),
                **shown,
                "level": "",
            }
            if any(verdicts_of(stored, one, exchange.turn) for one in people):
                labelled.add(key)
    return found, rows, labelled
