"""Measure what the commands that read a finished store take: two runs compared, a board, a report, a decision, a validation.

Usage: python perf/reading.py [--items 100000] [--board-items 5000] [--repeats 3] [--folder DIR] [--command NAME …] [--profile]

Every figure is of a whole process that is the command (`liangxin compare …`): CPU and wall seconds, peak resident
megabytes, with the goal beside it. Two stores are built first in a temporary folder, or in DIR and kept: two runs of
--items with two judges each, and twenty runs of --board-items. The database is copied for each process, since a
decision and a validation are kept in it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring import Shape, build

BOARD_RUNS = 20
PAIR = Shape(benchmark="flames", judges=2)
BOARD = Shape(benchmark="flames")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One command on one of the stores."""

    store: str
    arguments: Sequence[str]
    goal: float | None
    """CPU seconds; None where none is set."""


JUDGE = ("--judge", "judge-0")
READINGS = {
    "scores": Reading(store="pair", arguments=("scores", "run-0", *JUDGE), goal=None),
    "compare": Reading(store="pair", arguments=("compare", "run-0", "run-1", *JUDGE), goal=3.0),
    "decide": Reading(
        store="pair",
        arguments=("decide", "run-0", "--measure", "harmless_rate", "--at-least", "30", *JUDGE),
        goal=3.0,
    ),
    "validate": Reading(
        store="pair",
        arguments=("validate", "run-0", "--judge", "judge-1", "--gold", "judge-0"),
        goal=None,
    ),
    "report": Reading(store="pair", arguments=("report", "run-0"), goal=3.0),
    "leaderboard": Reading(store="board", arguments=("leaderboard", "flames"), goal=3.0),
}


def measured(name: str, path: Path, profile: Path | None) -> dict[str, float]:
    """Run a command in a process of its own, on a copy of a store.

    Returns:
        CPU and wall seconds, peak megabytes.
    """
    reading = READINGS[name]
    copy = path.with_suffix(".copy.db")
    shutil.copyfile(path, copy)
    ends = ("--output", f"{path}.html") if name == "report" else ("--format", "json")
    module = ("-m", "cProfile", "-o", str(profile)) if profile is not None else ()
    command = [sys.executable, *module, "-m", "liangxin", *reading.arguments, "--store", str(copy), *ends]
    started = time.perf_counter()
    with path.with_suffix(f".{name}.out").open("wb") as printed:
        process = subprocess.Popen(command, stdout=printed)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.perf_counter() - started,
        "megabytes": used.ru_maxrss / 1024,
    }


def main() -> None:
    """Build what is not there, run each command some times, print medians beside the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--board-items", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--command", action="append", choices=list(READINGS), help="default: all")
    parser.add_argument("--profile", action="store_true", help="keep FOLDER/COMMAND.prof, one repeat each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        stores = {
            "pair": folder / f"pair-{given.items}.db",
            "board": folder / f"board-{given.board_items}.db",
        }
        if not stores["pair"].exists():
            build(stores["pair"], PAIR, given.items * PAIR.judges, ["run-0", "run-1"])
        if not stores["board"].exists():
            build(stores["board"], BOARD, given.board_items, [f"run-{k}" for k in range(BOARD_RUNS)])
        print("command        CPU s     goal   wall s   peak MB")
        for name in given.command or READINGS:
            profile = folder / f"{name}.prof" if given.profile else None
            repeats = 1 if given.profile else given.repeats
            found = [measured(name, stores[READINGS[name].store], profile) for _ in range(repeats)]
            middle = {key: statistics.median(one[key] for one in found) for key in found[0]}
            goal = READINGS[name].goal
            print(
                f"{name:<12} {middle['cpu']:>7.2f} {'–' if goal is None else f'{goal:.1f}':>8} "
                f"{middle['wall']:>8.2f} {middle['megabytes']:>9.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
