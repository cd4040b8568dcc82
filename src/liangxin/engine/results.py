"""What a run has come to: counts by status, scores by judge, failures; always rebuilt from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liangxin.engine.counting import FAILURES_SHOWN, EachUnit, Listener, count, ordered_replies
from liangxin.engine.levels import LevelCounts
from liangxin.measures import PositionBias, PositionTally, ScoreBuilder, ScorePlan
from liangxin.prices import PriceList
from liangxin.records import Measure, Score
from liangxin.specs import SUBJECTS, Benchmark, scale_of
from liangxin.store import Database, JudgeRecord, RunRecord, Runs, ValidationRecord
from liangxin.store.columns import ColumnReader, Failure
from liangxin.store.life.spending import Spent, spent_on

__all__ = [
    "FAILURES_SHOWN",
    "NO_SUCH_LEVELS",
    "PREFERRED",
    "UNLABELLED",
    "JudgeResult",
    "RunResult",
    "plan_of",
    "run_result",
]

NO_SUCH_LEVELS = "no such levels"
UNLABELLED = "unlabelled"
PREFERRED = ("primary", "safety", "refusal")
"""Whose scores come first: those on the benchmark's own scale, then harm, then refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeResult:
    """One judge's part in a run."""

    record: JudgeRecord
    verdicts: Mapping[str, int]
    """By status, one for each reply that could be ruled on."""
    scores: tuple[Score, ...]
    position_bias: PositionBias | None = None
    """For choice items."""
    validation: ValidationRecord | None = None
    """How the judge agrees with people, where that was measured."""
    levels: LevelCounts | None = None
    """What its measured error is laid on; None where it has none (people, exact rules, choices)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything that a table, a JSON line or a page says of a run."""

    run: RunRecord
    benchmark: Benchmark
    replies: Mapping[str, int]
    """Turns by the status of the attempt that counts."""
    judges: tuple[JudgeResult, ...]
    subjects: frozenset[str]
    """What any judge of the run rules on, the judges left out of this result included."""
    failures: tuple[str, ...]
    """The first failures, as `ITEM turn N: reason`."""
    failure_count: int
    spent: tuple[Spent, ...] = ()
    """What was asked of hosts for it, over all commands."""
    prices: PriceList | None = None
    """Those that the user named for it; None: those of LIANGXIN_PRICES, if any."""
    stopped: str = ""
    """Why this command asked no more, where a budget ended it."""


def run_result(
    database: Database,
    run: RunRecord,
    benchmark: Benchmark,
    judges: Sequence[JudgeRecord],
    each_unit: Mapping[int, EachUnit] | None = None,
) -> RunResult:
    """Count and score a stored run for the given judges, in one pass over the store.

    Verdicts that failed count as failures only for these judges.

    Args:
        each_unit: by judge's key, who is told of every unit in the same pass.
    """
    listeners = {
        judge.key: Listener(
            judge=judge.key,
            absent=UNLABELLED if judge.traits.from_labels else "not judged",
            scorers=_scorers(run, benchmark, judge, judges),
            position=_position(benchmark, judge),
            levels=LevelCounts() if may_err(benchmark, judge) else None,
            each_unit=None if each_unit is None else each_unit.get(judge.key),
        )
        for judge in judges
    }
    counts = count(ColumnReader(database, run, list(listeners)), list(listeners.values()))
    results = []
    for judge in judges:
        mine = listeners[judge.key]
        scores = tuple(score for scorer in mine.scorers for score in scorer.scores())
        position = None if mine.position is None else mine.position.result()
        verdicts = dict(counts.verdicts[judge.key])
        results.append(
            JudgeResult(
                record=judge, verdicts=verdicts, scores=scores, position_bias=position, levels=mine.levels
            )
        )
    return RunResult(
        run=run,
        benchmark=benchmark,
        replies=ordered_replies(counts.replies),
        judges=tuple(results),
        subjects=frozenset(judge.subject for judge in Runs(database).judges(run)),
        failures=tuple(_sentence(failure) for failure in counts.failures),
        failure_count=counts.failure_count,
        spent=spent_on(database, run),
    )


def may_err(benchmark: Benchmark, judge: JudgeRecord) -> bool:
    """Whether a judge's error belongs to its numbers: not where people or exact rules judge, nor of choices."""
    return benchmark.kind == "open" and not judge.traits.people and not judge.traits.exact


def _position(benchmark: Benchmark, judge: JudgeRecord) -> PositionTally | None:
    """What counts position bias, where the choice is between two."""
    options = benchmark.scale_for(()).options if benchmark.kind == "choice" else ()
    return PositionTally(*options) if len(options) == 2 and judge.subject == "primary" else None


def _sentence(failure: Failure) -> str:
    if failure.judge is None:
        return f"{failure.item} turn {failure.turn}: {failure.reason or 'no answer'}"
    return f"{failure.item} turn {failure.turn}: judge: {failure.reason or 'no verdict'}"


def _scorers(
    run: RunRecord, benchmark: Benchmark, judge: JudgeRecord, judges: Sequence[JudgeRecord]
) -> list[ScoreBuilder]:
    """One scorer for each subject that a judge's scores speak of.

    A judge that reads something else (refusal only, say) still lists the benchmark's main measures, empty and with
    the reason, unless the same SPEC rules on them too.
    """
    main = min((measure.subject for measure in benchmark.measures), key=PREFERRED.index, default="primary")
    found: list[ScoreBuilder] = []
    for subject in SUBJECTS:
        measures = tuple(measure for measure in benchmark.measures if measure.subject == subject)
        sibling = any(one.spec == judge.spec and one.subject == subject for one in judges)
        if not measures or (subject != judge.subject and (subject != main or sibling)):
            continue
        unsupported = None if subject == judge.subject else NO_SUCH_LEVELS
        plan = _plan(run, benchmark, judge, measures, unsupported)
        found.append(ScoreBuilder(plan))
    return found


def plan_of(run: RunRecord, benchmark: Benchmark, judge: JudgeRecord) -> ScorePlan:
    """How a judge's verdicts on its own scale are scored."""
    measures = tuple(measure for measure in benchmark.measures if measure.subject == judge.subject)
    return _plan(run, benchmark, judge, measures, None)


def _plan(
    run: RunRecord,
    benchmark: Benchmark,
    judge: JudgeRecord,
    measures: tuple[Measure, ...],
    unsupported: str | None,
) -> ScorePlan:
    subject = measures[0].subject if measures else "primary"
    return ScorePlan(
        measures=measures,
        scale_for=lambda category: scale_of(subject, benchmark, category),
        annotators=benchmark.annotators,
        seed=f"{run.id}/{judge.identity}",
        unsupported=unsupported,
    )
