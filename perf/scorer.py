"""How fast the judges are that rule where none is named: loading in a fresh process, answers a second on one core, memory.

    OMP_NUM_THREADS=1 python perf/scorer.py

With LIANGXIN_DATA set all held-out answers take part, else those to prompts of our own, most of which decline: `rule`
asks its head on these, the slow case. The goal is 2,000 answers
a second with both judges, and a first verdict within a second.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from liangxin.benchmarks import open_benchmark
from liangxin.engine.stages.bench import default_judges
from liangxin.judges import Judge, JudgeContext, open_judges
from liangxin.records import Case
from liangxin.scorer.graded import HELD_OUT, VARIABLE, GradedAnswer, read_graded

ANSWERS = 5_000
BENCHMARK = open_benchmark("cvalues-safety")
CONTEXT = JudgeContext(benchmark=BENCHMARK)
LOADING = (
    "import time; begun = time.perf_counter()\n"
    "from liangxin.judges.scoring.loading import load_scorer\n"
    "from liangxin.judges.scorer import DEFAULT\n"
    "load_scorer(DEFAULT).probabilities([('问', '答')], 0)\n"
    "print(time.perf_counter() - begun)"
)


def main() -> None:
    """Print the figures."""
    loads = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=True)
        loads.append(float(done.stdout))
    judges = [judge for name in default_judges(BENCHMARK) for judge in open_judges(name, CONTEXT)]
    data = Path(os.environ[VARIABLE]) if VARIABLE in os.environ else None
    answers = [row for row in read_graded(HELD_OUT, data)[0] if 120 <= len(row.answer) <= 280]
    print(f"load and first verdict, fresh process: {statistics.median(loads):.2f} s (median of 5)")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = [statistics.median(_seconds(judge, answers) for _ in range(3)) for judge in judges]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    length = statistics.mean(len(row.answer) for row in answers)
    print(f"held-out graded answers: {len(answers)} different ones, {length:.0f} characters in the mean")
    for judge, used in zip(judges, seconds, strict=True):
        print(f"{judge.identity}: {ANSWERS / used:,.0f} a second of processor time (median of 3)")
    print(f"both, one after the other: {ANSWERS / sum(seconds):,.0f} a second (goal 2,000)")
    print(f"memory added by ruling on {ANSWERS:,}: {(after - before) / 1024:.1f} MB")


def _seconds(judge: Judge, answers: Sequence[GradedAnswer]) -> float:
    """Processor seconds for ANSWERS verdicts."""
    cases = [
        Case(
            item_id=str(at),
            category=(),
            dialogue="",
            trial=1,
            turn=1,
            history=(),
            prompt=row.prompt,
            answer=row.answer,
            scale=judge.scale_for(()),
        )
        for at, row in enumerate(islice(cycle(answers), ANSWERS))
    ]
    begun = time.process_time()
    asyncio.run(_rule(judge, cases))
    return time.process_time() - begun


async def _rule(judge: Judge, cases: Sequence[Case]) -> None:
    for at in range(0, len(cases), judge.batch):
        await judge.rule(cases[at : at + judge.batch])


if __name__ == "__main__":
    main()
