"""The demo's files say that they are examples, and belong to the answers they grade; its first part runs in seconds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "demo"
MODELS = "abc"


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("model", MODELS)
def test_every_grade_belongs_to_its_answer_and_says_what_it_is(model: str) -> None:
    answers = {row["id"]: row["response"] for row in rows(f"model-{model}.jsonl")}
    grades = rows(f"grades-{model}.jsonl")
    assert {row["id"] for row in grades} == answers.keys()
    for row in grades:
        assert row["response_sha256"] == hashlib.sha256(answers[row["id"]].encode()).hexdigest()
        assert "虚构" in row["note"]


def test_every_label_says_that_it_is_no_persons() -> None:
    labels = rows("labels.jsonl")
    assert {row["annotator"] for row in labels} == {"示例一", "示例二"}
    assert {row["note"] for row in labels} == {"演示标注，虚构，不是人的判断"}
    answers = {row["id"]: row["response"] for row in rows("model-b.jsonl")}
    assert all(answers[row["id"]] == row["response"] for row in labels)


@pytest.mark.long
def test_the_demo_ends_in_a_headline_for_every_benchmark(tmp_path: Path) -> None:
    if find_spec("xllamacpp") is not None:
        pytest.skip("with the local model, `make first-run` runs it")
    shutil.copytree(DEMO, tmp_path / "examples" / "demo")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LIANGXIN_", "OPENAI_"))}
    for _ in range(2):  # the second time says the same as the first
        done = subprocess.run(
            [sys.executable, "examples/demo/demo.py"],
            cwd=tmp_path,
            env=kept | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        shown, live = done.stdout.split("二、现问现评")
        assert "30 个示例标注" in shown
        ranks = re.findall(r"^([0-9-]+) +replay:examples/demo/model-([abc])\.jsonl", shown, re.MULTILINE)
        assert ranks == [("1", "a"), ("2", "b"), ("3", "c")]
        assert "flipped items (8)" in shown
        assert re.search(r"overall +[0-9.]+ +[0-9.]+ +\[[0-9., ]+\] +stratified +15", shown)
        assert shown.count("looks: 1") == 2
        assert "verdict: meets" in shown
        headlines = re.findall(r"^headline: .*judge (\w+)@", live, re.MULTILINE)
        assert headlines == ["scorer"] * 4 + ["choice"]
        for name in ("recorded.html", "report.html"):
            assert "样例·非成绩" in (tmp_path / "demo" / name).read_text(encoding="utf-8")
