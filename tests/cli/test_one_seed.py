"""One seed, drawn twice: the local model gives the same text in a store of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

DRAWN = ("--limit", "4", "--max-tokens", "32", "--temperature", "0.8", "--seed", "7", "--connections", "4")
"""Drawn, not greedy: only the seed can make two runs give one text."""


@pytest.mark.long
@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs the extra: pip install 'liangxin[local]'")
def test_one_seed_drawn_twice_is_one_text(cli: Callable[..., Any], folder: Path) -> None:
    told = []
    for turn in ("first", "second"):
        place = ("--store", f"{turn}.db")
        done = cli(
            "run", "cvalues-safety", "--model", "gguf", *DRAWN, "--judge", "none", "--name", turn, *place
        )
        assert done.status == 0, done.err
        cli("export", turn, "--output", f"{turn}.jsonl", *place)
        lines = (folder / f"{turn}.jsonl").read_text(encoding="utf-8").splitlines()
        told.append({row["item"]: row["response"] for row in map(json.loads, lines)})
    assert len(told[0]) == 4
    assert all(told[0].values())
    assert told[0] == told[1]
