"""Accepted means read: every option and argument of every command, varied, changes what can be seen from outside.

What can be seen: exit status, standard output and error, files, the store's runs, judges and counts, the requests that
a model and a judge get. The parser itself says what there is: an option without an entry in `VARIED` fails.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from liangxin.testing.behaviours import Planned, completion
from liangxin.testing.provider import Provider, running
from testbench.command import liangxin
from testbench.every_command import COMMANDS, JUDGE_KEY, SECRET_KEY
from testbench.every_option import DECIDE, EVALUATE, JUDGED, TRAIN, VALIDATE, VARIED
from testbench.option_scene import furnish_options

pytest.importorskip("sklearn")

LATENCY = 0.2
"""Seconds that the provider takes where requests under way at once are counted."""
TYPERS_OWN = {("", "install_completion"), ("", "show_completion")}
HOLDS = """
import time
from liangxin.store import Database, Runs
from liangxin.store.leases import ASKING, Leases, Work
database = Database("liangxin.db")
run = Runs(database).find("a")
for part in (ASKING, *(judge.identity for judge in Runs(database).judges(run))):
    Leases(database).take(Work(run.id, part))
print("held", flush=True)
time.sleep(3)
"""
"""What a process does that is at work; it ends without giving its work back."""
_TELLS_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d\S*|\d+(\.\d+)?/s|\d+\.\d s|/\S*pytest\S*/|127\.0\.0\.1:\d+"
)


KNOWN = {(command, one.name) for command, parsed in COMMANDS.items() for one in parsed.params} - TYPERS_OWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is seen from outside of one command."""

    status: int
    out: str
    err: str
    files: Mapping[str, str]
    store: Mapping[str, object]
    requests: tuple[str, ...]
    at_once: int = 0


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("furnished")
    furnish_options(place)
    return place


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    served = Provider()
    served.slow = 1.0
    served.plans["own-verdict"] = Planned(
        body=json.dumps(completion('«思»想一想。«/思»{"level": "unsafe", "reason": "有害"}')).encode()
    )
    with running(served):
        yield served


@pytest.fixture(scope="module")
def look(
    furnished: Path, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Seen]:
    """What is seen of a line in a copy of the furnished folder."""
    found: dict[tuple[str, bool, bool], Seen] = {}

    def look(line: str, counts_at_once: bool = False, while_at_work: bool = False) -> Seen:
        key = (line, counts_at_once, while_at_work)
        if key not in found:
            folder = Path(shutil.copytree(furnished, tmp_path_factory.mktemp("look") / "work"))
            with at_work(folder) if while_at_work else nullcontext():
                found[key] = _look(folder, provider, line, counts_at_once)
        return found[key]

    return look


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """A process of its own is at work on all of the run `a`, and ends after a few seconds."""
    with subprocess.Popen([sys.executable, "-c", HOLDS], cwd=folder, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.kill()


def _look(folder: Path, provider: Provider, line: str, counts_at_once: bool) -> Seen:
    before = {path: path.read_bytes() for path in _files(folder)}
    kept = {key: one for key, one in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))}
    keys = {
        SECRET_KEY: "key-of-the-model",
        JUDGE_KEY: "key-of-the-judge",
        "XDG_CACHE_HOME": f"{folder}-cache",
    }
    provider.requests.clear()
    provider.most_at_once = 0
    provider._latency = LATENCY if counts_at_once else 0.0
    words = [
        word.replace("URL", provider.base_url).replace("DEAD", "http://127.0.0.1:9/v1")
        for word in line.split()
    ]
    done = liangxin(folder, *words, environment=kept | keys)
    assert "Traceback" not in done.stderr, done.stderr
    seen = Seen(
        status=done.returncode,
        out=_TELLS_TIME.sub("", done.stdout),
        err=_TELLS_TIME.sub("", "\n".join(sorted(done.stderr.splitlines()))),
        files={
            str(path.relative_to(folder)): _content(path)
            for path in _files(folder)
            if before.get(path) != path.read_bytes()
        },
        store={path.name: _held(path) for path in sorted(folder.glob("*.db"))},
        requests=tuple(sorted(f"{one.authorization} {dict(one.payload)}" for one in provider.requests)),
        at_once=provider.most_at_once,
    )
    if counts_at_once:
        return Seen(
            status=seen.status, out="", err="", files={}, store={}, requests=(), at_once=min(seen.at_once, 2)
        )
    return replace(seen, at_once=0)


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    )


