"""A run's result for Python: scores, answers and verdicts as polars frames, a short repr, a rich one in notebooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, Unpack

from liangxin.analysis.evidence import with_evidence
from liangxin.api.frames import rows_frame, scores_frame, turns_frame, verdicts_frame
from liangxin.api.options import JudgeOptions, judge_options, judge_spec
from liangxin.api.working import CallWork
from liangxin.engine.export import export, write_whole
from liangxin.engine.portable import ENDING, pack
from liangxin.engine.results import RunResult
from liangxin.engine.run import judge_run
from liangxin.engine.session import Session
from liangxin.engine.stored import benchmark_of
from liangxin.engine.summary import summary
from liangxin.errors import UsageError
from liangxin.store import Database

if TYPE_CHECKING:
    from polars import DataFrame

T = TypeVar("T")


class Result:
    """What a run has come to. Made by `run`, `load` and `Result.judge`.

    Scores and counts are of the moment the result was made; answers and verdicts are read from the store
    when asked for, and only those of this result's judges.
    """

    def __init__(self, result: RunResult, *, store: str, notices: Sequence[str] = ()) -> None:
        self._result = result
        self._store = store
        self._notices = tuple(one for one in notices if not one.startswith(f"run {result.run.id}"))

    @property
    def run(self) -> str:
        """The run's id, 12 hex digits of its identity."""
        return self._result.run.id

    @property
    def name(self) -> str | None:
        """The run's name, if it has one."""
        return self._result.run.name

    @property
    def benchmark(self) -> str:
        """The benchmark's name."""
        return self._result.run.benchmark

    @property
    def model(self) -> str:
        """The model's SPEC."""
        return self._result.run.model

    @property
    def sample(self) -> bool:
        """Whether the items are the embedded sample: then no number here is a result (样例·非成绩)."""
        return self._result.run.sample

    @property
    def judges(self) -> tuple[str, ...]:
        """The identities of the judges whose scores these are."""
        return tuple(one.record.identity for one in self._result.judges)

    @property
    def replies(self) -> Mapping[str, int]:
        """Turns by the status of the attempt that counts: `{"ok": 60, "filtered": 2}`."""
        return dict(self._result.replies)

    @property
    def failures(self) -> tuple[str, ...]:
        """The first 20 failures, as `ITEM turn N: reason`; the same call of `run` asks only those again."""
        return self._result.failures

    @property
    def failure_count(self) -> int:
        """How many replies and verdicts failed."""
        return self._result.failure_count

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know, a sentence each: unmatched labels, a judge of the model's own family, …"""
        return self._notices

    @property
    def summary(self) -> dict[str, object]:
        """The object that `--format json` prints: values in the paper's unit, unrounded."""
        return summary(self._result)

    @property
    def scores(self) -> DataFrame:
        """Every score as a row: value, 95 % interval, n, what is missing and why, bounds, its judge.

        The columns of the command line's score object, `measure, group, judge, value, low, high, method, n,
        missing, missing_by_reason` (a list of reason and count), `worst, best, service, corrected` (JSON
        text), `judge_low, judge_high, judge_basis` (JSON text), then `run, name, benchmark, model, sample`. Values are in the paper's unit, null where nothing
        can be said.
        """
        return scores_frame(self._result)

    @property
    def rows(self) -> DataFrame:
        """A row for each turn and judge (and annotator), with the columns of `liangxin export`."""
        run, judges = self._result.run, self._result.judges
        return self._read(lambda database: rows_frame(database, run, [one.record for one in judges]))

    @property
    def turns(self) -> DataFrame:
        """A row for each turn that was planned: item, prompt, response, reply status."""
        return turns_frame(self.rows)

    @property
    def verdicts(self) -> DataFrame:
        """A row for each verdict: item, trial, turn, judge, annotator, level, status, confidence, reason."""
        return verdicts_frame(self.rows)

    def judge(self, *judges: str, **options: Unpack[JudgeOptions]) -> Result:
        """Rule on this run with further judges; the model is asked nothing.

        Args:
            judges: SPECs as `--judge`.
            options: see `JudgeOptions`.

        Returns:
            The result with the scores of these judges; `load(result.run)` has those of all.

        Raises:
            UsageError: no judge is named, or it does not fit.
            JudgeError, ModelError, DataError, StoreError: as `run`.
        """
        if not judges:
            raise UsageError("no judge is named: result.judge('rule'); see liangxin.list_judges()")
        given = judge_options(options)
        spec = judge_spec(judges, given)
        run = self._result.run
        work: CallWork[RunResult] = CallWork(self._store, create=False, progress=given["progress"])

        def ruled(session: Session) -> RunResult:
            return with_evidence(session.database, judge_run(session, run, spec, benchmark_of(run)))

        found = work.do(ruled)
        return Result(found, store=self._store, notices=work.said)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained HTML page on this run, with its worst answers and how to make it again.

        Returns:
            Where it is.

        Raises:
            LiangxinError: the file cannot be written.
        """
        return write_report([self], path)

    def export(self, path: str | os.PathLike[str]) -> int:
        """Write every turn and verdict of the run (of all its judges) to a .jsonl, .csv, .xlsx or .parquet file.

        A .db file is a store of its own that takes the whole run along (`liangxin import` brings it in).

        Returns:
            The number of rows.

        Raises:
            UsageError: another ending.
            LiangxinError: the file cannot be written.
        """
        work = pack if os.fspath(path).lower().endswith(ENDING) else export
        return self._read(lambda database: work(database, self._result.run, os.fspath(path)))

    def __repr__(self) -> str:
        run = self._result.run
        marks = [f"judges={len(self._result.judges)}"]
        marks += ["样例·非成绩"] if run.sample else []
        marks += [f"{self.failure_count} failed"] if self.failure_count else []
        return f"<Result {run.label!r}: {run.benchmark}, {run.model}; {', '.join(marks)}>"

    def _repr_html_(self) -> str:
        from liangxin.api.display import result_html

        return result_html(self._result)

    def _read(self, use: Callable[[Database], T]) -> T:
        database = Database(self._store, create=False)
        try:
            return use(database)
        finally:
            database.close()


def write_report(results: Sequence[Result], path: str | os.PathLike[str]) -> Path:
    """Write one self-contained HTML page on several results; of one model's benchmarks it shows the profile.

    Args:
        results: all of one store.

    Returns:
        Where it is.

    Raises:
        UsageError: no result, or results of different stores.
        LiangxinError: the file cannot be written.
    """
    from liangxin.report import render

    if len({one._store for one in results}) != 1:
        raise UsageError("a report is on one or several results of one store")
    page = results[0]._read(lambda database: render(database, [one._result for one in results]))
    place = Path(path)
    write_whole(place, lambda stream: stream.write(page))
    return place
