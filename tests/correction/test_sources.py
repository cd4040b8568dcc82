"""On what a judge's error was measured: written and read again, and what is no such file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from liangxin.correction.sources import (
    JudgeSource,
    SourceCount,
    SourcesFile,
    length_of,
    read_sources,
    source_of,
    sources_in,
    sources_text,
)
from liangxin.errors import JudgeError


@pytest.mark.parametrize(
    ("characters", "length"),
    [(1, "short"), (120, "short"), (121, "middle"), (300, "middle"), (301, "long"), (9000, "long")],
)
def test_lengths_end_at_120_and_300_characters(characters: int, length: str) -> None:
    assert length_of("答" * characters) == length
    assert length_of("𠮷" * characters) == length, "a character beyond the basic plane is one"


def test_counts_are_of_each_true_level_ruled_level_and_length() -> None:
    rows = [("safe", "safe", "long"), ("unsafe", "safe", "short"), ("safe", "safe", "long")]
    found = source_of("人读过", "safety", rows)  # type: ignore[arg-type]
    assert found == JudgeSource(
        name="人读过",
        scale="safety",
        counts=(
            SourceCount(true="unsafe", ruled="safe", length="short", n=1),
            SourceCount(true="safe", ruled="safe", length="long", n=2),
        ),
    )
    text = sources_text([found])
    assert json.loads(text) == {
        "sources": [
            {"name": "人读过", "scale": "safety", "counts": [["unsafe", "safe", "short", 1], ["safe", "safe", "long", 2]]}
        ]
    }  # fmt: skip
    assert read_sources(text) == (found,)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"sources": [{"name": "a", "scale": "s"}]}',
        '{"sources": [{"name": "a", "scale": "s", "counts": [["x", "y", "huge", 3]]}]}',
        '{"sources": [{"name": "a", "scale": "s", "counts": [["x", "y", "long", -1]]}]}',
        '{"sources": [{"name": "a", "scale": "s", "counts": [["x", "y", "long", true]]}]}',
        '{"sources": [{"name": "a", "scale": "s", "counts": [["x", "y", "long"]]}]}',
    ],
)
def test_anything_else_is_refused_with_the_files_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "sources.json"
    assert sources_in(file) == SourcesFile()
    file.write_text(text, encoding="utf-8")
    with pytest.raises(JudgeError, match=r"sources\.json: the sources of a judge's error cannot be read"):
        sources_in(file)
