"""Which stored judge a user means."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.analysis.alike import JudgedRun
from liangxin.analysis.comparing import Side
from liangxin.engine.headline import ruling_command
from liangxin.engine.results import PREFERRED
from liangxin.engine.stored import benchmark_of, named_judges
from liangxin.errors import JudgeError, UsageError
from liangxin.store import Database, JudgeRecord, RunRecord, Runs
from liangxin.text import shell_word


def judge_for(
    database: Database, run: RunRecord, name: str | None, subject: str | None = None
) -> JudgeRecord:
    """The one judge of a run that `name` means; without a name, the only one there is.

    Args:
        subject: the scale that it must rule on; None prefers the benchmark's own.

    Raises:
        JudgeError: none has ruled, or several and none is named.
    """
    all_ = Runs(database).judges(run)
    named = all_ if name is None else named_judges(all_, name)
    found = [one for one in named if subject in (None, one.subject)]
    if named and not found:
        raise JudgeError(
            f"{_listed(named)} on run {run.label} rules on no such levels; these are brought by "
            f"`{ruling_command(run, subject)}`"
        )
    if not found:
        who = "no judge" if name is None else f"no judge {name!r}"
        raise JudgeError(
            f"{who} has ruled on run {run.label}; these have: {_listed(all_)}; another does by "
            f"`liangxin judge {shell_word(run.label)} --judge SPEC`"
        )
    best = preferred(found)
    if len(best) > 1:
        raise JudgeError(
            f"several judges have ruled on run {run.label}: {', '.join(one.identity for one in best)}; "
            "name one with --judge"
        )
    return best[0]


def sides_for(database: Database, names: Sequence[str], judges: Sequence[str]) -> tuple[Side, Side]:
    """The two sides of a comparison: one judge on two runs, or two judges.

    Raises:
        UsageError: more than two judges, runs of two benchmarks, or one run with one judge.
        JudgeError: no judge has ruled on both, or several have and none is named.
    """
    runs = [Runs(database).find(name) for name in names]
    if runs[0].benchmark != runs[1].benchmark:
        raise UsageError(
            f"run {runs[0].label} is of {runs[0].benchmark}, run {runs[1].label} of {runs[1].benchmark}: "
            "only runs of one benchmark compare"
        )
    if len(judges) > 2:
        raise UsageError("at most two judges: one for both runs, or one for each")
    if not judges:
        return _common(database, runs)
    first = judge_for(database, runs[0], judges[0])
    second = judge_for(database, runs[1], judges[-1], subject=first.subject)
    if runs[0].id == runs[1].id and first.identity == second.identity:
        raise UsageError("the same run by the same judge: name two judges with --judge A --judge B")
    return Side(run=runs[0], judge=first), Side(run=runs[1], judge=second)


def consistency_sides(
    database: Database, names: Sequence[str], judges: Sequence[str]
) -> tuple[JudgedRun, JudgedRun] | None:
    """A run of choices and a run of free text, in this order, each with its judge; None where they are no such two.

    Args:
        judges: none, or one for each run as the runs are named; one alone is the text's.
    """
    runs = [Runs(database).find(name) for name in names]
    kinds = [benchmark_of(run).kind for run in runs]
    if sorted(kinds) != ["choice", "open"]:
        return None
    if len(judges) > 2:
        raise UsageError("at most two judges: one for each run")
    text = kinds.index("open")
    named: list[str | None] = [None, None]
    if len(judges) == 2:
        named = list(judges)
    elif judges:
        named[text] = judges[0]
    asked = [
        JudgedRun(run=run, judge=judge_for(database, run, name))
        for run, name in zip(runs, named, strict=True)
    ]
    return asked[1 - text], asked[text]


def _common(database: Database, runs: Sequence[RunRecord]) -> tuple[Side, Side]:
    if runs[0].id == runs[1].id:
        raise UsageError("the same run twice: name two judges with --judge A --judge B")
    first, second = (Runs(database).judges(run) for run in runs)
    for subject in PREFERRED:
        ours, theirs = ([one for one in found if one.subject == subject] for found in (first, second))
        there = {one.identity: one for one in theirs}
        both = [one for one in ours if one.identity in there]
        if len(both) > 1:
            raise JudgeError(
                f"several judges have ruled on both runs: {_listed(both)}; name one with --judge"
            )
        if both:
            return Side(run=runs[0], judge=both[0]), Side(run=runs[1], judge=there[both[0].identity])
        if len(ours) == len(theirs) == 1:
            # As with labels, of which each run has its own file; the comparison says that the judges differ.
            return Side(run=runs[0], judge=ours[0]), Side(run=runs[1], judge=theirs[0])
    raise JudgeError(
        f"no judge has ruled on both runs: {runs[0].label} has {_listed(first)}, {runs[1].label} has {_listed(second)}; "
        "let one rule on both with `liangxin judge`, or name one for each with --judge A --judge B"
    )


def preferred(judges: Sequence[JudgeRecord]) -> list[JudgeRecord]:
    """Those on the benchmark's own scale, else on the next best."""
    subject = min((one.subject for one in judges), key=PREFERRED.index, default=None)
    return [one for one in judges if one.subject == subject]


def _listed(judges: Sequence[JudgeRecord]) -> str:
    return ", ".join(one.identity for one in judges) or "none"
