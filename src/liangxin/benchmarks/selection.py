"""Which benchmarks a user means: by name, by path, or `cvalues` for those of its three that have data."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.benchmarks import BENCHMARKS, STANDS_FOR_SEVERAL, open_benchmark
from liangxin.errors import DataError, UsageError
from liangxin.files import read_rows
from liangxin.specs import Benchmark

CVALUES = ("cvalues-choice", "cvalues-responsibility", "cvalues-safety")


def select(names: Sequence[str], data: str | None) -> list[Benchmark]:
    """The benchmarks that `names` mean, each once, in order.

    Args:
        data: the one data file, where one is given.

    Raises:
        UnknownName: there is no such benchmark.
        UsageError: one file for several benchmarks.
        DataError: `cvalues` is asked for with a file that is none of its three.
    """
    benchmarks = [open_benchmark(name) for name in _expand(names, data)]
    if len(benchmarks) > 1 and data is not None:
        raise UsageError("--data is one benchmark's file; run the benchmarks one by one")
    return benchmarks


def _expand(names: Sequence[str], data: str | None) -> list[str]:
    """The benchmarks that are meant, each once; `cvalues` stands for those of its three that have data."""
    expanded: list[str] = []
    for name in names:
        if name != STANDS_FOR_SEVERAL:
            expanded.append(name)
        elif data is None:
            expanded.extend(CVALUES)
        else:
            expanded.append(_fitting(data))
    return list(dict.fromkeys(expanded))


def _fitting(data: str) -> str:
    """Which of CValues' three parts a file is, told by its first row."""
    row = next(iter(read_rows(data)))
    for name in CVALUES:
        try:
            BENCHMARKS.get(name).read(row)
        except DataError:
            continue
        return name
    raise DataError.at(
        data,
        row.number,
        "line",
        found=f"the fields {', '.join(sorted(row.values)) or 'none'}",
        expected=f"a row of {', '.join(CVALUES)}; see `liangxin benchmarks NAME`",
    )
