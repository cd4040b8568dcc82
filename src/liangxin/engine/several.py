"""Several benchmarks with the same settings, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from liangxin.benchmarks import sample_path
from liangxin.engine.likelihood_choice import check_benchmarks
from liangxin.engine.results import RunResult
from liangxin.engine.run import Session, run_benchmark
from liangxin.specs import Benchmark, RunSpec


def run_several(session: Session, benchmarks: Sequence[Benchmark], spec: RunSpec) -> Iterator[RunResult]:
    """Run every benchmark with the same settings, each result as it ends; errors as `run_benchmark`.

    Several benchmarks share `spec.name` as NAME-BENCHMARK.
    """
    check_benchmarks(spec, benchmarks)
    for benchmark in benchmarks:
        name = spec.name
        if name is not None and len(benchmarks) > 1:
            name = f"{name}-{benchmark.name}"
        one = replace(spec, benchmark=benchmark.name, name=name)
        yield run_benchmark(session, one, benchmark, str(sample_path(benchmark)))
