"""The command line as a user's shell calls it: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def liangxin(folder: Path, *words: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; what it says is read as UTF-8, whatever the locale; it may take `seconds`."""
    return subprocess.run(
        [sys.executable, "-m", "liangxin", *words],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=seconds,
    )
