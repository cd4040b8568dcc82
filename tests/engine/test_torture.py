"""A minute of torture: whatever befalls the store or a second command does, nothing is lost or asked twice beyond the bound."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TORTURE = Path(__file__).parents[2] / "perf" / "torture.py"


@pytest.mark.slow
@pytest.mark.long
def test_a_minute_of_torture() -> None:
    command = [sys.executable, str(TORTURE), "--seconds", "60", "--items", "400", "--seed", "20261130"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    account = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert account["lost_beyond_the_bound"] == account["asked_twice_beyond_the_bound"] == 0
    assert account["requests_made"] == account["stored"] + account["asked_again_within_the_bound"]
    assert account["stored"] >= 1600, "a run at least was carried to its end"
    befell = {"SIGKILL", "SIGTERM", "locked", "full", "limited", "cut", "restarted"} & account[
        "events"
    ].keys()
    assert len(befell) >= 2
    assert account["events"]["taken over"] >= 1
    assert account["events"]["waited for another"] >= 1
