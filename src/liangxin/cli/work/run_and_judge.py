"""What `run`, `judge` and `scores` do once their words are parsed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain

import typer

from liangxin.analysis.evidence import with_evidence
from liangxin.benchmarks.selection import select
from liangxin.cli.opening import open_store
from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import print_result
from liangxin.cli.terminal import EXIT_SOME_FAILED, asker, say_json, tell, tell_scripts
from liangxin.engine.headline import ungiven
from liangxin.engine.results import FAILURES_SHOWN, RunResult
from liangxin.engine.run import judge_run
from liangxin.engine.session import Session
from liangxin.engine.several import run_several
from liangxin.engine.stored import benchmark_of
from liangxin.engine.summary import summary
from liangxin.languages import in_language
from liangxin.specs import RunSpec
from liangxin.store import Runs


def measure(names: Sequence[str], specs: Sequence[RunSpec], store: str | None, output: OutputFormat) -> None:
    """Run every named benchmark with every model and print each result as it ends.

    Args:
        specs: the settings for each model; all name the same data.

    Raises:
        typer.Exit: with status 3 where some replies or verdicts failed.
    """
    benchmarks = select(names, specs[0].data)
    database = open_store(store, create=True)
    failed = False
    try:
        session = Session(database=database, tell=tell, progress=sys.stderr, confirm=asker())
        for result in chain.from_iterable(run_several(session, benchmarks, spec) for spec in specs):
            show(with_evidence(database, result), output)
            failed = failed or bool(result.failure_count or result.stopped)
    finally:
        database.close()
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def rejudge(name: str, spec: RunSpec, store: str | None, output: OutputFormat) -> None:
    """Rule on a stored run with further judges and print their result."""
    database = open_store(store)
    try:
        run = Runs(database).find(name)
        session = Session(database=database, tell=tell, progress=sys.stderr, confirm=asker())
        result = judge_run(session, run, spec, benchmark_of(run))
        show(with_evidence(database, result), output)
    finally:
        database.close()
    if result.failure_count or result.stopped:
        raise typer.Exit(EXIT_SOME_FAILED)


def show(result: RunResult, output: OutputFormat) -> None:
    """Print a result, and on standard error what failed."""
    if output is OutputFormat.JSON:
        say_json(summary(result))
        for lack in ungiven(result):
            tell(lack.line)
    else:
        print_result(result)
    for failure in result.failures:
        tell_scripts(f"failed: {failure}")
    if result.failure_count:
        more = result.failure_count - len(result.failures)
        rest = in_language(f" (the first {FAILURES_SHOWN} are listed)") if more else ""
        tell(f"{result.failure_count} failed{rest}; the same command asks only those again")
