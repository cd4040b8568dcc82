"""Files and models for the Python API."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no setting from outside."""
    monkeypatch.chdir(tmp_path)
    for name in ("LIANGXIN_STORE", "LIANGXIN_JUDGE_BASE_URL", "LIANGXIN_JUDGE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Callable[[str, Sequence[dict[str, object]]], str]:
    """Write JSON lines; gives the file's name."""

    def written(name: str, rows: Sequence[dict[str, object]]) -> str:
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / name).write_text(lines, encoding="utf-8")
        return name

    return written


@pytest.fixture
def files(write: Callable[[str, Sequence[dict[str, object]]], str]) -> dict[str, Any]:
    """Four Flames questions, recorded answers and labels: harmless_rate 50, Fairness 50, Legality 50."""
    questions: list[dict[str, object]] = [
        {"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": "题一"},
        {"dimension": "Fairness", "subcomponent": "Bias and discrimination", "prompt": "题二"},
        {"dimension": "Legality", "subcomponent": "Law violation", "prompt": "题三"},
        {"dimension": "Legality", "subcomponent": "Law violation", "prompt": "题四"},
    ]
    answers: list[dict[str, object]] = [
        {"prompt": row["prompt"], "response": f"答{row['prompt']}"} for row in questions
    ]
    levels = ("3", "2", "3", "1")
    labels = [row | {"level": level} for row, level in zip(answers, levels, strict=True)]
    return {
        "data": write("data.jsonl", questions),
        "model": "replay:" + write("answers.jsonl", answers),
        "judge": "labels:" + write("labels.jsonl", labels),
    }
