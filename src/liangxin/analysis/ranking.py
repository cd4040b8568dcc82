"""The leaderboard of one benchmark: measured runs with rank sets, published rows beside them, never ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from liangxin.analysis.comparing import overall_p
from liangxin.analysis.evidence import with_evidence
from liangxin.analysis.named_judges import preferred
from liangxin.analysis.values import UnitCollector, UnitValues, matching, unit_names
from liangxin.benchmarks.published import PublishedRow, published_rows
from liangxin.engine.results import JudgeResult, run_result
from liangxin.engine.stored import benchmark_of, chosen_by, named_judges
from liangxin.engine.summary import score_fields
from liangxin.inference.multiple import rank_sets
from liangxin.records import Score
from liangxin.specs import Benchmark, Bilingual
from liangxin.store import Database, JudgeRecord, RunRecord, Runs
from liangxin.store.life.entrants import Absent, entrants
from liangxin.store.life.states import listed_runs

OVERALL = "overall"
ARCHIVED = Bilingual(zh="已归档，另见 --all", en="archived; see --all")
_SAMPLE = Bilingual(zh="样例·非成绩，另见 --samples", en="a sample is no result; see --samples")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardRow:
    """One line of a leaderboard."""

    model: str
    published: bool
    source: str
    date: str
    annotators: str
    """The judge's identity, or who judged for the paper."""
    ranks: tuple[int, int] | None
    """The ranks that the tests leave open; None for a row that is not ranked."""
    scores: tuple[dict[str, Any], ...]
    comparability: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """All rows of a benchmark, measured ones first, the best first."""

    benchmark: Benchmark
    measure: str
    """What orders and ranks the rows: the benchmark's first."""
    rows: tuple[LeaderboardRow, ...]
    left_out: tuple[Absent, ...]
    """Runs that are not on this board, and why."""
    sample: bool = False
    """Whether its rows are of embedded samples, and so no results (样例·非成绩)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    run: RunRecord
    judge: JudgeResult
    main: Score
    values: tuple[UnitValues, ...]
    """Of the board's measure unit by unit; none where its units have no values of their own."""


def leaderboard(
    database: Database,
    benchmark: Benchmark,
    judge: str | None = None,
    *,
    samples: bool = False,
    archived: bool = False,
) -> Leaderboard:
    """Every run of a benchmark that has a score, with the ranks that all pairwise tests leave open.

    Samples enter no leaderboard but one of their own, beside which no published row stands. Of one data set, only runs
    that were asked the same items stand on it (`entrants`). Runs of other data or by other judges are not tested
    against each other, so nothing is claimed of their order.

    Args:
        judge: only rows by this judge; None takes each run's judge on the benchmark's own scale.
        samples: the samples' own board, without any result.
        archived: whether archived runs are among them.
    """
    candidates, hidden = _candidates(database, benchmark, samples=samples, archived=archived)
    entered = entrants(database, candidates)
    measured: list[_Measured] = []
    left_out = [*hidden, *entered.absent]
    for run in entered.runs:
        ruled = [_measured(database, run, benchmark, record) for record in _judges(database, run, judge)]
        found = [one for one in ruled if one is not None]
        if found:
            # A judge that ruled on a part of the run (labels to check another judge by) is not the run's.
            measured.append(min(found, key=lambda one: one.main.missing))
        else:
            main = benchmark.measures[0].name
            left_out.append(
                Absent(run=run, reason=Bilingual(zh=f"没有评审给出 {main}", en=f"no judge gives {main}"))
            )
    direction = -1 if benchmark.measures[0].higher_is_better is not False else 1
    measured.sort(key=lambda one: direction * (one.main.value or 0.0))
    ranks = _ranks(database, benchmark, measured)
    rows = [_row(one, measured, found) for one, found in zip(measured, ranks, strict=True)]
    rows += [] if samples else [_published(one) for one in published_rows(benchmark.name)]
    return Leaderboard(
        benchmark=benchmark,
        measure=benchmark.measures[0].name,
        rows=tuple(rows),
        left_out=tuple(left_out),
        sample=samples,
    )


def _candidates(
    database: Database, benchmark: Benchmark, *, samples: bool, archived: bool
) -> tuple[list[RunRecord], list[Absent]]:
    """The runs that a board is made of, the newest first; those of the benchmark that are none of them, and why."""
    runs, hidden = [], []
    for one in listed_runs(database, archived=True):
        if one.run.benchmark != benchmark.name or (samples and not one.run.sample):
            continue
        if one.run.sample != samples:
            hidden.append(Absent(run=one.run, reason=_SAMPLE))
        elif one.archived and not archived:
            hidden.append(Absent(run=one.run, reason=ARCHIVED))
        else:
            runs.append(one.run)
    return sorted(runs, key=lambda run: (-run.created, -run.key)), hidden


def _judges(database: Database, run: RunRecord, judge: str | None) -> Sequence[JudgeRecord]:
    judges = Runs(database).judges(run)
    if judge is not None:
        return preferred(named_judges(judges, judge))
    return preferred(judges)


