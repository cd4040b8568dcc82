"""The command line as a user runs it: a process of its own, in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.out)
        return value

    def score(self, measure: str, group: str = "overall") -> dict[str, Any]:
        (found,) = [one for one in self.json["scores"] if (one["measure"], one["group"]) == (measure, group)]
        value: dict[str, Any] = found
        return value


Cli = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def cli(folder: Path) -> Cli:
    def call(*words: str, **environment: str) -> Done:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))
        }
        done = subprocess.run(
            [sys.executable, "-m", "liangxin", *words],
            cwd=folder,
            env=kept | {"PYTHONIOENCODING": "utf-8"} | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(status=done.returncode, out=done.stdout, err=done.stderr)

    return call


@pytest.fixture
def write(folder: Path) -> Callable[[str, Sequence[dict[str, Any]]], str]:
    def rows(name: str, values: Sequence[dict[str, Any]]) -> str:
        lines = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
        (folder / name).write_text(lines, encoding="utf-8")
        return name

    return rows
