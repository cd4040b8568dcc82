"""Stored runs as polars frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars

from liangxin.engine.export import COLUMNS, NO_RULING, export_rows
from liangxin.engine.results import RunResult
from liangxin.engine.summary import score_fields
from liangxin.store import Database, JudgeRecord, RunRecord

RUN_COLUMNS = {
    "run": polars.String,
    "name": polars.String,
    "benchmark": polars.String,
    "model": polars.String,
    "sample": polars.Boolean,
}
SCORE_COLUMNS: Mapping[str, Any] = {
    "measure": polars.String,
    "group": polars.String,
    "judge": polars.String,
    "value": polars.Float64,
    "low": polars.Float64,
    "high": polars.Float64,
    "method": polars.String,
    "n": polars.Int64,
    "missing": polars.Int64,
    "missing_by_reason": polars.List(polars.Struct({"reason": polars.String, "count": polars.Int64})),
    "worst": polars.Float64,
    "best": polars.Float64,
    "service": polars.Float64,
    "corrected": polars.String,
    "judge_low": polars.Float64,
    "judge_high": polars.Float64,
    "judge_basis": polars.String,
    **RUN_COLUMNS,
}
ROW_COLUMNS: Mapping[str, Any] = {
    name: {"trial": polars.Int64, "turn": polars.Int64, "confidence": polars.Float64}.get(name, polars.String)
    for name in COLUMNS
}
PLACE = ("run", "item", "trial", "turn")


def scores_frame(result: RunResult) -> polars.DataFrame:
    """Every score of every judge as a row; the columns are always the same."""
    run = result.run
    shared = {
        "run": run.id,
        "name": run.name,
        "benchmark": run.benchmark,
        "model": run.model,
        "sample": run.sample,
    }
    rows = [
        shared | _score_row(score_fields(score, judge.record.identity))
        for judge in result.judges
        for score in judge.scores
    ]
    return polars.DataFrame(rows, schema=SCORE_COLUMNS)


def rows_frame(database: Database, run: RunRecord, judges: Sequence[JudgeRecord]) -> polars.DataFrame:
    """A run's rows as `export` writes them, with the verdicts of `judges` only.

    A turn on which none of them ruled has one row with an empty judge.
    """
    shown = {judge.identity for judge in judges}
    rows: list[dict[str, Any]] = []
    for _, group in groupby(export_rows(database, run), key=itemgetter(*PLACE)):
        turn = list(group)
        rows.extend([row for row in turn if row["judge"] in shown] or [{**turn[0], **NO_RULING}])
    return polars.DataFrame(rows, schema=ROW_COLUMNS)


def turns_frame(rows: polars.DataFrame) -> polars.DataFrame:
    """One row for each turn, without verdicts."""
    return rows.drop(*NO_RULING).unique(PLACE, maintain_order=True)


def verdicts_frame(rows: polars.DataFrame) -> polars.DataFrame:
    """One row for each verdict, without the texts it was given on."""
    return rows.filter(polars.col("judge") != "").select(*PLACE, "category", *NO_RULING)


def _score_row(fields: Mapping[str, Any]) -> dict[str, Any]:
    reasons = [{"reason": name, "count": count} for name, count in fields["missing_by_reason"].items()]
    told = {
        name: None if fields[name] is None else json.dumps(fields[name], ensure_ascii=False)
        for name in ("corrected", "judge_basis")
    }
    return {**fields, "missing_by_reason": reasons, **told}
