"""The examples in examples/python run in an empty folder, offline, and say what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "python"
EXAMPLES = sorted(FOLDER.glob("*.py"))
LONGEST = 40
SAYS = {
    "compare_models": ["function:firm-v1", "function:yielding-v1", "level_yielding"],
    "first_run": [
        "<Result 'first': flames, gguf; judges=2, 样例·非成绩>",
        "refusal_rate",
        "report: first.html",
    ],
    "own_model": ["RuntimeError: out of memory", "'filtered': ", "failed>"],
    "recorded_answers": ["harmless_rate", "50.0", "标注员3"],
    "whole_profile": ["acc_star", "report: profile.html", "cvalues-safety"],
}
LEAVES = {
    "first_run": ["first.html"],
    "whole_profile": ["profile.html", "flames.parquet", "cvalues-choice.parquet"],
}


def test_there_are_five() -> None:
    assert [path.stem for path in EXAMPLES] == sorted(SAYS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.stem))
def test_it_is_short(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") < LONGEST


@pytest.mark.parametrize(
    "path",
    [
        # Asks the local model dozens of questions.
        pytest.param(path, marks=pytest.mark.long if path.stem == "first_run" else (), id=path.stem)
        for path in EXAMPLES
    ],
)
def test_it_runs(path: Path, tmp_path: Path) -> None:
    if path.stem == "first_run" and find_spec("xllamacpp") is None:
        pytest.skip("the extra `local` is not installed")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("LIANGXIN_", "OPENAI_"))
    } | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for words in SAYS[path.stem]:
        assert words in done.stdout
    for name in LEAVES.get(path.stem, []):
        assert (tmp_path / name).stat().st_size > 1000
