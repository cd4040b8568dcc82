"""Standard output or error that is gone: the right exit status, the work done and stored, never a traceback."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liangxin.engine.progress import Progress
from liangxin.store import Database, Runs, dialogues
from liangxin.testing.provider import Provider, running
from liangxin.text import remark
from testbench.command import Done
from testbench.every_command import COMMANDS, LINES, furnish
from testbench.site import free_port

FULL = Path("/dev/full")
LOST = "liangxin: standard output cannot be written"

needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("furnished")
    furnish(place)
    return place


@pytest.fixture
def fresh(furnished: Path, tmp_path: Path) -> Callable[[], Path]:
    """A new copy of the furnished folder each time."""
    numbers = itertools.count()
    return lambda: Path(shutil.copytree(furnished, tmp_path / f"work-{next(numbers)}"))


@pytest.fixture(scope="module")
def whole(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Done]:
    """A command's line with both its outputs, run once."""
    place = tmp_path_factory.mktemp("whole")

    @functools.cache
    def run(command: str) -> Done:
        return in_shell(
            Path(shutil.copytree(furnished, place / f"of {command}")), f"liangxin {LINES[command]}"
        )

    return run


def in_shell(folder: Path, script: str, **environment: str) -> Done:
    """A script of bash in the folder, in which `liangxin` is the command; its own output and error are caught."""
    kept = {key: one for key, one in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))}
    return subprocess.run(
        ["bash", "-c", f'liangxin() {{ "{sys.executable}" -m liangxin "$@"; }}\n{script}'],
        cwd=folder,
        env={**kept, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=300,
    )


def never_a_traceback(done: Done) -> None:
    said = done.stdout + done.stderr
    for word in ("Traceback", "Exception ignored", "BrokenPipeError", "lost sys.stderr", "AttributeError"):
        assert word not in said, said


# How an output is gone, and the script that shows it: {} is the command's line. A reader that has gone is a pipe
# whose other end is closed before the command begins.
GONE = {
    "closed": ("liangxin {} >&-", "liangxin {} 2>&-"),
    "full": ("liangxin {} >/dev/full", "liangxin {} 2>/dev/full"),
    "unread": (
        "exec 3> >(:); sleep 0.2; liangxin {} >&3",
        "exec 3> >(:); sleep 0.2; liangxin {} 2>&3",
    ),
}
TOLD = {"closed": True, "full": True, "unread": False}
"""Whether the user hears of it: `| head` is no trouble."""


def test_every_command_has_a_line() -> None:
    assert set(LINES) == set(COMMANDS)


@pytest.mark.long
@pytest.mark.parametrize(
    "how", [pytest.param(name, marks=needs_full if name == "full" else ()) for name in GONE]
)
@pytest.mark.parametrize("command", [name for name in LINES if name != "serve"])
def test_every_command_without_its_output(
    command: str, how: str, fresh: Callable[[], Path], whole: Callable[[str], Done]
) -> None:
    out_gone, err_gone = GONE[how]
    seen = whole(command)
    assert seen.returncode == 0, seen.stderr
    prints = bool(seen.stdout)
    assert prints is (command != "export")
    done = in_shell(fresh(), out_gone.format(LINES[command]))
    never_a_traceback(done)
    assert done.returncode == (1 if prints else 0)
    assert (LOST in done.stderr) is (prints and TOLD[how])
    done = in_shell(fresh(), err_gone.format(LINES[command]))
    never_a_traceback(done)
    assert (done.returncode, done.stdout) == (0, seen.stdout)


@pytest.mark.parametrize(
    "how", [pytest.param(name, marks=needs_full if name == "full" else ()) for name in GONE]
)
def test_a_run_without_its_output_is_stored_and_ends_in_1(how: str, fresh: Callable[[], Path]) -> None:
    place = fresh()
    done = in_shell(place, GONE[how][0].format(LINES["run"] + " --format json"))
    never_a_traceback(done)
    assert done.returncode == 1
    assert (LOST in done.stderr) is TOLD[how]
    (found,) = [one for one in stored(place) if one["name"] == "new"]
    assert (found["replies"], found["verdicts"]) == (8, 16)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("run own.toml --model replay:own-c.jsonl --name some --judge none", 0),
        ("run own.toml --model replay:some.jsonl --name some --judge rule", 3),
        ("scores nobody", 1),
        ("nothing", 2),
    ],
)
def test_without_standard_error_the_status_is_what_it_would_be(
    line: str, status: int, fresh: Callable[[], Path]
) -> None:
    place = fresh()
    (place / "some.jsonl").write_text('{"id": "i1", "response": "好"}\n', encoding="utf-8")
    whole = in_shell(place, f"liangxin {line}")
    assert whole.returncode == status, whole.stderr
    for gone in ("2>&-", "2>/dev/full" if FULL.exists() else "2> >(:)"):
        done = in_shell(place, f"liangxin {line} {gone}")
        never_a_traceback(done)
        assert (done.returncode, done.stdout) == (status, whole.stdout)


def test_a_reader_that_has_had_enough_does_not_stop_the_second_benchmark(fresh: Callable[[], Path]) -> None:
    place = fresh()
    (place / "model.jsonl").write_text('{"match": "", "text": "好的，先商量。"}\n', encoding="utf-8")
    words = "run own.toml flames --model scripted:model.jsonl --judge rule --name two --format json"
    done = in_shell(place, f"set -o pipefail; liangxin {words} | head -1")
    never_a_traceback(done)
    assert json.loads(done.stdout)["benchmark"] == "own"
    assert done.returncode in (0, 1), "1 unless the last line was written before head had gone"
    names = {one["name"]: one["verdicts"] for one in stored(place)}
    assert (names["two-own"], names["two-flames"]) == (8, 64)


