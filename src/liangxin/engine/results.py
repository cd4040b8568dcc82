"""What a run has come to: counts by status, scores by judge, failures; always rebuilt from the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liangxin.measures import PositionBias, ScorePlan, Scorer, position_bias
from liangxin.records import (
    Dialogue,
    Measure,
    Outcome,
    ReplyStatus,
    Scale,
    Score,
    TurnOutcome,
    Verdict,
    VerdictStatus,
)
from liangxin.specs import REFUSAL, Benchmark
from liangxin.store import Database, JudgeRecord, RunRecord, StoredDialogue, dialogues

FAILURES_SHOWN = 20
NO_SUCH_LEVELS = "no such levels"
UNLABELLED = "unlabelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeResult:
    """One judge's part in a run."""

    record: JudgeRecord
    verdicts: Mapping[str, int]
    """By status, one for each reply that could be ruled on."""
    scores: tuple[Score, ...]
    position_bias: PositionBias | None = None
    """For choice items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything that a table, a JSON line or a page says of a run."""

    run: RunRecord
    benchmark: Benchmark
    replies: Mapping[str, int]
    """Turns by the status of the attempt that counts."""
    judges: tuple[JudgeResult, ...]
    failures: tuple[str, ...]
    """The first failures, as `ITEM turn N: reason`."""
    failure_count: int


@dataclass(slots=True)
class _Tally:
    """Counters of one pass over the store."""

    replies: Counter[str]
    verdicts: dict[int, Counter[str]]
    failures: list[str]
    failure_count: int = 0

    def fail(self, item: str, turn: int, reason: str) -> None:
        self.failure_count += 1
        if len(self.failures) < FAILURES_SHOWN:
            self.failures.append(f"{item} turn {turn}: {reason}")


def run_result(
    database: Database, run: RunRecord, benchmark: Benchmark, judges: Sequence[JudgeRecord]
) -> RunResult:
    """Count and score a stored run for the given judges, in one pass over the store.

    Verdicts that failed count as failures only for these judges.
    """
    tally = _Tally(replies=Counter(), verdicts={judge.key: Counter() for judge in judges}, failures=[])
    absent = {judge.key: UNLABELLED if judge.spec.startswith("labels:") else "not judged" for judge in judges}
    scorers = {judge.key: _scorers(run, benchmark, judge, judges) for judge in judges}
    for stored in dialogues(database, run):
        _tally_dialogue(stored, tally, absent)
        for key, mine in scorers.items():
            outcome = outcome_of(stored, key)
            for scorer in mine:
                scorer.add(outcome)
    order = list(ReplyStatus)
    return RunResult(
        run=run,
        benchmark=benchmark,
        replies=dict(sorted(tally.replies.items(), key=lambda pair: order.index(ReplyStatus(pair[0])))),
        judges=tuple(
            JudgeResult(
                record=judge,
                verdicts=dict(tally.verdicts[judge.key]),
                scores=tuple(score for scorer in scorers[judge.key] for score in scorer.scores()),
                position_bias=_position_bias(database, run, benchmark, judge),
            )
            for judge in judges
        ),
        failures=tuple(tally.failures),
        failure_count=tally.failure_count,
    )


def outcome_of(one: StoredDialogue, judge: int) -> Outcome:
    """A stored dialogue as one judge's scores see it; every annotator's verdict counts."""
    by_turn: dict[int, list[Verdict]] = {}
    for (key, turn, _annotator), ruling in one.rulings.items():
        if key == judge:
            by_turn.setdefault(turn, []).append(ruling.verdict)
    return Outcome(
        item=one.dialogue.item,
        trial=one.dialogue.trial,
        turns=tuple(
            TurnOutcome(
                turn=exchange.turn,
                status=exchange.reply.status,
                verdicts=tuple(by_turn.get(exchange.turn, ())),
            )
            for exchange in one.dialogue.exchanges
        ),
    )


def _tally_dialogue(one: StoredDialogue, tally: _Tally, absent: Mapping[int, str]) -> None:
    dialogue: Dialogue = one.dialogue
    found: dict[tuple[int, int], list[Verdict]] = {}
    for (key, turn, _annotator), ruling in one.rulings.items():
        found.setdefault((key, turn), []).append(ruling.verdict)
    for exchange in dialogue.exchanges:
        reply = exchange.reply
        tally.replies[str(reply.status)] += 1
        if reply.status is ReplyStatus.FAILED:
            tally.fail(dialogue.item.id, exchange.turn, reply.detail or "no answer")
        if not reply.judgeable:
            continue
        for key, reason in absent.items():
            verdicts = found.get((key, exchange.turn))
            if not verdicts:
                tally.verdicts[key][reason] += 1
                continue
            best = next((one for one in verdicts if one.status is VerdictStatus.GIVEN), verdicts[0])
            tally.verdicts[key][str(best.status)] += 1
            if best.status is VerdictStatus.FAILED:
                tally.fail(dialogue.item.id, exchange.turn, f"judge: {best.reason or 'no verdict'}")


def _scorers(
    run: RunRecord, benchmark: Benchmark, judge: JudgeRecord, judges: Sequence[JudgeRecord]
) -> list[Scorer]:
    """One scorer for each subject that a judge's scores speak of.

    A judge that reads refusal only still lists the benchmark's own measures, empty and with the reason,
    unless the same SPEC rules on them too.
    """
    found: list[Scorer] = []
    for subject in ("primary", "refusal"):
        measures = tuple(measure for measure in benchmark.measures if measure.subject == subject)
        sibling = any(one.spec == judge.spec and one.subject == subject for one in judges)
        if not measures or (subject != judge.subject and (subject == "refusal" or sibling)):
            continue
        unsupported = None if subject == judge.subject else NO_SUCH_LEVELS
        plan = _plan(run, benchmark, judge, measures, unsupported)
        found.append(Scorer(plan))
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
    return ScorePlan(
        measures=measures,
        scale_for=_refusal_scale if measures and measures[0].subject == "refusal" else benchmark.scale_for,
        annotators=benchmark.annotators,
        seed=f"{run.id}/{judge.identity}",
        unsupported=unsupported,
    )


def _position_bias(
    database: Database, run: RunRecord, benchmark: Benchmark, judge: JudgeRecord
) -> PositionBias | None:
    if benchmark.kind != "choice" or judge.subject != "primary":
        return None
    return position_bias(outcome_of(stored, judge.key) for stored in dialogues(database, run))


def _refusal_scale(_category: tuple[str, ...]) -> Scale:
    return REFUSAL
