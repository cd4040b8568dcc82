"""What a run has come to: counts by status, scores by judge, failures; always rebuilt from the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from liangxin.measures import PositionBias, ScorePlan, position_bias, scores
from liangxin.records import Dialogue, Outcome, ReplyStatus, Scale, Score, TurnOutcome, Verdict, VerdictStatus
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
    """Count and score a stored run for the given judges.

    Verdicts that failed count as failures only for these judges.
    """
    tally = _tally(dialogues(database, run), judges)
    return RunResult(
        run=run,
        benchmark=benchmark,
        replies=dict(
            sorted(tally.replies.items(), key=lambda pair: list(ReplyStatus).index(ReplyStatus(pair[0])))
        ),
        judges=tuple(_judge_result(database, run, benchmark, judge, judges, tally) for judge in judges),
        failures=tuple(tally.failures),
        failure_count=tally.failure_count,
    )


def outcomes(stored: Iterable[StoredDialogue], judge: int) -> Iterator[Outcome]:
    """Each stored dialogue as one judge's scores see it; every annotator's verdict counts."""
    for one in stored:
        by_turn: dict[int, list[Verdict]] = {}
        for (key, turn, _annotator), ruling in one.rulings.items():
            if key == judge:
                by_turn.setdefault(turn, []).append(ruling.verdict)
        yield Outcome(
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


def _tally(stored: Iterable[StoredDialogue], judges: Sequence[JudgeRecord]) -> _Tally:
    tally = _Tally(replies=Counter(), verdicts={judge.key: Counter() for judge in judges}, failures=[])
    absent = {judge.key: UNLABELLED if judge.spec.startswith("labels:") else "not judged" for judge in judges}
    for one in stored:
        _tally_dialogue(one, tally, absent)
    return tally


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


def _judge_result(
    database: Database,
    run: RunRecord,
    benchmark: Benchmark,
    judge: JudgeRecord,
    judges: Sequence[JudgeRecord],
    tally: _Tally,
) -> JudgeResult:
    seed = f"{run.id}/{judge.identity}"
    found: list[Score] = []
    for subject in ("primary", "refusal"):
        measures = tuple(measure for measure in benchmark.measures if measure.subject == subject)
        has_sibling = any(one.spec == judge.spec and one.subject == subject for one in judges)
        if not measures or (subject != judge.subject and (subject == "refusal" or has_sibling)):
            continue
        plan = ScorePlan(
            measures=measures,
            scale_for=benchmark.scale_for if subject == "primary" else _refusal_scale,
            annotators=benchmark.annotators,
            seed=seed,
            unsupported=None if subject == judge.subject else NO_SUCH_LEVELS,
        )
        found.extend(scores(outcomes(dialogues(database, run), judge.key), plan))
    bias = None
    if benchmark.kind == "choice" and judge.subject == "primary":
        bias = position_bias(outcomes(dialogues(database, run), judge.key))
    return JudgeResult(
        record=judge, verdicts=dict(tally.verdicts[judge.key]), scores=tuple(found), position_bias=bias
    )


def _refusal_scale(_category: tuple[str, ...]) -> Scale:
    return REFUSAL
