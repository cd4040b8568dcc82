"""How fast the default scorer is: loading in a fresh process, answers a second on one core, memory.

    OMP_NUM_THREADS=1 python perf/scorer.py

Answers have 200 characters, prompts about 30. The issue's bounds: 2,000 answers a second, loaded within 1.5 s.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import subprocess
import sys
import time

from liangxin.benchmarks import open_benchmark
from liangxin.judges import JudgeContext, open_judges
from liangxin.records import Case
from liangxin.scorer.evaluation_pairs import pair_rows

ANSWERS = 5_000
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
    (judge,) = open_judges("scorer", JudgeContext(benchmark=open_benchmark("cvalues-safety")))
    rows = pair_rows()
    cases = [
        Case(
            item_id=str(at),
            category=(),
            dialogue="",
            trial=1,
            turn=1,
            history=(),
            prompt=rows[at % len(rows)].prompt,
            answer=(rows[at % len(rows)].response * 20)[:200],
            scale=judge.scale_for(()),
        )
        for at in range(ANSWERS)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rates = []
    for _ in range(3):
        begun = time.process_time()
        for at in range(0, ANSWERS, judge.batch):
            asyncio.run(_rule(judge, cases[at : at + judge.batch]))
        rates.append(ANSWERS / (time.process_time() - begun))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"load and first verdict, fresh process: {statistics.median(loads):.2f} s (median of 5)")
    print(
        f"answers of 200 characters a second of processor time: {statistics.median(rates):,.0f} (median of 3)"
    )
    print(f"memory added by ruling on {ANSWERS:,}: {(after - before) / 1024:.1f} MB")


async def _rule(judge: object, cases: list[Case]) -> None:
    await judge.rule(cases)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
