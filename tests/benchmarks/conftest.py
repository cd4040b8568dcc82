"""Rows of the embedded samples and of the public files, read with plain json."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from liangxin.benchmarks import BENCHMARKS, sample_path
from liangxin.records import Item, Row


def _rows(path: Path) -> list[Row]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        Row(file=path.name, number=number, values=json.loads(line))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


@pytest.fixture
def sample_rows() -> Callable[[str], list[Row]]:
    """The rows of a benchmark's embedded sample."""
    return lambda name: _rows(sample_path(BENCHMARKS.get(name)))


@pytest.fixture
def sample_items(sample_rows: Callable[[str], list[Row]]) -> Callable[[str], list[Item]]:
    """The items of a benchmark's embedded sample."""
    return lambda name: [item for row in sample_rows(name) for item in BENCHMARKS.get(name).read(row)]


@pytest.fixture
def public_rows() -> Callable[[str], list[Row]]:
    """The rows of a public file below LIANGXIN_DATA; skips where the folder is not given."""
    folder = os.environ.get("LIANGXIN_DATA")
    if not folder:
        pytest.skip("LIANGXIN_DATA is not set: the public files are not here")

    def read(path: str) -> list[Row]:
        return _rows(Path(folder) / path)

    return read
