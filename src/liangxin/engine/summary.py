"""A run's result as the contract's JSON object."""

from __future__ import annotations

from liangxin.engine.hosts.spending import Bill, bills
from liangxin.engine.results import JudgeResult, RunResult
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
        "judges": [_judge_fields(one) for one in result.judges],
        "scores": [score_fields(score, one.record.identity) for one in result.judges for score in one.scores],
        "usage": [usage_fields(bill) for bill in bills(result.spent, result.prices)],
    }


def usage_fields(bill: Bill) -> dict[str, object]:
    """What was asked of one model, and its cost where prices are known."""
    spent = bill.spent
    return {
        "part": spent.part,
        "model": spent.model,
        "requests": spent.requests,
        "cache_hits": spent.hits,
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "reasoning_tokens": spent.reasoning_tokens,
        "uncounted": spent.uncounted,
        "cost": bill.cost,
        "currency": bill.currency,
    }


def _judge_fields(one: JudgeResult) -> dict[str, object]:
    """A judge; where it was measured against people, with that measurement."""
    fields: dict[str, object] = {"judge": one.record.identity, "verdicts": dict(one.verdicts)}
    if one.validation is not None:
        fields["validation"] = dict(one.validation.content)
    return fields


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
        "judge_low": score.judge_low,
        "judge_high": score.judge_high,
        "judge_basis": None if score.judge_basis is None else dict(score.judge_basis),
    }
