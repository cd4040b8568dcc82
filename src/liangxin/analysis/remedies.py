"""What is typed so that a run is ruled on where no judge has."""

from __future__ import annotations

from liangxin.engine.stored import benchmark_of
from liangxin.errors import JudgeError
from liangxin.specs import Benchmark
from liangxin.store import RunRecord
from liangxin.text import shell_word


def ruling_command(run: RunRecord, subject: str | None) -> str:
    """The command that brings a subject's measures: by a judge that asks nothing, where there is one.

    Args:
        subject: of the measures that are missing; None: the benchmark's own.
    """
    judge = _judge(benchmark_of(run), subject or "primary")
    return f"liangxin judge {shell_word(run.label)} --judge {judge}"


def _judge(benchmark: Benchmark, subject: str) -> str:
    if subject == "refusal":
        return "rule"
    if benchmark.kind == "choice":
        return "choice"
    from liangxin.judges.scorer import bind, scorer_folder
    from liangxin.judges.scoring.loading import load_scorer

    try:
        bound = bind(load_scorer(scorer_folder("default")), benchmark)
    except JudgeError:
        return "llm:MODELSPEC"
    return "scorer" if bound.subject == subject else "llm:MODELSPEC"
