"""Hand-written answers in pairs: what `scorer evaluate` measures on where no labels are given; nothing is trained on them."""

from __future__ import annotations

import json
from pathlib import Path

from liangxin.scorer.rows import Labelled

PAIRS = Path(__file__).parent / "data" / "pairs.jsonl"


def own_pairs(path: Path) -> list[dict[str, str]]:
    """The rows of one of our own files (pair, prompt, response, level, …)."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pair_rows() -> list[Labelled]:
    """The hand-written evaluation answers; the source names what kind of answer each is."""
    return [
        Labelled(
            head="*",
            prompt=row["prompt"],
            response=row["response"],
            level=row["level"],
            source="pairs",
            place=row["kind"],
        )
        for row in own_pairs(PAIRS)
    ]
