"""What `run`, `judge` and `scores` do once their words are parsed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import typer

from liangxin.benchmarks import BENCHMARKS, sample_path
from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import print_result
from liangxin.cli.terminal import EXIT_SOME_FAILED, say_json, tell
from liangxin.engine.results import FAILURES_SHOWN, RunResult, run_result
from liangxin.engine.run import Session, judge_run, run_benchmark
from liangxin.engine.summary import summary
from liangxin.errors import DataError, JudgeError, UsageError
from liangxin.files import read_rows
from liangxin.specs import Benchmark, RunSpec
from liangxin.store import Database, JudgeRecord, RunRecord, Runs, store_url

CVALUES = ("cvalues-choice", "cvalues-responsibility", "cvalues-safety")


def measure(names: Sequence[str], spec: RunSpec, store: str | None, output: OutputFormat) -> None:
    """Run every named benchmark and print each result as it ends.

    Raises:
        typer.Exit: with status 3 where some replies or verdicts failed.
    """
    benchmarks = [BENCHMARKS.get(name) for name in _expand(names, spec.data)]
    if len(benchmarks) > 1 and spec.data is not None:
        raise UsageError("--data is one benchmark's file; run the benchmarks one by one")
    database = Database(store_url(store))
    failed = False
    try:
        session = Session(database=database, tell=tell, progress=sys.stderr)
        for benchmark in benchmarks:
            name = spec.name
            if name is not None and len(benchmarks) > 1:
                name = f"{name}-{benchmark.name}"
            one = replace(spec, benchmark=benchmark.name, name=name)
            result = run_benchmark(session, one, benchmark, str(sample_path(benchmark)))
            show(result, output)
            failed = failed or bool(result.failure_count)
    finally:
        database.close()
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def rejudge(name: str, spec: RunSpec, store: str | None, output: OutputFormat) -> None:
    """Rule on a stored run with further judges and print their result."""
    database = Database(store_url(store), create=False)
    try:
        run = Runs(database).find(name)
        session = Session(database=database, tell=tell, progress=sys.stderr)
        result = judge_run(session, run, spec, benchmark_of(run))
        show(result, output)
    finally:
        database.close()
    if result.failure_count:
        raise typer.Exit(EXIT_SOME_FAILED)


def stored_result(database: Database, name: str, judge: str | None) -> RunResult:
    """The result of a stored run, for one judge or all.

    Raises:
        JudgeError: no such judge has ruled on it.
    """
    run = Runs(database).find(name)
    judges = Runs(database).judges(run)
    if judge is not None:
        judges = _named(judges, judge, run)
    return run_result(database, run, benchmark_of(run), judges)


def benchmark_of(run: RunRecord) -> Benchmark:
    """The declaration of a stored run's benchmark."""
    return BENCHMARKS.get(run.benchmark)


def show(result: RunResult, output: OutputFormat) -> None:
    """Print a result, and on standard error what failed."""
    if output is OutputFormat.JSON:
        say_json(summary(result))
    else:
        print_result(result)
    for failure in result.failures:
        tell(f"failed: {failure}")
    if result.failure_count:
        more = result.failure_count - len(result.failures)
        rest = f" (the first {FAILURES_SHOWN} are listed)" if more else ""
        tell(f"{result.failure_count} failed{rest}; the same command asks only those again")


def _named(judges: Sequence[JudgeRecord], wanted: str, run: RunRecord) -> list[JudgeRecord]:
    found = [one for one in judges if wanted in (one.identity, one.spec)]
    found = found or [one for one in judges if one.identity.startswith(wanted) or one.spec.startswith(wanted)]
    if not found:
        known = ", ".join(one.identity for one in judges) or "none"
        raise JudgeError(f"no judge {wanted!r} has ruled on run {run.label}; these have: {known}")
    return found


def _expand(names: Sequence[str], data: str | None) -> list[str]:
    """The benchmarks that are meant, each once; `cvalues` stands for those of its three that have data."""
    expanded: list[str] = []
    for name in names:
        if name != "cvalues":
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
