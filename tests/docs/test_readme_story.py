"""The READMEs as one story: every block of commands, top to bottom, in one folder, with real exit statuses.

`make first-run` does the same in an environment that it installs; here the tests' own stands in its place, and the
endpoint is the project's test provider. What is not run says why, in the README itself.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from testbench.readme import CommandBlock, blocks, needed, provider, serve

pytestmark = [pytest.mark.long, pytest.mark.exhaustive]

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh.md")
STAMPS = ("installed", "installed-test", "installed-web", "installed-local")
"""What `make` leaves where it has installed something."""
NOT_HERE = {
    "make test": "not in CI (which calls it itself)",
    "export OPENAI_BASE_URL": "skip (it has an endpoint of its own)",
    "liangxin scores first-flames --judge people:PROJECT": "skip (it needs people)",
}


def told(readme: str) -> list[CommandBlock]:
    return blocks((ROOT / readme).read_text(encoding="utf-8"))


def test_both_languages_tell_the_same_story() -> None:
    english, chinese = map(told, READMES)
    assert english == chinese
    assert len(english) >= 8


def test_what_is_not_run_says_why() -> None:
    """Every fence is one of ours, and each that is passed over has its reason in brackets."""
    for readme in READMES:
        text = (ROOT / readme).read_text(encoding="utf-8")
        assert len(re.findall("^```", text, re.MULTILINE)) == 2 * len(told(readme))
        for block in told(readme):
            if block.note.startswith(("skip", "not in CI")):
                assert re.search(r"\(.+\)$", block.note), block
                assert any(
                    block.code.startswith(code) and block.note == why for code, why in NOT_HERE.items()
                )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The tracked files as they are now, and an environment that `make` takes for installed."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not in a checkout: there is nothing to clone")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "activate").write_text('export PATH="$PWD/.venv/bin:$PATH"\n', encoding="utf-8")
    for name, words in (("python", ""), ("liangxin", "-m liangxin")):
        (binaries / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        (binaries / name).chmod(0o755)
    now = time.time()
    for place, name in enumerate(STAMPS):
        (binaries.parent / name).touch()
        os.utime(binaries.parent / name, (now + place, now + place))
    return tmp_path


def free(url: str) -> bool:
    """Whether nobody else serves there."""
    at = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((at.hostname or "", at.port or 80)) != 0


def run(block: CommandBlock, clone: Path, environment: Mapping[str, str]) -> int | None:
    """The exit status of a block; None where it cannot be run here, with the reason printed."""
    if block.code.startswith("make test\n"):
        print("passed over: make test: it is what runs this")
        return None
    if not needed(block.note, clone):
        print(f"passed over: {block.note}")
        return None
    if block.note.startswith("serves "):
        url = block.note.split()[1]
        if not free(url):
            print(f"passed over: somebody else serves {url} on this machine")
            return None
        return serve(block.code, url, clone, dict(environment))
    shell = ["bash", "-euo", "pipefail", "-c", block.code]
    done = subprocess.run(shell, cwd=clone, env=environment, check=False, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    return done.returncode


def test_the_story_from_top_to_bottom(clone: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "LIANGXIN_DATA") if name in os.environ}
    with provider() as base_url:
        environment = {
            **kept,
            "HOME": str(clone),
            "LANG": "C.UTF-8",
            "PYTHONPATH": f"{clone / 'src'}{os.pathsep}{clone / 'tools'}",
            "OPENAI_BASE_URL": base_url,
            "OPENAI_API_KEY": "sk-story",
        }
        ended = {block.code: run(block, clone, environment) for block in told(READMES[0])}
    assert {code: status for code, status in ended.items() if status not in (0, None)} == {}
    assert sum(status == 0 for status in ended.values()) >= 3
    for made in ("first.html", "read.csv", "demo/report.html", "demo/recorded.html"):
        assert (clone / made).stat().st_size > 0
