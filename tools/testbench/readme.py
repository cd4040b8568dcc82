"""The commands that the READMEs show: their blocks, what each needs, and the endpoint that they speak to.

Every ```sh block is one. A comment before it says what it needs:

    <!-- first-run: skip (why) -->                 it is not run
    <!-- first-run: needs FILE FILE … -->          it is run where LIANGXIN_DATA has these files
    <!-- first-run: offline after make TARGET -->  TARGET is made first; then it is run with the network cut
    <!-- first-run: not in CI (why) -->            it is run unless the environment says CI
    <!-- first-run: serves URL -->                 it is run until the URL answers, and then interrupted
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"(?:<!-- first-run: (?P<note>[^>]*) -->\n)?```sh\n(?P<code>.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBlock:
    """One block of commands and what its comment says."""

    code: str
    note: str


def blocks(text: str) -> list[CommandBlock]:
    """Every `sh` block of a README, in order."""
    return [
        CommandBlock(code=match["code"], note=(match["note"] or "").strip()) for match in BLOCK.finditer(text)
    ]


@contextmanager
def provider() -> Iterator[str]:
    """The test provider on loopback; yields its base URL."""
    command = [sys.executable, "-m", "liangxin.testing.provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def needed(note: str, clone: Path) -> bool:
    """Whether a block can be run; files it needs are laid into the clone."""
    if note.startswith("skip") or (note.startswith("not in CI") and os.environ.get("CI")):
        return False
    if note.startswith("needs"):
        data = os.environ.get("LIANGXIN_DATA")
        for name in note.split()[1:]:
            found = sorted(Path(data).rglob(name)) if data else []
            if not found:
                print(f"first-run: passed over, {name} is not at hand (set LIANGXIN_DATA)", flush=True)
                return False
            shutil.copy(found[0], clone / name)
    return True


def serve(code: str, url: str, clone: Path, environment: dict[str, str]) -> int:
    """Run a block that serves until its URL answers, interrupt it as Ctrl-C would; gives its exit status."""
    shell = ["bash", "-euo", "pipefail", "-c", code]
    with subprocess.Popen(shell, cwd=clone, env=environment, start_new_session=True) as process:
        until = time.monotonic() + 300
        answered = False
        while not answered and process.poll() is None and time.monotonic() < until:
            time.sleep(0.5)
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as page:
                answered = page.status == 200
        print(f"first-run: {url} {'answers' if answered else 'does not answer'}", flush=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        ended = process.wait(30)
    # A shell that was interrupted with its command says 130 whatever the command said.
    return 0 if answered and ended in (0, 130, -signal.SIGINT) else 1
