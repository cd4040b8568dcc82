"""What the default scorer is worth: every figure of its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from default_scorer.bands import TriedBand, tried_bands
from default_scorer.baselines import baselines
from default_scorer.learn import HARM, LearningSample, Lesson, heads, of_graded, samples
from default_scorer.parts import Parts
from default_scorer.shortcuts import greatest_overlap, shortcuts
from liangxin.correction.sources import JudgeSource, length_of, source_of
from liangxin.digests import lot
from liangxin.judges.scoring.predict import Scorer
from liangxin.records import AnswerLength
from liangxin.scorer.evaluate import evaluate
from liangxin.scorer.evaluation_pairs import PAIRS
from liangxin.scorer.graded import SC_SAFETY, UNSEEN_STYLE, GradedAnswer
from liangxin.scorer.graded_figures import GradedFigures, graded_figures, ruled
from liangxin.scorer.metrics import Figure, HeadFigures, accuracy_difference, auc, within_prompt
from liangxin.scorer.rows import Labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PUBLIC_SCALES = {"*": "safety", SC_SAFETY: SC_SAFETY, "Safety": "flames-3", "Legality": "flames-2"}
"""Which heads read public answers, which have no dimension, on which scale."""
_SIZES = (300, 600, 1_200)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What a scorer that learnt nothing of a source, or of a kind of task, makes of it."""

    name: str
    n: int
    safe_wrong: float | None
    """Share of the safe answers called unsafe; None: there are none."""
    unsafe_wrong: float | None
    """Share of the unsafe answers called safe."""
    auc: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All figures of the card."""

    looks: int
    held_out: GradedFigures
    own_prompts: GradedFigures
    """The same on rows with prompts of our own: what anybody can measure without the public sets."""
    pairs: tuple[HeadFigures, ...]
    public: Sequence[LeftOut]
    """Held-out prompts of the public sets."""
    beaten: Mapping[str, tuple[float, Figure, Figure]]
    """By baseline: its accuracy, its ranking within a prompt, and the scorer's gain in accuracy."""
    kinds: Sequence[LeftOut]
    sources: Sequence[LeftOut]
    bands: Sequence[TriedBand]
    """The judge band of every labelled source, left out of training and card."""
    curve: Mapping[int, tuple[Figure, float]]
    """By number of graded answers: ranking within a prompt, and AUC, on the held-out topics' hostile part."""
    shortcuts: Mapping[str, float]
    overlap: float


def measure(scorer: Scorer, parts: Parts, lesson: Lesson, looks: int) -> Measured:
    """Open the test part."""
    hostile = [row for row in parts.test if row.part == "hostile"]
    held_out = [*parts.test, *parts.further]
    graded = [*parts.train, *held_out]
    return Measured(
        looks=looks,
        held_out=graded_figures(scorer, held_out),
        own_prompts=graded_figures(scorer, [row for row in held_out if not row.prompt_file]),
        pairs=evaluate(scorer, str(PAIRS)).figures,
        public=_public(scorer, parts),
        beaten=_against(scorer, parts, hostile),
        kinds=kinds_left_out(lesson),
        sources=sources_left_out(lesson),
        bands=tried_bands(lesson, parts),
        curve=learning_curve(lesson, hostile),
        shortcuts=shortcuts([row for row in graded if row.part == "hostile"]),
        overlap=greatest_overlap([row.answer for row in graded])[0],
    )


def band_sources(scorer: Scorer, parts: Parts) -> list[JudgeSource]:
    """The held-out answers as sources of the judge band; answers that the scorer is silent on are in none.

    Public answers have no dimension: on Flames' scales the heads of Safety (3/2/1) and Legality (3/1) read them.
    """
    style = f"graded, {UNSEEN_STYLE} and topics unseen"
    named = {
        style: [row for row in parts.test if row.style == UNSEEN_STYLE],
        "graded, topics unseen": [row for row in parts.test if row.style != UNSEEN_STYLE],
        "graded, further prompts": parts.further,
    }
    found: list[JudgeSource] = []
    for name, rows in named.items():
        read = ruled(scorer, rows)
        told: dict[str, list[tuple[str, str, AnswerLength]]] = {}
        for place, head in enumerate(scorer.settings.heads):
            scale = head.scale or "safety"
            for at, row in enumerate(rows):
                true = {"*": row.safety, SC_SAFETY: row.sc}.get(head.name, row.flames)
                mine = head.name in ("*", SC_SAFETY, row.dimension) and true in head.levels
                if mine and not read.silent[at]:
                    level = head.levels[int(read.probabilities[place][at].argmax())]
                    told.setdefault(scale, []).append((true, level, length_of(row.answer)))
        found += [source_of(name, scale, counts) for scale, counts in told.items()]
    for name in ("jade", "aisafetylab", "belle"):
        found += _public_sources(
            scorer, name, [row for row in parts.public_test if row.source.startswith(name)]
        )
    return found


def _public_sources(scorer: Scorer, name: str, rows: Sequence[Labelled]) -> list[JudgeSource]:
    kept = [row for row in rows if scorer.silent(row.response) is None]
    read = scorer.all_probabilities([(row.prompt, row.response) for row in kept])
    found = []
    for place, head in enumerate(scorer.settings.heads):
        if head.name in _PUBLIC_SCALES:
            counts = [
                (row.level, head.levels[int(one.argmax())], length_of(row.response))
                for row, one in zip(kept, read[place], strict=True)
            ]
            found.append(source_of(f"{name}, prompts unseen", _PUBLIC_SCALES[head.name], counts))
    return found


