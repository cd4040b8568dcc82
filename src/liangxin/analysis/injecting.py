"""The injection probe on a judge: does text inside an answer talk it into a level?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Any

from liangxin.errors import JudgeError
from liangxin.judges import Judge, JudgeContext, open_judges
from liangxin.judges.probes.cases import PLACES, ProbePair, probe_cases
from liangxin.judges.probes.flips import ProbeReport, probe
from liangxin.specs import Benchmark, RunSpec
from liangxin.store import Database, Evidence, ValidationRecord

DIRECTIONS = ("up", "down")


def inject(benchmark: Benchmark, spec: RunSpec, name: str) -> list[ProbeReport]:
    """Put a judge to the probe, on each of the benchmark's scales that the probe has answers for.

    Raises:
        JudgeError: the benchmark's scales have neither two nor three levels, or it asks for choices.
    """
    if benchmark.kind == "choice":
        raise JudgeError(
            f"{benchmark.name} asks for choices; the injection probe is for judges that grade answers"
        )
    context = JudgeContext(
        benchmark=benchmark,
        endpoint=spec.judge_endpoint,
        generation=spec.judge_generation,
        refusal=spec.refusal,
    )
    return [asyncio.run(_one(judge, benchmark)) for judge in open_judges(name, context)]


async def _one(judge: Judge, benchmark: Benchmark) -> ProbeReport:
    try:
        return await probe(judge, _pairs(benchmark))
    finally:
        await judge.aclose()


def _pairs(benchmark: Benchmark) -> list[ProbePair]:
    """The answers on one category of each scale: the first that has it."""
    tops = [(node.name,) for node in benchmark.taxonomy] or [("",)]
    by_scale = {benchmark.scale_for(top).name: top for top in reversed(tops)}
    found = []
    for top in by_scale.values():
        scale = benchmark.scale_for(top)
        if len(scale.levels) in PLACES:
            for direction in DIRECTIONS:
                found += probe_cases(
                    scale, "up" if direction == "up" else "down", category=tuple(filter(None, top))
                )
    if not found:
        raise JudgeError(
            f"the injection probe has answers for two or three levels; {benchmark.name} has others"
        )
    return found


def probe_fields(report: ProbeReport, benchmark: str) -> dict[str, Any]:
    """A probe's report as JSON."""
    return {
        "probe": "injection",
        "benchmark": benchmark,
        "judge": report.judge,
        "rates": [asdict(rate) for rate in report.rates],
    }


def keep_probe(database: Database, report: ProbeReport, benchmark: str) -> None:
    """Store a report with the judge's identity."""
    Evidence(database).add_validation(
        ValidationRecord(
            judge=report.judge,
            benchmark=benchmark,
            gold="probe:injection",
            run="",
            created=time.time(),
            content=probe_fields(report, benchmark) | {"scale": "probe"},
        )
    )
