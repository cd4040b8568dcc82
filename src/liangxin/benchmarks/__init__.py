"""The benchmarks: one folder of values each, imported on first use. Names are part of the contract."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from liangxin.registry import Registry, checked
from liangxin.specs import Benchmark
from liangxin.traits import Origin

__all__ = ["BENCHMARKS", "declared_benchmark", "open_benchmark", "sample_path"]

STANDS_FOR_SEVERAL = "cvalues"


def _benchmark(name: str, thing: object, origin: Origin | None) -> Benchmark:
    """A registered benchmark; of an installed package, with the package in its version and the sample beside it.

    Raises:
        TypeError, ValueError: it is none, or has another name.
        FileNotFoundError: its sample is not there.
    """
    opened = thing() if callable(thing) else thing
    benchmark = checked(Benchmark, name, opened)
    if origin is None:
        return benchmark
    module = import_module(origin.module)
    sample = Path(module.__file__ or ".").absolute().parent / benchmark.sample
    if benchmark.declaration is None and not sample.is_file():
        raise FileNotFoundError(f"its sample {sample} is not there")
    version = f"{benchmark.version}+{origin.package}"
    return replace(benchmark, version=version, sample=str(sample), origin=origin)


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
    entry_points="liangxin.benchmarks",
    reserved=frozenset({STANDS_FOR_SEVERAL}),
    read=_benchmark,
)
ENDING = ".toml"
TAKEN = frozenset({*BENCHMARKS.names(), STANDS_FOR_SEVERAL})
"""Names that no declaration may take."""


def open_benchmark(name: str) -> Benchmark:
    """The benchmark of that name, or the one that a `.toml` file declares.

    Raises:
        UnknownName: there is none.
        PluginError: a package brings it, and it cannot be used.
        DataError: the file is missing, or its declaration is wrong.
    """
    if name.lower().endswith(ENDING):
        from liangxin.benchmarks.declared import load

        return load(name, TAKEN)
    return BENCHMARKS.get(name)


def declared_benchmark(text: str, file: str) -> Benchmark:
    """The benchmark that a stored declaration declares, whatever has become of its file.

    Raises:
        DataError: this version of Liangxin reads the declaration otherwise.
    """
    from liangxin.benchmarks.declared import declared

    return declared(text, file, str(Path(file).absolute().parent))


def sample_path(benchmark: Benchmark) -> Path:
    """Where the benchmark's embedded sample lies on disk; an absolute `sample` is taken as it is.

    The sample is of our own writing: numbers from it are no results of the benchmark.
    """
    from importlib.resources import files

    folder = files(__name__) / benchmark.name.replace("-", "_")
    return Path(str(folder)) / benchmark.sample