def test_a_log_whose_reader_goes_in_the_middle_stops_nothing(
    fresh: Callable[[], Path], slow: Provider
) -> None:
    place = fresh()
    with started(place, "--base-url", slow.base_url, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"run " in process.stderr.readline()
        process.stderr.close()
        out = process.stdout.read() if process.stdout else b""
        assert process.wait(60) == 0
    assert json.loads(out)["replies"] == {"ok": 8}


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_a_terminal_that_goes_in_the_middle_of_the_bar_stops_nothing(
    fresh: Callable[[], Path], slow: Provider
) -> None:
    place = fresh()
    ours, theirs = os.openpty()
    with started(place, "--base-url", slow.base_url, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while b"/8" not in seen:
            seen += os.read(ours, 4096)
        os.close(ours)
        out = process.stdout.read() if process.stdout else b""
        assert process.wait(60) == 0
    assert json.loads(out)["replies"] == {"ok": 8}
    (found,) = [one for one in stored(place) if one["name"] == "slow"]
    assert (found["replies"], found["verdicts"]) == (8, 8)


def test_an_interrupt_without_standard_error_keeps_what_was_answered(
    fresh: Callable[[], Path], slow: Provider
) -> None:
    place = fresh()
    with started(place, "--base-url", slow.base_url, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
        while not slow.requests:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    (found,) = [one for one in stored(place) if one["name"] == "slow"]
    assert 1 <= found["replies"] < 8


def test_a_file_that_a_command_writes_never_gets_the_place_of_a_closed_stream(
    fresh: Callable[[], Path],
) -> None:
    """A store opened as number 2 would be written to by whatever speaks on standard error."""
    place = fresh()
    assert in_shell(place, "liangxin export a --output rows.jsonl").returncode == 0
    done = in_shell(place, "liangxin export a --output blind.jsonl <&- >&- 2>&-; echo $?")
    assert done.stdout == "0\n"
    assert (place / "blind.jsonl").read_bytes() == (place / "rows.jsonl").read_bytes()
    done = in_shell(
        place, f"PYTHONDEVMODE=1 PYTHONWARNINGS=always liangxin {LINES['run']} <&- >&- 2>&-; echo $?"
    )
    assert done.stdout == "1\n"
    assert (place / "liangxin.db").read_bytes()[:16] == b"SQLite format 3\0"
    assert in_shell(place, "liangxin scores new").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of a chosen size")
def test_a_pipe_that_is_full_for_a_moment_is_waited_for(fresh: Callable[[], Path]) -> None:
    """Another program may have made it non-blocking."""
    import fcntl

    place = fresh()
    whole = in_shell(place, "liangxin scorer show").stdout
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write, False)
    with subprocess.Popen(
        [sys.executable, "-m", "liangxin", "scorer", "show"], cwd=place, stdout=write, stderr=subprocess.PIPE
    ) as process:
        os.close(write)
        said = b""
        while piece := os.read(read, 1000):
            said += piece
            time.sleep(0.002)
        os.close(read)
        assert process.wait(60) == 0, process.stderr.read() if process.stderr else b""
    assert len(whole) > 4096
    assert said.decode() == whole


def test_a_site_whose_streams_are_gone_serves(fresh: Callable[[], Path]) -> None:
    place, port = fresh(), free_port()
    script = f'exec "{sys.executable}" -m liangxin serve --port {port} <&- >&- 2>&-'
    with subprocess.Popen(["bash", "-c", script], cwd=place) as process:
        until = time.monotonic() + 30
        answered = b""
        while not answered and time.monotonic() < until:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/runs", timeout=5) as page,
            ):
                answered = page.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert b"</html>" in answered


def test_python_calls_go_on_without_standard_error() -> None:
    with Path("/dev/full" if FULL.exists() else os.devnull).open("w", encoding="utf-8") as full:
        progress = Progress(full, "asked", 1)
        progress.advance()
        progress.finish()
        remark(full, "nobody hears this\n")
        with contextlib.suppress(OSError):
            full.close()
    remark(full, "nor this\n")
    Progress(full, "asked", 1).finish()
    remark(None, "nor this\n")


@pytest.fixture
def slow() -> Iterator[Provider]:
    with running(Provider(latency=0.3)) as served:
        yield served


@contextlib.contextmanager
def started(folder: Path, *more: str, stderr: int) -> Iterator[subprocess.Popen[bytes]]:
    """A run that asks one question after the other."""
    words = [
        "run",
        "own.toml",
        "--model",
        "openai:m",
        "--judge",
        "rule",
        "--connections",
        "1",
        "--name",
        "slow",
        "--format",
        "json",
    ]
    kept = {key: one for key, one in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))}
    command = [sys.executable, "-m", "liangxin", *words, *more]
    with subprocess.Popen(command, cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=stderr) as process:
        yield process


def stored(folder: Path) -> list[dict[str, Any]]:
    """The runs of the folder's store: name, replies, verdicts given."""
    database = Database(str(folder / "liangxin.db"), create=False)
    try:
        found = []
        for run in Runs(database).all():
            held = list(dialogues(database, run))
            replies = [one.reply for each in held for one in each.dialogue.exchanges if one.attempt]
            found.append(
                {
                    "name": run.name,
                    "replies": sum(reply.judgeable for reply in replies),
                    "verdicts": sum(len(each.rulings) for each in held),
                }
            )
        return found
    finally:
        database.close()
