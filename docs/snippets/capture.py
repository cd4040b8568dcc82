"""Run the tutorial's commands in an empty folder; print or renew what they say.

Usage: python docs/snippets/capture.py [--write]

The commands (*.sh) and what they printed in each language (*.zh.txt, *.en.txt) stand beside this file, in `tutorial`; a
test compares them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TUTORIAL = Path(__file__).absolute().parent / "tutorial"
STEPS = ("check", "graded", "rejudge", "export")
_CREATED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


def outputs(language: str) -> dict[str, str]:
    """What each step prints on standard output, in order, with the date of runs left out."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LIANGXIN_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUTF8": "1",
        "LANGUAGE": language,
        "COLUMNS": "100",
    }
    told = {}
    with tempfile.TemporaryDirectory() as name:
        for path in TUTORIAL.glob("*.jsonl"):
            shutil.copy(path, name)
        for step in STEPS:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", str(TUTORIAL / f"{step}.sh")],
                cwd=name,
                env=environment,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            if done.returncode:
                raise SystemExit(f"{step}: exit status {done.returncode}: {done.stderr}")
            lines = (line.rstrip() for line in done.stdout.splitlines())
            told[step] = _CREATED.sub("2026-11-23 09:00", "\n".join(lines)) + "\n"
    return told


def main() -> None:
    """Print, or write with --write."""
    for language in ("zh", "en"):
        for step, text in outputs(language).items():
            if "--write" in sys.argv[1:]:
                (TUTORIAL / f"{step}.{language}.txt").write_text(text, encoding="utf-8")
            else:
                print(f"== {step}, {language}\n{text}")


if __name__ == "__main__":
    main()
