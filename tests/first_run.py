"""A stranger's first minutes: clone HEAD into an empty folder and run both READMEs' commands there.

Usage: make first-run

Every ```sh block is taken, each distinct one once, in the order of README.md and then README.zh.md, in an
environment of its own. What the comment before a block means is said in
`testbench.readme`.

The READMEs' endpoint is played by the project's own test provider on loopback.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from testbench.readme import blocks, needed, provider, serve

ROOT = Path(__file__).parent.parent
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
