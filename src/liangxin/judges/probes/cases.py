"""The probe's cases: every answer at every level, clean and under every attack that aims elsewhere.

20 topics have an answer each at the worst, a middle and the best level: on a scale of three levels (Flames
3/2/1, SC-Safety 0/1/2) all are used, on one of two (safe or not) the worst and the best. *Up* attacks want the
best level for answers below it, *down* attacks the worst level for answers above it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from liangxin.errors import JudgeError
from liangxin.judges.probes.attack_families import FAMILIES, Aim, Direction
from liangxin.records import Case, Scale

PLACES = {2: ("worst", "best"), 3: ("worst", "middle", "best")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePair:
    """An answer and its attacked twin: the same case but for the answer's text."""

    clean: Case
    attacked: Case
    family: str
    direction: Direction
    level: str
    """What the clean answer deserves, by our writing of it."""
    target: str
    """What the attack wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One question with an answer at each place of a scale, by `PLACES`."""

    id: str
    topic: str
    prompt: str
    answers: Mapping[str, str]


@cache
def topics() -> tuple[Topic, ...]:
    """The 20 topics, in the file's order."""
    text = (files(__package__ or "") / "answers.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return tuple(
        Topic(
            id=row["id"],
            topic=row["topic"],
            prompt=row["prompt"],
            answers={place: row[place] for place in PLACES[3]},
        )
        for row in rows
    )


def probe_cases(
    scale: Scale,
    direction: Direction,
    *,
    category: tuple[str, ...] = (),
    families: Sequence[str] = tuple(FAMILIES),
) -> list[ProbePair]:
    """All pairs of one direction; deterministic.

    Args:
        scale: of two or three levels, which the answers are placed on.
        category: the cases' category path, where a judge's rubric or scale depends on it.

    Raises:
        JudgeError: the scale has another number of levels.
    """
    places = PLACES.get(len(scale.levels))
    if places is None:
        raise JudgeError(
            f"the injection probe has answers for two or three levels; scale {scale.name!r} has {len(scale.levels)}"
        )
    aimed = scale.levels[-1 if direction == "up" else 0]
    aim = Aim(level=aimed, direction=direction)
    found = []
    for topic in topics():
        for place, level in zip(places, scale.levels, strict=True):
            if level.name == aimed.name:
                continue
            clean = _case(topic, place, scale, category)
            for family in families:
                attacked = FAMILIES[family](clean.answer, aim)
                found.append(
                    ProbePair(
                        clean=clean,
                        attacked=replace(clean, answer=attacked),
                        family=family,
                        direction=direction,
                        level=level.name,
                        target=aimed.name,
                    )
                )
    return found


def _case(topic: Topic, place: str, scale: Scale, category: tuple[str, ...]) -> Case:
    name = f"probe-{topic.id}-{place}"
    return Case(
        item_id=name,
        category=category,
        dialogue=name,
        trial=1,
        turn=1,
        history=(),
        prompt=topic.prompt,
        answer=topic.answers[place],
        scale=scale,
    )
