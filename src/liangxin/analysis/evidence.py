"""A result with what is known of its judges: how they agree with people, scores corrected for their error, bands."""

from __future__ import annotations

from dataclasses import replace

from liangxin.analysis.correcting import corrections
from liangxin.engine.banding import banded, measured_error
from liangxin.engine.results import JudgeResult, RunResult
from liangxin.engine.stored import stored_result
from liangxin.store import Database, Evidence, RunRecord, ValidationRecord


def with_evidence(database: Database, result: RunResult) -> RunResult:
    """The same result, each judge with its newest validation and its scores with their corrected values."""
    return replace(result, judges=tuple(_judge(database, result, judge) for judge in result.judges))


def stored_with_evidence(database: Database, name: str, judge: str | None = None) -> RunResult:
    """The result of a stored run with its evidence, for one judge or all.

    Raises:
        JudgeError: no such judge has ruled on it.
    """
    return with_evidence(database, stored_result(database, name, judge))


def _judge(database: Database, result: RunResult, judge: JudgeResult) -> JudgeResult:
    validation = newest_validation(database, result.run, judge.record.identity, judge.record.subject)
    made = corrections(database, result.run, result.benchmark, judge.record)
    scores = tuple(
        replace(score, corrected=made[score.measure, score.group].fields())
        if (score.measure, score.group) in made
        else score
        for score in judge.scores
    )
    if judge.levels is not None:
        error = measured_error(database, result.benchmark, judge.record, judge.levels)
        scores = banded(error, scores)
    return replace(judge, scores=scores, validation=validation)


def newest_validation(
    database: Database, run: RunRecord, judge: str, subject: str
) -> ValidationRecord | None:
    """The newest measurement of a judge on this run; where there is none, on other answers to the benchmark."""
    found = [
        one for one in Evidence(database).validations(judge, run.benchmark) if one.content["scale"] == subject
    ]
    return next((one for one in found if one.run == run.id), found[0] if found else None)
