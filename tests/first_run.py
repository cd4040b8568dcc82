"""A stranger's first minutes: clone HEAD into an empty folder and run both READMEs' commands there.

Usage: make first-run

Every ```sh block is taken, each distinct one once, in the order of README.md and then README.zh.md, in an
environment of its own. A comment before a block says what the block needs:

    <!-- first-run: skip (why) -->                 it is not run
    <!-- first-run: needs FILE FILE … -->          it is run where LIANGXIN_DATA has these files
    <!-- first-run: offline after make TARGET -->  TARGET is made first; then it is run with the network cut
    <!-- first-run: not in CI (why) -->            it is run unless the environment says CI
    <!-- first-run: serves URL -->                 it is run until the URL answers, and then interrupted

The READMEs' endpoint is played by the project's own test provider on loopback.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(?:<!-- first-run: (?P<note>[^>]*) -->\n)?```sh\n(?P<code>.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of commands and what its comment says."""

    code: str
    note: str


def blocks(text: str) -> list[Block]:
    """Every `sh` block of a README, in order."""
    return [Block(code=match["code"], note=(match["note"] or "").strip()) for match in BLOCK.finditer(text)]


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


CUT = ("unshare", "--map-root-user", "--net")
"""A network namespace of its own: nothing but an unconnected loopback."""


def cut(note: str, clone: Path, environment: dict[str, str]) -> tuple[str, ...]:
    """What to put before a block's shell: for an offline block, after its target, no network at all."""
    if not note.startswith("offline after "):
        return ()
    target = note.removeprefix("offline after ").split()
    subprocess.run(target, cwd=clone, env=environment, check=True)
    if subprocess.run([*CUT, "true"], check=False, capture_output=True).returncode:
        print("first-run: the network cannot be cut here; the block runs with it", flush=True)
        return ()
    print("first-run: with the network cut:", flush=True)
    return CUT


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


def main() -> None:
    """Clone, extract, run; ends with the first failing block's status."""
    with tempfile.TemporaryDirectory(prefix="liangxin-first-run-") as name, provider() as base_url:
        clone = Path(name) / "liangxin"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
        kept = {
            key: os.environ[key] for key in ("PATH", "LIANGXIN_DATA", "PIP_CACHE_DIR") if key in os.environ
        }
        environment = kept | {
            "HOME": name,
            "LANG": "C.UTF-8",
            "OPENAI_BASE_URL": base_url,
            "OPENAI_API_KEY": "sk-first-run",
        }
        texts = [(clone / readme).read_text(encoding="utf-8") for readme in ("README.md", "README.zh.md")]
        done: set[str] = set()
        for block in (block for text in texts for block in blocks(text)):
            if block.code in done or not needed(block.note, clone):
                continue
            done.add(block.code)
            prefix = cut(block.note, clone, environment)
            print(f"first-run: {block.code.strip()}", flush=True)
            started = time.monotonic()
            if block.note.startswith("serves "):
                status = serve(block.code, block.note.split()[1], clone, environment)
            else:
                shell = [*prefix, "bash", "-euo", "pipefail", "-c", block.code]
                status = subprocess.run(shell, cwd=clone, env=environment, check=False).returncode
            if status:
                sys.exit(f"first-run: the block above ended with {status}")
            print(f"first-run: ended well after {time.monotonic() - started:.0f} s", flush=True)
        reports = sorted(path.name for path in clone.rglob("*.html") if ".venv" not in path.parts)
        print(f"first-run: {len(done)} blocks ran; reports: {', '.join(reports)}")


if __name__ == "__main__":
    main()
