"""A stored run as a result again, for whoever shows it."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.benchmarks import BENCHMARKS, declared_benchmark, open_benchmark
from liangxin.engine.results import RunResult, run_result
from liangxin.errors import JudgeError, UnknownName
from liangxin.specs import CHOOSE_BY, Benchmark
from liangxin.store import Database, JudgeRecord, RunRecord, Runs
from liangxin.text import shell_word


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
    """The declaration of a stored run's benchmark; of a user's own as it was when the run was made.

    Raises:
        UnknownName: the package that brought it is not installed.
    """
    if "declaration" in run.manifest:
        return declared_benchmark(run.manifest["declaration"], run.manifest["declared_in"])
    package = run.manifest.get("benchmark_package")
    if package is not None and BENCHMARKS.origin(run.benchmark) is None:
        raise UnknownName(
            f"the benchmark {run.benchmark!r} of run {run.label} comes with the package {package}, which is not "
            f"installed here: pip install {package}"
        )
    return open_benchmark(run.benchmark)


def named_judges(judges: Sequence[JudgeRecord], wanted: str) -> list[JudgeRecord]:
    """Those that a user means by an identity, a SPEC or its beginning; none where no such judge has ruled."""
    found = [one for one in judges if wanted in (one.identity, one.spec)]
    return found or [one for one in judges if one.identity.startswith(wanted) or one.spec.startswith(wanted)]


def _named(judges: Sequence[JudgeRecord], wanted: str, run: RunRecord) -> list[JudgeRecord]:
    found = named_judges(judges, wanted)
    if not found:
        known = ", ".join(one.identity for one in judges) or "none"
        raise JudgeError(
            f"no judge {wanted!r} has ruled on run {run.label}; these have: {known}; it "
            f"does by `liangxin judge {shell_word(run.label)} --judge SPEC`"
        )
    return found


def chosen_by(run: RunRecord) -> str:
    """How a run of choice items was asked to choose, as `--choose-by` names it."""
    return str(run.manifest.get("identity", {}).get("choose_by", CHOOSE_BY))
