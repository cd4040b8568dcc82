"""A run's result as the contract's JSON object."""

from __future__ import annotations

from liangxin.engine.results import RunResult
from liangxin.records import Score


def summary(result: RunResult) -> dict[str, object]:
    """The object that `--format json` prints: values in the paper's unit, unrounded."""
    run = result.run
    return {
        "run": run.id,
        "benchmark": run.benchmark,
        "version": run.version,
        "data_sha256": run.data_sha256,
        "sample": run.sample,
        "model": run.model,
        "replies": dict(result.replies),
        "judges": [{"judge": one.record.identity, "verdicts": dict(one.verdicts)} for one in result.judges],
        "scores": [score_fields(score, one.record.identity) for one in result.judges for score in one.scores],
    }


def score_fields(score: Score, judge: str) -> dict[str, object]:
    """One score as the contract writes it."""
    return {
        "measure": score.measure,
        "group": score.group,
        "judge": judge,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "method": score.method,
        "n": score.n,
        "missing": score.missing,
        "missing_by_reason": dict(score.missing_by_reason),
        "worst": score.worst,
        "best": score.best,
        "service": score.service,
        "corrected": None if score.corrected is None else dict(score.corrected),
    }
