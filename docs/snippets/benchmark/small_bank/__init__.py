"""A package that brings a benchmark: the declaration and its data lie beside this file."""

from pathlib import Path

from liangxin.benchmarks import open_benchmark
from liangxin.specs import Benchmark


# --8<-- [start:open]
def open_small_bank() -> Benchmark:
    """What the name `small-bank` opens."""
    return open_benchmark(str(Path(__file__).with_name("small-bank.toml")))


# --8<-- [end:open]
