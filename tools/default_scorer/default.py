"""`make scorer`: train the default scorer from our graded answers and the public sets, measure it, write its directory.

Everything is seeded and single-threaded, so the same machine and lock file give the same bytes. Every run opens the
test part once and says so in `data/looks.jsonl`; choices were made by cross-validation inside training.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from default_scorer import learn as learning
from default_scorer.default_card import default_card
from default_scorer.learn import FEATURES, HEADS, READINGS, Learnt, Lesson, learn, samples
from default_scorer.measuring import Measured, band_sources, measure
from default_scorer.parts import SETS, Parts, read_parts
from default_scorer.public import GRADED, LOOKS, digests, public_folder
from liangxin.correction.known_prompts import KnownPrompts
from liangxin.correction.sources import sources_text
from liangxin.errors import LiangxinError
from liangxin.files import file_digest
from liangxin.judges.scorer import DEFAULT, SOURCES
from liangxin.judges.scoring.features import prepared
from liangxin.judges.scoring.files import CARD, WEIGHTS, Settings, write_settings
from liangxin.judges.scoring.loading import load_scorer
from liangxin.judges.scoring.silence import Silence, bitmap, unknown_share
from liangxin.judges.scoring.tensors import write_tensors
from liangxin.scorer.graded import HELD_OUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "default"
_CONTENT = 4
_REPEATED = 0.5
_QUANTILE = 0.99
"""Of held-out training answers so many are near enough to be ruled on."""


def train(parts: Parts) -> tuple[Lesson, Learnt, Silence, NDArray[np.uint8]]:
    """Readings and heads from the training part, and when to be silent."""
    lesson = Lesson(samples(parts))
    every = np.ones(len(lesson.rows), dtype=bool)
    learnt = learn(lesson, every, lesson.unseen(every))
    texts = [prepared(row.answer) for row in lesson.rows]
    silence = Silence(content=_CONTENT, repeated=_REPEATED, unknown=_unknown(lesson, texts))
    return lesson, learnt, silence, bitmap(texts)


def _unknown(lesson: Lesson, texts: Sequence[str]) -> float:
    """The distance that all but one in a hundred graded answers keep from the answers of other topics."""
    graded = lesson.source == "graded"
    shares: list[float] = []
    for fold in sorted(set(lesson.fold)):
        known = bitmap(text for at, text in enumerate(texts) if lesson.fold[at] != fold)
        held = np.flatnonzero(graded & (lesson.fold == fold))
        shares += [unknown_share(texts[int(at)], known) for at in held]
    return round(float(np.quantile(shares, _QUANTILE)), 3)


def write(folder: Path, parts: Parts, public: Path) -> tuple[Lesson, Learnt]:
    """Train, and write everything but the card and the sources of the band."""
    lesson, learnt, silence, known = train(parts)
    settings = Settings(
        name=NAME,
        backbone="ngram",
        heads=HEADS,
        options={
            "parts": list(FEATURES.parts),
            "orders": list(FEATURES.orders),
            "bits": FEATURES.bits,
            "least": FEATURES.least,
            "readings": list(READINGS),
            "silence": {name: getattr(silence, name) for name in ("content", "repeated", "unknown")},
        },
        training={
            "graded": {"file": GRADED.name, "sha256": file_digest(str(GRADED)), "rows": len(parts.train)},
            "sets": {
                one.name: {"licence": one.licence, "origin": one.origin, "sha256": digests(one, public)}
                for one in SETS
            },
            "weights": dict(learning.WEIGHTS),
            "threshold_weights": dict(learning.THRESHOLD_WEIGHTS),
            "strength": learning.STRENGTH,
        },
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(
        folder / WEIGHTS,
        {"weights": learnt.weights, "bias": learnt.bias, "mix": learnt.mix, "known": known},
    )
    write_settings(folder, settings)
    return lesson, learnt


def _look() -> int:
    """Record that the test part is opened; returns how often it was."""
    with LOOKS.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"when": time.strftime("%Y-%m-%d %H:%M"), "what": "make scorer"}) + "\n")
    return sum(int(json.loads(line).get("looks", 1)) for line in LOOKS.read_text().splitlines())


def _held_out(parts: Parts) -> None:
    """Put the test part's rows where `liangxin scorer evaluate` finds them; public prompts stay away."""
    lines = {json.loads(line)["id"]: line for line in GRADED.read_text(encoding="utf-8").splitlines()}
    # In the order that the card measures them in: the bootstrap's draws are the same then.
    kept = [lines[row.id] for row in (*parts.test, *parts.further)]
    HELD_OUT.write_text("\n".join(kept) + "\n", encoding="utf-8")


def main() -> int:
    """Build it where it belongs, or in the folder named as the only argument."""
    try:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
        public = public_folder()
        parts = read_parts(public)
        lesson, _ = write(folder, parts, public)
        looks = _look()
        _held_out(parts)
        scorer = load_scorer(folder)
        sources = band_sources(scorer, parts)
        trained = KnownPrompts.of(row.prompt for row in lesson.rows)
        (folder / SOURCES).write_text(sources_text(sources, trained) + "\n", encoding="utf-8")
        found: Measured = measure(scorer, parts, lesson, looks)
        card = default_card(scorer, parts, found)
        (folder / CARD).write_text(card, encoding="utf-8")
    except LiangxinError as error:
        sys.stderr.write(f"scorer: {error}\n")
        return error.exit_status
    sys.stdout.write(card)
    return 0


if __name__ == "__main__":
    sys.exit(main())
