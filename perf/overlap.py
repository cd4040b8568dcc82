"""Measure a run that asks and judges at once beside each of its phases alone, and print the ratio to the longer.

Usage: python perf/overlap.py [--runs 3] [--items 1000] [--latency 0.2] [--connections 32] [--json]

One endpoint answers model and judges; the judges have as many connections of their own (`--judge-connections`), so
that what is measured is the engine, not the limit that both would share. Whole processes, the server on the other core;
medians of the runs, taken in turn. `sequence` is what the phases take one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from speed import server, timed, write_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Wall seconds of one way to judge."""

    name: str
    asking: float
    judging: float
    both: float

    @property
    def ratio(self) -> float:
        """The whole run over the longer phase alone."""
        return self.both / max(self.asking, self.judging)


JUDGES = {
    "one LLM judge": ["llm:openai:a"],
    "two LLM judges": ["llm:openai:a", "llm:openai:b"],
    "rule and scorer, in batches": ["rule", "scorer"],
}


def measured(judges: Sequence[str], words: argparse.Namespace, data: Path, base_url: str) -> Sequence[float]:
    """Seconds of asking alone, of judging alone and of both at once."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))
    }
    liangxin = [sys.executable, "-m", "liangxin"]
    ruling = [word for judge in judges for word in ("--judge", judge)] + ["--judge-base-url", base_url]
    connections = ["--connections", str(words.connections)]
    run = ["run", "flames", "--model", "openai:fast", "--base-url", base_url, "--data", str(data)]
    run += ["--name", "r", *connections]
    with tempfile.TemporaryDirectory() as scratch:
        apart, both = (["--format", "json", "--store", str(Path(scratch, name))] for name in ("a.db", "b.db"))
        own = ["--judge-connections", str(words.connections)]
        return [
            timed([*liangxin, *command], environment).wall
            for command in (
                [*run, "--judge", "none", *apart],
                ["judge", "r", *ruling, *connections, *apart],
                [*run, *ruling, *own, *both],
            )
        ]


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as name, server(words.latency) as base_url:
        data = write_data(Path(name), words.items, two_turns=False)
        for how, judges in JUDGES.items():
            runs = [measured(judges, words, data, base_url) for _ in range(words.runs)]
            asking, judging, both = (statistics.median(one) for one in zip(*runs, strict=True))
            found.append(Overlap(name=how, asking=asking, judging=judging, both=both))
    if words.json:
        print(json.dumps([asdict(one) | {"ratio": one.ratio} for one in found]))
        return
    for one in found:
        print(
            f"{one.name}: asking {one.asking:.2f} s, judging {one.judging:.2f} s, sequence "
            f"{one.asking + one.judging:.2f} s, both at once {one.both:.2f} s, {one.ratio:.2f} times the longer"
        )


if __name__ == "__main__":
    main()
