"""The code and the commands that the documentation shows are run, and say what the pages say."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

SNIPPETS = Path(__file__).parents[2] / "docs" / "snippets"


def run(script: str, folder: Path) -> str:
    """What a snippet prints, run beside the others of its folder in an empty one."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIANGXIN_")}
    for path in (SNIPPETS / script).parent.glob("*.py"):
        shutil.copy(path, folder)
    done = subprocess.run(
        [sys.executable, "-W", "error", Path(script).name],
        cwd=folder,
        env=kept | {"PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_judge_of_ones_own(tmp_path: Path) -> None:
    told = run("judge/use_blocklist.py", tmp_path)
    assert "('blocklist:words.txt@" in told
    assert "shape: (1, 4)" in told
    assert "null" not in told


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    told = run("model/use_canned.py", tmp_path)
    assert "│ 100.0 ┆" in told


def test_the_tutorial_prints_what_it_shows() -> None:
    """To renew the outputs: python docs/snippets/capture.py --write."""
    spec = importlib.util.spec_from_file_location("capture", SNIPPETS / "capture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    told = module.outputs()
    assert list(told) == ["check", "graded", "rejudge", "export"]
    for step, text in told.items():
        assert text == (SNIPPETS / "tutorial" / f"{step}.txt").read_text(encoding="utf-8"), step


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_step_is_in_the_tutorial(language: str) -> None:
    text = (SNIPPETS.parent / f"tutorial.{language}.md").read_text(encoding="utf-8")
    for path in (SNIPPETS / "tutorial").iterdir():
        assert f'"tutorial/{path.name}"' in text
