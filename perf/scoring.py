"""Measure how long a run with a million judgements takes to be scored with intervals, from the stored file on.

Usage: python perf/scoring.py [--judgements 1000000] [--shape items --shape trials …] [--repeats 3] [--folder DIR]

Every figure is of a whole process that opens the store, scores the run and makes its JSON object, as
`liangxin scores RUN --format json` does: wall and CPU seconds, peak resident megabytes. The stores are built
first (some minutes, about 1 GB each) in a temporary folder, or in DIR and kept.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liangxin.store import JudgeRecord, RunRecord

ANSWER = "这里是一段回答，说明为什么不能这样做，并给出安全而合适的建议。" * 4
REASON = "指出了提问中的问题，没有提供有害内容。"
CHUNK = 50_000
BASE = {"attempt": 1, "created": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a run comes to its judgements: judgements = items * trials * turns * judges."""

    benchmark: str
    trials: int = 1
    turns: int = 1
    judges: int = 1


SHAPES: Mapping[str, Shape] = {
    "items": Shape(benchmark="flames"),
    "trials": Shape(benchmark="flames", trials=10),
    "turns": Shape(benchmark="sc-safety", turns=2),
    "judges": Shape(benchmark="flames", judges=10),
    "choices": Shape(benchmark="cvalues-choice"),
    "many-trials": Shape(benchmark="flames", trials=1000),
}


def build(path: Path, shape: Shape, judgements: int, names: Sequence[str] = ("million",)) -> None:
    """Write a store of runs of that shape on the same items; levels and statuses are drawn with one seed."""
    import numpy as np

    from liangxin.benchmarks import open_benchmark
    from liangxin.data.order import stratified_order
    from liangxin.records import Item
    from liangxin.store import Database, NewRun, Runs
    from liangxin.store.schema import JUDGEMENTS, TURNS

    benchmark = open_benchmark(shape.benchmark)
    count = judgements // (shape.trials * shape.turns * shape.judges)
    paths: list[tuple[str, ...]] = [
        (top.name, below.name) for top in benchmark.taxonomy for below in top.below
    ] or [(top.name,) for top in benchmark.taxonomy]
    choice = benchmark.kind == "choice"

    def items() -> Iterator[Item]:
        for k in range(count):
            yield Item(
                id=f"{shape.benchmark}-{k:08d}",
                turns=(f"第{k}个问题：请问这样做合适吗？为什么？请说明理由。",) * shape.turns,
                category=paths[(k // 2 if choice else k) % len(paths)],
                choices=("好的回复", "差的回复") if choice else (),
                answer=("回复1", "回复2")[k % 2] if choice else None,
                tags=("easy",) if choice else (),
                pair=f"pair-{k // 2}" if choice else None,
                source=f"data.jsonl:{k + 1}",
            )

    database = Database(str(path))
    runs = Runs(database)
    dataset = runs.add_dataset(benchmark.name, benchmark.version, "0" * 64, items())
    order = list(stratified_order(runs.index(dataset), 0))
    draw = np.random.default_rng(1)
    levels = {path: [level.name for level in benchmark.scale_for(path).levels] for path in paths}

    def new_run(number: int, name: str) -> RunRecord:
        new = NewRun(
            id=f"{0x123456789AB + number:012x}",
            name=name,
            dataset=dataset,
            benchmark=benchmark.name,
            model="replay:x",
            trials=shape.trials,
            sample=False,
            manifest={"seed": 0},
        )
        return runs.update(runs.create(new, order), name=name, units=order[-1][0] + 1)

    def places() -> Iterator[tuple[int, int, int]]:
        for rank in range(count):
            for trial in range(1, shape.trials + 1):
                for turn in range(1, shape.turns + 1):
                    yield rank, trial, turn

    def turn_row(run: RunRecord, place: tuple[int, int, int], chance: float) -> dict[str, object]:
        status = "ok" if chance < 0.98 else "filtered" if chance < 0.99 else "failed"
        text = ANSWER if status == "ok" else ""
        return {
            **BASE, "run": run.key, "rank": place[0], "trial": place[1], "turn": place[2], "status": status,
            "text": text, "reasoning": "", "detail": "", "prompt_tokens": 20, "completion_tokens": 90,
            "seconds": 1.0,
        }  # fmt: skip

    def ruling_row(
        run: RunRecord, judge: JudgeRecord, place: tuple[int, int, int], chance: float
    ) -> dict[str, object]:
        rank = place[0]
        position = order[rank][1]
        names = levels[paths[(position // 2 if choice else position) % len(paths)]]
        given = chance < 0.99
        level = names[min(int(chance * 1.7 * len(names)), len(names) - 1)] if given else None
        return {
            **BASE, "run": run.key, "judge": judge.key, "rank": rank, "trial": place[1], "turn": place[2],
            "annotator": "", "status": "given" if given else "unreadable", "level": level, "confidence": None,
            "reason": REASON, "raw": REASON * 3,
        }  # fmt: skip

    for number, name in enumerate(names):
        run = new_run(number, name)
        judges = [runs.add_judge(run, f"judge-{k}", "labels:x", "primary", {}) for k in range(shape.judges)]
        stream = places()
        while chunk := list(islice(stream, CHUNK)):
            fates = draw.random(len(chunk))
            turns = [turn_row(run, place, fate) for place, fate in zip(chunk, fates, strict=True)]
            with database.begin() as connection:
                connection.execute(TURNS.insert(), turns)
                for judge in judges:
                    rows = zip(chunk, fates, draw.random(len(chunk)), strict=True)
                    connection.execute(
                        JUDGEMENTS.insert(),
                        [ruling_row(run, judge, p, c) for p, fate, c in rows if fate < 0.98],
                    )
    database.close()


def score(path: Path) -> dict[str, float]:
    """Score the one run of a store in this process.

    Returns:
        Wall and CPU seconds from before the store is opened to the JSON text, peak megabytes, counts.
    """
    started, cpu = time.perf_counter(), time.process_time()
    from liangxin.engine.stored import stored_result
    from liangxin.engine.summary import summary
    from liangxin.store import Database

    database = Database(str(path), create=False)
    result = stored_result(database, "million", None)
    database.close()
    text = json.dumps(summary(result), ensure_ascii=False)
    return {
        "wall": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "judgements": sum(sum(one.verdicts.values()) for one in result.judges),
        "scores": sum(len(one.scores) for one in result.judges),
        "characters": len(text),
    }


def main() -> None:
    """Build what is not there, score each store some times in processes of their own, print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgements", type=int, default=1_000_000)
    parser.add_argument("--shape", action="append", choices=sorted(SHAPES), help="default: all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--score", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.score is not None:
        print(json.dumps(score(given.score)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print("shape        judgements  scores   wall s    CPU s   peak MB")
        for name in given.shape or SHAPES:
            path = folder / f"{name}-{given.judgements}.db"
            if not path.exists():
                build(path, SHAPES[name], given.judgements)
            found = [_process(path) for _ in range(given.repeats)]
            middle = {key: statistics.median(one[key] for one in found) for key in found[0]}
            print(
                f"{name:<12} {middle['judgements']:>10.0f} {middle['scores']:>7.0f} {middle['wall']:>8.2f} "
                f"{middle['cpu']:>8.2f} {middle['megabytes']:>9.0f}",
                flush=True,
            )


def _process(path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--score", str(path)]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


if __name__ == "__main__":
    main()
