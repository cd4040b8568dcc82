"""The command line as a user runs it, in an empty folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from testbench.command import liangxin, process


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


def caller(folder: Path, run: Callable[..., CompletedProcess[str]]) -> Cli:
    """Calls commands in the folder with no setting from outside; the keywords are environment variables."""

    def call(*words: str, **environment: str) -> Done:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))
        }
        done = run(folder, *words, environment=kept | environment)
        assert "Traceback" not in done.stderr, done.stderr
        return Done(status=done.returncode, out=done.stdout, err=done.stderr)

    return call


@pytest.fixture
def cli(folder: Path) -> Cli:
    """Commands inside this process."""
    return caller(folder, liangxin)


@pytest.fixture
def shell(folder: Path) -> Cli:
    """Commands as processes of their own, where the process itself is looked at."""
    return caller(folder, process)


@pytest.fixture
def write(folder: Path) -> Callable[[str, Sequence[dict[str, Any]]], str]:
    def rows(name: str, values: Sequence[dict[str, Any]]) -> str:
        lines = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
        (folder / name).write_text(lines, encoding="utf-8")
        return name

    return rows