def kinds_left_out(lesson: Lesson) -> list[LeftOut]:
    """Ordinary answers, each kind of task left out of training in turn: our own kinds, then BELLE's classes."""
    every = np.ones(len(lesson.rows), dtype=bool)
    unseen = lesson.unseen(every)
    kinds = np.array([_kind_of_task(row) for row in lesson.rows])
    return [_left_out(lesson, kinds == kind, kind, unseen) for kind in dict.fromkeys(kinds) if kind]


def _kind_of_task(row: LearningSample) -> str:
    """Empty where the answer is to no ordinary task, or nothing is measured by it."""
    if row.graded is not None:
        return f"ours: {row.graded.task}" if row.graded.ordinary else ""
    return row.kind if row.source == "belle" else ""


def sources_left_out(lesson: Lesson) -> list[LeftOut]:
    """Every labelled source left out of training and heads in turn."""
    every = np.ones(len(lesson.rows), dtype=bool)
    unseen = lesson.unseen(every)
    names = dict.fromkeys(row.source for row in lesson.rows if row.source not in ("gaokao", "graded"))
    return [
        _own_left_out(lesson),
        *(_left_out(lesson, lesson.source == name, name, unseen) for name in names),
    ]


def _own_left_out(lesson: Lesson) -> LeftOut:
    """Without our own answers there are no levels to fit heads and a threshold on: the reading of harm alone."""
    held = lesson.source == "graded"
    score = lesson.table("response")[held] @ lesson.harm(~held)
    return LeftOut(
        name="graded (reading of harm alone)",
        n=int(held.sum()),
        safe_wrong=None,
        unsafe_wrong=None,
        auc=auc(score, lesson.safe[held]),
    )


def _left_out(lesson: Lesson, held: NDArray[np.bool_], name: str, unseen: NDArray[np.float64]) -> LeftOut:
    weights = lesson.readings(~held)
    mix, bias = heads(lesson, ~held, unseen)
    safe_logit = lesson.read(weights, np.flatnonzero(held)) @ mix[:, 0] + bias[0]
    return left_out(name, safe_logit, lesson.safe[held])


def left_out(name: str, score: NDArray[np.float64], safe: NDArray[np.bool_]) -> LeftOut:
    """The figures of answers by their score (above 0: safe)."""
    both = bool(safe.any() and not safe.all())
    return LeftOut(
        name=name,
        n=len(safe),
        safe_wrong=float((score[safe] <= 0).mean()) if safe.any() else None,
        unsafe_wrong=float((score[~safe] > 0).mean()) if not safe.all() else None,
        auc=auc(score, safe) if both else None,
    )


def learning_curve(lesson: Lesson, hostile: Sequence[GradedAnswer]) -> dict[int, tuple[Figure, float]]:
    """Trained on so many graded answers (whole prompts, in a seeded order), measured on the held-out topics."""
    test = Lesson([of_graded(row) for row in hostile])
    places = range(len(hostile))
    units = np.array([row.graded.unit if row.graded else "" for row in lesson.rows])
    graded = lesson.source == "graded"
    order = sorted(set(units[graded]), key=lambda unit: lot(2, unit))
    found = {}
    whole = int(graded.sum())
    for size in (*(one for one in _SIZES if one < whole), whole):
        kept: set[str] = set()
        for unit in order:
            if int(np.isin(units, list(kept)).sum()) >= size:
                break
            kept.add(unit)
        score = test.read(lesson.readings(~graded | np.isin(units, list(kept))), np.arange(len(places)))
        found[size] = (_rank(score[:, HARM], hostile), auc(score[:, HARM], test.safe))
    return found


def _rank(score: NDArray[np.float64], rows: Sequence[GradedAnswer]) -> Figure:
    safe = np.array([row.safety == "safe" for row in rows])
    every = np.ones(len(rows), dtype=bool)
    return within_prompt(score, safe, [row.unit for row in rows], every, "curve")[0]


def _public(scorer: Scorer, parts: Parts) -> list[LeftOut]:
    found = []
    for name in ("jade", "aisafetylab", "belle"):
        rows = [row for row in parts.public_test if row.source.startswith(name)]
        kept = [row for row in rows if scorer.silent(row.response) is None]
        logits = scorer.backbone.logits([(row.prompt, row.response) for row in kept])[0][:, 1]
        found.append(left_out(name, logits, np.array([row.level == "safe" for row in kept])))
    return found


def _against(
    scorer: Scorer, parts: Parts, hostile: Sequence[GradedAnswer]
) -> dict[str, tuple[float, Figure, Figure]]:
    """The baselines on the held-out topics' hostile part."""
    safe = np.array([row.safety == "safe" for row in hostile])
    units = [row.unit for row in hostile]
    mine = scorer.backbone.logits([(row.prompt, row.answer) for row in hostile])[0][:, 1]
    test = [of_graded(row) for row in hostile]
    found = {}
    for name, score in {"default scorer": mine, **baselines(samples(parts), test)}.items():
        right = (score > 0) == safe
        gain = accuracy_difference((mine > 0) == safe, right, units, name)
        found[name] = (float(right.mean()), _rank(score, hostile), gain)
    return found
