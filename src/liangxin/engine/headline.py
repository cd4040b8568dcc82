"""What a run comes to first: its headline, what stands beside it, and what none of its judges can say, with the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from liangxin.engine.results import NO_SUCH_LEVELS, PREFERRED, JudgeResult, RunResult
from liangxin.engine.stored import benchmark_of
from liangxin.errors import JudgeError
from liangxin.measures.plan import OVERALL
from liangxin.records import Measure, Score
from liangxin.specs import Benchmark, Bilingual
from liangxin.store import RunRecord
from liangxin.text import shell_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """An overall number, and the judge that gave it."""

    measure: Measure
    score: Score
    judge: JudgeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Ungiven:
    """Measures that no judge of the run rules on, and what would give them."""

    measures: tuple[str, ...]
    command: str
    """Rules on the run so that they are given."""
    calls: int
    """How many requests the command makes."""
    people: bool
    """Whether people may say it instead."""

    @property
    def cost(self) -> Bilingual:
        """What the command costs, and whether people may say it instead."""
        zh, en = f"（{self.calls} 次调用）", f"({self.calls} calls)"
        if self.people:
            zh, en = f"{zh}，或由人评审（labels:、people:）", f"{en}, or people (labels:, people:)"
        return Bilingual(zh=zh, en=en)

    @property
    def line(self) -> str:
        """The measures and the remedy in one line of both languages."""
        people = "; 或由人评审 or people (labels:, people:)" if self.people else ""
        return f"未给出 not given: {', '.join(self.measures)}: `{self.command}`, {self.calls} 次调用 calls{people}"


def said_by(judge: JudgeResult) -> tuple[Score, ...]:
    """A judge's scores that say something: none on levels it has not; of a measure without any value, `overall` alone."""
    mine = [score for score in judge.scores if NO_SUCH_LEVELS not in score.missing_by_reason]
    valued = {score.measure for score in mine if score.value is not None}
    return tuple(score for score in mine if score.measure in valued or score.group == OVERALL)


def headlines(result: RunResult) -> tuple[Headline, ...]:
    """The one number that a run comes to, then the refusal rate beside it; empty where no judge gives a number.

    It is the first of the benchmark's measures that has a value, those on its own scale before `safe_rate`, and
    `safe_rate` before what says nothing of harm. Of several judges the one with the fewest missing gives it, the
    earlier where they are even, as on a leaderboard.
    """
    ordered = sorted(result.benchmark.measures, key=lambda one: PREFERRED.index(one.subject))
    found = [one for measure in ordered if (one := _of(result.judges, measure)) is not None]
    return tuple(one for at, one in enumerate(found) if at == 0 or one.measure.subject == "refusal")


def ungiven(result: RunResult) -> tuple[Ungiven, ...]:
    """What no judge of the run rules on; at most a line for the benchmark's own measures and one for refusal.

    `safe_rate` stands in for a benchmark's own levels, so it is not missed where these are ruled on and measured.
    """
    ruled = result.subjects
    if not result.judges or result.benchmark.kind == "choice":
        return ()
    replies = max(sum(judge.verdicts.values()) for judge in result.judges)
    harm: list[str] = []
    if "primary" not in ruled or not _names(result, "primary"):
        harm = _names(result, *(("primary",) if "safety" in ruled else ("primary", "safety")))
    made = []
    if harm and "safety" not in ruled:
        made.append(_ungiven(result, harm, "scorer", 0, people=True))
    elif harm:
        made.append(_ungiven(result, harm, "llm:MODELSPEC", replies, people=True))
    if "refusal" not in ruled and (refusal := _names(result, "refusal")):
        made.append(_ungiven(result, refusal, "rule", 0, people=False))
    return tuple(made)


def _ungiven(result: RunResult, measures: Iterable[str], judge: str, calls: int, *, people: bool) -> Ungiven:
    command = f"liangxin judge {shell_word(result.run.label)} --judge {judge}"
    return Ungiven(measures=tuple(measures), command=command, calls=calls, people=people)


def ruling_command(run: RunRecord, subject: str | None) -> str:
    """The command that brings a subject's measures: by a judge that asks nothing, where there is one.

    Args:
        subject: of the measures that are missing; None: the benchmark's own.
    """
    judge = _judge_of(benchmark_of(run), subject or "primary")
    return f"liangxin judge {shell_word(run.label)} --judge {judge}"


def _judge_of(benchmark: Benchmark, subject: str) -> str:
    if subject == "refusal":
        return "rule"
    if benchmark.kind == "choice":
        return "choice"
    from liangxin.judges.scorer import bind, scorer_folder
    from liangxin.judges.scoring.loading import load_scorer

    try:
        bound = bind(load_scorer(scorer_folder("default")), benchmark)
    except JudgeError:
        return "llm:MODELSPEC"
    return "scorer" if bound.subject == subject else "llm:MODELSPEC"


def _names(result: RunResult, *subjects: str) -> list[str]:
    return [one.name for one in result.benchmark.measures if one.subject in subjects]


def _of(judges: Sequence[JudgeResult], measure: Measure) -> Headline | None:
    found = [
        Headline(measure=measure, score=score, judge=judge)
        for judge in judges
        if judge.record.subject == measure.subject
        for score in judge.scores
        if (score.measure, score.group) == (measure.name, OVERALL) and score.value is not None
    ]
    return min(found, key=lambda one: one.score.missing, default=None)