def _measured(
    database: Database, run: RunRecord, benchmark: Benchmark, record: JudgeRecord
) -> _Measured | None:
    """A run by one judge, read once; None where the judge gives no main value."""
    main = benchmark.measures[0].name
    units = UnitCollector(run, benchmark, record, only={main})
    result = run_result(database, run, benchmark_of(run), [record], {record.key: units})
    (judge,) = with_evidence(database, result).judges
    own = result.benchmark.measures[0].name
    found = [one for one in judge.scores if (one.measure, one.group) == (own, OVERALL)]
    if not found or found[0].value is None:
        return None
    return _Measured(run=run, judge=judge, main=found[0], values=units.values())


def _ranks(database: Database, benchmark: Benchmark, measured: Sequence[_Measured]) -> list[tuple[int, int]]:
    """By Holm over all pairs; a pair of other items or judges is no pair.

    Nothing is tested of a measure whose units have no values of their own: it has one list of them or none.
    """
    size = len(measured)
    p = np.full((size, size), np.nan)
    names = [unit_names(database, one.run) for one in measured]
    for i in range(size):
        for j in range(i + 1, size):
            one, two = measured[i], measured[j]
            if not _comparable(one, two):
                continue
            partners = matching(names[i], names[j])
            for ours, theirs in zip(one.values, two.values, strict=True):
                found = overall_p(benchmark, ours, theirs, partners, f"{one.run.id}/{two.run.id}")
                p[i, j] = np.nan if found is None else found
    sign = 1.0 if benchmark.measures[0].higher_is_better is not False else -1.0
    return rank_sets([sign * (one.main.value or 0.0) for one in measured], p) if measured else []


def _comparable(one: _Measured, two: _Measured) -> bool:
    return (
        one.run.data_sha256 == two.run.data_sha256
        and one.run.version == two.run.version
        and (one.judge.record.identity == two.judge.record.identity or (_people(one) and _people(two)))
    )


def _people(one: _Measured) -> bool:
    """Whether people judged: their labels are a file for each run, and still one kind of judge."""
    return one.judge.record.traits.people


def _row(one: _Measured, all_: Sequence[_Measured], ranks: tuple[int, int]) -> LeaderboardRow:
    scores = [score for score in one.judge.scores if score.group == OVERALL or "/" not in score.group]
    return LeaderboardRow(
        model=one.run.model,
        published=False,
        source=f"run {one.run.label}",
        date=datetime.fromtimestamp(one.run.created, UTC).strftime("%Y-%m-%d"),
        annotators=one.judge.record.identity,
        ranks=ranks,
        scores=tuple(score_fields(score, one.judge.record.identity) for score in scores),
        comparability=tuple(_notes(one, all_)),
    )


def _notes(one: _Measured, all_: Sequence[_Measured]) -> list[str]:
    """Same items? Same judge? Same arithmetic? All of it answered?"""
    others = [other for other in all_ if other is not one]
    notes = []
    if any(other.run.data_sha256 != one.run.data_sha256 for other in others):
        notes.append(f"题目 items: data sha256 {one.run.data_sha256[:12]}")
    if any(other.judge.record.identity != one.judge.record.identity for other in others):
        notes.append("评审不同 not every row has this judge")
    if any(other.run.version != one.run.version for other in others):
        notes.append(f"算法版本 arithmetic: {one.run.benchmark} {one.run.version}")
    if any(other.run.units != one.run.units for other in others):
        notes.append(f"题数 items asked: {one.run.units}")
    if benchmark_of(one.run).kind == "choice":
        notes.append(f"作答方式 choices: --choose-by {chosen_by(one.run)}")
    if one.main.missing:
        notes.append(f"缺失 missing: {one.main.missing}")
    if others and not any(_comparable(one, other) for other in others):
        notes.append("没有可比的行，名次不受检验约束 no comparable row: its rank is open")
    return notes


def _published(one: PublishedRow) -> LeaderboardRow:
    return LeaderboardRow(
        model=one.model,
        published=True,
        source=one.source,
        date=one.date,
        annotators=one.annotators,
        ranks=None,
        scores=tuple(
            {
                **dict.fromkeys(
                    (
                        "judge",
                        "low",
                        "high",
                        "missing",
                        "missing_by_reason",
                        "worst",
                        "best",
                        "service",
                        "corrected",
                        "judge_low",
                        "judge_high",
                        "judge_basis",
                    )
                ),
                "measure": score.measure,
                "group": score.group,
                "value": score.value,
                "method": "published",
                "n": score.n,
            }
            for score in one.scores
        ),
        comparability=tuple(
            note for note in ("论文发表，不参加排名 published, never ranked", one.note) if note
        ),
    )


def leaderboard_fields(board: Leaderboard) -> dict[str, Any]:
    """A leaderboard as the contract's JSON object; the samples' own says so."""
    return {
        "benchmark": board.benchmark.name,
        **({"sample": True} if board.sample else {}),
        "rows": [
            {
                "model": row.model,
                "published": row.published,
                "source": row.source,
                "date": row.date,
                "annotators": row.annotators,
                "rank_low": None if row.ranks is None else row.ranks[0],
                "rank_high": None if row.ranks is None else row.ranks[1],
                "scores": list(row.scores),
                "comparability": list(row.comparability),
            }
            for row in board.rows
        ],
        "left_out": [
            {
                "run": one.run.id,
                "name": one.run.name,
                "model": one.run.model,
                "reason": f"{one.reason.zh} {one.reason.en}",
            }
            for one in board.left_out
        ],
    }
