"""Two commands that begin at one moment on a store that is not there yet, or that an older release made."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from testbench import postgres

KINDS = {"new_file", "old_file", "new_schema", "old_schema"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "count", [pytest.param(3, id="a few"), pytest.param(12, id="a dozen", marks=pytest.mark.long)]
)
def test_pairs_of_commands_at_once_end_well(count: int, tmp_path: Path) -> None:
    if postgres.programs() is None:
        pytest.skip("no PostgreSQL server programs under /usr/lib/postgresql")
    command = [sys.executable, "-m", "testbench.pairs", str(count)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^(\w+): (\d+) pairs, 0 errors$", done.stdout, re.M)
    assert dict(found) == dict.fromkeys(KINDS, str(count))
