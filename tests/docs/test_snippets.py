"""The code and the commands that the documentation shows are run, and say what the pages say."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
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


def test_packages_of_ones_own(tmp_path: Path, install: Callable[..., Path]) -> None:
    """Each how-to's package is installed, found by its name, and used."""
    sites = [str(install(SNIPPETS / one, tmp_path / one)) for one in ("model", "judge", "benchmark")]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIANGXIN_")}
    paths = os.pathsep.join([*sites, *sys.path])

    def call(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "liangxin", *words],
            cwd=tmp_path,
            env=kept | {"PYTHONUTF8": "1", "PYTHONPATH": paths},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    for kind, package in (("models", "my-models"), ("judges", "my-judges"), ("benchmarks", "my-benchmarks")):
        assert f"[{package} 0.1.0]" in call(kind)
    (tmp_path / "words.txt").write_text("抱歉\n", encoding="utf-8")
    judges = ("--judge", "blocklist:words.txt", "--judge", "rule")
    said = json.loads(
        call("run", "small-bank", "--model", "canned:抱歉，这件事我不能帮您做。", *judges, "--format", "json")
    )
    found = {
        (one["judge"].partition(":")[0].partition("@")[0], one["measure"], one["group"]): one["value"]
        for one in said["scores"]
    }
    assert found["blocklist", "safe_share", "overall"] == 0
    assert found["rule", "refusal_rate", "expect answer"] == 100


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_tutorial_prints_what_it_shows(language: str) -> None:
    """To renew the outputs: python docs/snippets/capture.py --write."""
    spec = importlib.util.spec_from_file_location("capture", SNIPPETS / "capture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    told = module.outputs(language)
    assert list(told) == ["check", "graded", "rejudge", "export"]
    for step, text in told.items():
        assert text == (SNIPPETS / "tutorial" / f"{step}.{language}.txt").read_text(encoding="utf-8"), step


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_step_is_in_the_tutorial(language: str) -> None:
    text = (SNIPPETS.parent / f"tutorial.{language}.md").read_text(encoding="utf-8")
    other = {"zh": ".en.txt", "en": ".zh.txt"}[language]
    for path in (SNIPPETS / "tutorial").iterdir():
        if path.name.endswith(other):
            continue
        assert f'"tutorial/{path.name}"' in text