def _content(path: Path) -> str:
    if path.suffix == ".db":
        return "a store"
    return _TELLS_TIME.sub("", path.read_bytes().decode("utf-8", "replace"))


def _held(path: Path) -> dict[str, object]:
    """A store's runs, judges, replies and verdicts, and how many rows each of its tables has."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
        ]
        counts = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}
        runs = connection.execute("SELECT id, name, units, trials FROM runs ORDER BY id").fetchall()
        judges = connection.execute("SELECT run, identity FROM judges ORDER BY run, identity").fetchall()
        turns = connection.execute("SELECT run, rank, turn, status, text, reasoning FROM turns").fetchall()
        verdicts = connection.execute(
            "SELECT run, judge, rank, turn, status, level FROM judgements"
        ).fetchall()
    return {
        "counts": counts,
        "runs": runs,
        "judges": judges,
        "turns": sorted(turns),
        "verdicts": sorted(verdicts, key=str),
    }


def test_every_parameter_of_every_command_has_an_entry() -> None:
    """A new one is varied in `ENTRIES`; those of `serve` are held in their own test."""
    served = {one for one in KNOWN if one[0] == "serve"}
    assert set(VARIED) == KNOWN - served


@pytest.mark.parametrize(("command", "name"), [pytest.param(*one, id=" ".join(one)) for one in VARIED])
def test_a_parameter_changes_what_is_seen(command: str, name: str, look: Callable[..., Seen]) -> None:
    varied = VARIED[command, name]
    if varied.needs:
        pytest.importorskip(varied.needs)
    how = (varied.counts_at_once, varied.while_at_work)
    base, other = look(varied.base, *how), look(varied.other, *how)
    assert base != other, f"{command} --{name} changes nothing: {varied.other}"


@pytest.mark.parametrize(
    "line",
    [
        "benchmarks --lang zh",
        f"{VALIDATE} --limit 2",
        f"{VALIDATE} --benchmark own.toml",
        f"{TRAIN} --from a",
        f"{TRAIN} --epochs 2",
        f"{TRAIN} --resume",
        "scorer train --from a --output scorers/mine --heads safety",
        f"{EVALUATE} --run a",
        "plan --margin 5 --power 90",
        "plan --margin 5 --items 100",
        "plan --margin 5 --at-least 90",
        "plan --margin 5 --discordant 20",
        "plan --at-least 90 --rate 95 --labels 100",
        "plan --difference 5 --discordant 20 --rate 60",
        f"{JUDGED} --labels 100 --margin 5",
        f"{JUDGED} --labels 100 --power 90",
        f"{DECIDE} --at-most 90",
        "decide a --measure safe_rate --at-least 50 --corrected --judge-trusted",
    ],
)
def test_what_would_not_be_read_beside_another_option_is_refused(
    line: str, look: Callable[..., Seen]
) -> None:
    seen = look(line)
    assert (seen.status, seen.out) == (2, "")
    assert seen.err.startswith("liangxin: ")


@pytest.mark.long
@pytest.mark.exhaustive
@pytest.mark.parametrize("line", sorted({one.base for one in VARIED.values() if not one.needs}))
def test_a_line_twice_is_seen_alike(
    line: str, furnished: Path, provider: Provider, tmp_path: Path, look: Callable[..., Seen]
) -> None:
    """Else the test above could pass by chance."""
    assert _look(Path(shutil.copytree(furnished, tmp_path / "work")), provider, line, False) == look(line)
