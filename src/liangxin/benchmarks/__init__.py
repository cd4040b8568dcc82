"""The benchmarks: one folder of values each, imported on first use. Names are part of the contract."""

from __future__ import annotations

from pathlib import Path

from liangxin.registry import Registry
from liangxin.specs import Benchmark

__all__ = ["BENCHMARKS", "open_benchmark", "sample_path"]

BENCHMARKS: Registry[Benchmark] = Registry(
    "benchmark",
    {
        "flames": "liangxin.benchmarks.flames:BENCHMARK",
        "sc-safety": "liangxin.benchmarks.sc_safety:BENCHMARK",
        "cvalues-choice": "liangxin.benchmarks.cvalues_choice:BENCHMARK",
        "cvalues-responsibility": "liangxin.benchmarks.cvalues_responsibility:BENCHMARK",
        "cvalues-safety": "liangxin.benchmarks.cvalues_safety:BENCHMARK",
    },
    see="liangxin benchmarks",
)


def open_benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UnknownName: there is none.
    """
    return BENCHMARKS.get(name)


def sample_path(benchmark: Benchmark) -> Path:
    """Where the benchmark's embedded sample lies on disk; an absolute `sample` is taken as it is.

    The sample is of our own writing: numbers from it are no results of the benchmark.
    """
    from importlib.resources import files

    folder = files(__name__) / benchmark.name.replace("-", "_")
    return Path(str(folder)) / benchmark.sample
