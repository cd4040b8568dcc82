"""Several benchmarks and several models with the same settings, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from liangxin.benchmarks import sample_path
from liangxin.engine.likelihood_choice import check_benchmarks
from liangxin.engine.results import RunResult
from liangxin.engine.run import run_benchmark
from liangxin.engine.session import Session
from liangxin.errors import UsageError
from liangxin.models import known_kind
from liangxin.specs import Benchmark, RunSpec


def for_models(spec: RunSpec, models: Sequence[str], unchecked: Sequence[str] = ()) -> list[RunSpec]:
    """The settings for each model; several share `spec.name` as NAME/MODEL.

    Args:
        unchecked: those of them that name a model of the caller's own, which is of no kind.

    Raises:
        UsageError: none or the same one twice, or a SPEC lacks its name.
        UnknownName: no such kind of model; no model was asked anything.
    """
    twice = next((one for place, one in enumerate(models) if one in models[:place]), None)
    if twice is not None:
        raise UsageError(f"the model {twice} is given twice; each is measured once")
    if not models:
        raise UsageError("no model is named; see `liangxin models`")
    made = []
    for model in models:
        if model not in unchecked:
            known_kind(model, spec.endpoint)
        prefixed = spec.name is not None and len(models) > 1
        made.append(replace(spec, model=model, name=f"{spec.name}/{model}" if prefixed else spec.name))
    return made


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
