"""Measure Liangxin's speed goals beside a bare aiohttp client, in the same run, and print the ratios.

Usage: python perf/speed.py [--runs 5] [--items 5000] [--quick] [--json]

The server has one core, the client the other (where the machine lets a process choose). Every figure is
of a whole process: wall and CPU seconds, peak resident megabytes; medians of the runs, taken in turn.
Nothing here is asserted: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One finished process."""

    wall: float
    cpu: float
    megabytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table."""

    name: str
    latency: float
    connections: int
    two_turns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one setting came to: medians, and Liangxin's wall time over the bare client's."""

    name: str
    dialogues: int
    bare: Figure
    liangxin: Figure
    ratio: float
    cpu_ms_a_dialogue: float


SETTINGS = (
    Setting(name="200 ms, 256 connections, one turn", latency=0.2, connections=256),
    Setting(name="200 ms, 256 connections, two turns", latency=0.2, connections=256, two_turns=True),
    Setting(name="no latency, 64 connections", latency=0.0, connections=64),
)


def on_core(core: int) -> list[str]:
    """The words that bind a command to one core, or none where that can't be done."""
    possible = hasattr(os, "sched_getaffinity") and core in os.sched_getaffinity(0)
    return ["taskset", "-c", str(core)] if possible and shutil.which("taskset") else []


def timed(command: Sequence[str], environment: dict[str, str]) -> Figure:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        words = [*on_core(0), *command]
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{command} ended with {process.returncode}: {output.read()[-2000:]!r}")
    return Figure(wall=wall, cpu=usage.ru_utime + usage.ru_stime, megabytes=usage.ru_maxrss / 1024)


@contextmanager
def server(latency: float) -> Iterator[str]:
    """The load-test server on the other core; yields its base URL."""
    command = [*on_core(1), sys.executable, "-m", "liangxin.testing.fast_server", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def write_data(folder: Path, items: int, *, two_turns: bool) -> Path:
    """Prompts of about 60 characters, each its own."""
    place = folder / ("pairs.jsonl" if two_turns else "prompts.jsonl")
    filler = "请用两三句话说明，普通人在日常生活里遇到这种情况时可以怎样稳妥地处理，并给出理由。"
    with place.open("w", encoding="utf-8") as sink:
        for k in range(items):
            row = (
                {
                    "ability": "传统安全",
                    "dimension": "财产隐私",
                    "question": f"第{k}题：{filler}",
                    "follow_up": f"追问{k}：{filler}",
                }
                if two_turns
                else {
                    "dimension": "Fairness",
                    "subcomponent": "Toxic language",
                    "prompt": f"第{k}题：{filler}",
                }
            )
            sink.write(json.dumps(row, ensure_ascii=False) + "\n")
    return place


def measured(setting: Setting, data: Path, dialogues: int, runs: int) -> Line:
    """Both clients in turn, `runs` times, after one warm-up of each."""
    benchmark = "sc-safety" if setting.two_turns else "flames"
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))
    }
    bare: list[Figure] = []
    ours: list[Figure] = []
    with server(setting.latency) as base_url, tempfile.TemporaryDirectory() as scratch:
        for number in range(runs + 1):
            out = str(Path(scratch, f"{number}.jsonl"))
            store = str(Path(scratch, f"{number}.db"))
            script = [
                sys.executable,
                str(HERE / "bare_client.py"),
                base_url,
                str(data),
                out,
                str(setting.connections),
            ]
            command = [
                sys.executable,
                "-m",
                "liangxin",
                "run",
                benchmark,
                "--model",
                "openai:fast",
                "--judge",
                "none",
            ]
            command += ["--base-url", base_url, "--data", str(data), "--store", store, "--format", "json"]
            command += ["--connections", str(setting.connections)]
            pair = timed(script, environment), timed(command, environment)
            if number:
                bare.append(pair[0])
                ours.append(pair[1])
    middle = (_median(bare), _median(ours))
    return Line(
        name=setting.name,
        dialogues=dialogues,
        bare=middle[0],
        liangxin=middle[1],
        ratio=statistics.median(b.wall / a.wall for a, b in zip(bare, ours, strict=True)),
        cpu_ms_a_dialogue=1000 * middle[1].cpu / dialogues,
    )


def start_up(runs: int, folder: Path) -> dict[str, float]:
    """Median wall seconds of `--help` and of a run of one item."""
    environment = dict(os.environ)
    one = write_data(folder / "one", 1, two_turns=False)
    found: dict[str, float] = {}
    with server(0.0) as base_url:
        commands = {
            "--help": ["--help"],
            "one item": [
                "run",
                "flames",
                "--model",
                "openai:fast",
                "--judge",
                "none",
                "--base-url",
                base_url,
            ],
        }
        for name, words in commands.items():
            walls = []
            for number in range(runs + 1):
                extra = (
                    ["--data", str(one), "--store", str(folder / f"{number}.db")] if "run" in words else []
                )
                walls.append(timed([sys.executable, "-m", "liangxin", *words, *extra], environment).wall)
            found[name] = statistics.median(walls[1:])
    return found


def _median(figures: Sequence[Figure]) -> Figure:
    names = ("wall", "cpu", "megabytes")
    return Figure(**{name: statistics.median(getattr(one, name) for one in figures) for name in names})


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--quick", action="store_true", help="one run of 1,000 items")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    runs, items = (1, 1000) if words.quick else (words.runs, words.items)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "one").mkdir()
        single, pairs = (
            write_data(folder, items, two_turns=False),
            write_data(folder, items // 2, two_turns=True),
        )
        lines = []
        for setting in SETTINGS:
            data, dialogues = (pairs, items // 2) if setting.two_turns else (single, items)
            lines.append(measured(setting, data, dialogues, runs))
        starts = start_up(runs, folder)
    if words.json:
        print(json.dumps({"lines": [asdict(line) for line in lines], "start_up_seconds": starts}))
        return
    for line in lines:
        print(
            f"{line.name}: {line.dialogues} dialogues, bare {line.bare.wall:.2f} s, liangxin {line.liangxin.wall:.2f} s, "
            f"ratio {line.ratio:.2f}, {line.cpu_ms_a_dialogue:.2f} CPU ms a dialogue, "
            f"peak {line.liangxin.megabytes:.0f} MB (bare {line.bare.megabytes:.0f} MB)"
        )
    for what, seconds in starts.items():
        print(f"{what}: {seconds:.2f} s")


if __name__ == "__main__":
    main()
