"""Each annotator of a project beside the others: agreement with their majority, severity, levels, pace."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, select

from liangxin.analysis.pairs import consensus
from liangxin.annotation.outcome.agreement import AgreedShare, accounts_of, scale_over
from liangxin.annotation.outcome.verdicts import LabelledAnswer, label_scale
from liangxin.measures.intervals import Value, generator, percentiles, posterior_means
from liangxin.records import Scale, Verdict
from liangxin.store.people import RESPONSES

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project

Combining = Literal["majority", "mean"]
"""How a benchmark makes one level of several people's: see `consensus`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """How far a person's levels lie from the others' mean, in levels: below 0 is stricter, above 0 milder."""

    value: float
    low: float
    high: float
    n: int
    """Answers that others judged too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorSummary:
    """One annotator of a project."""

    account: int
    done: int
    """Tasks."""
    skipped: int
    seconds: float | None
    """The median over tasks, every version of a task's response counted together."""
    majority: AgreedShare
    """How often this person gave the level that the others together stand for; where they are tied it is not
    counted."""
    severity: Severity | None
    levels: Mapping[str, int]
    """Answers by level, in the scale's order."""


def people(
    connection: Connection, project: Project, found: Sequence[LabelledAnswer], combining: Combining
) -> tuple[AnnotatorSummary, ...]:
    """Everybody who sent a response or gave a level, by account."""
    paces = _paces(connection, project.key)
    common = scale_over(found, project)
    scales = {
        labelled.category[:1]: common or label_scale(project, labelled.category)
        for labelled in {labelled.category[:1]: labelled for labelled in found}.values()
    }
    together = _Together(combining)
    tallies = {account: _Tally() for account in sorted({*accounts_of(found), *paces})}
    for labelled in found:
        _count(tallies, labelled, scales[labelled.category[:1]], together)
    most = max((len(scale.levels) for scale in scales.values()), default=2)
    order = [level.name for scale in scales.values() for level in scale.levels]
    return tuple(
        tally.person(account, paces.get(account), order, f"{project.identity}/{account}", most)
        for account, tally in tallies.items()
    )


class _Tally:
    """What one person's levels come to."""

    def __init__(self) -> None:
        self.hits = 0
        self.compared = 0
        self.differences: Counter[float] = Counter()
        self.levels: Counter[str] = Counter()

    def person(
        self, account: int, pace: _Pace | None, order: Sequence[str], seed: str, most: int
    ) -> AnnotatorSummary:
        seconds = [] if pace is None else pace.seconds
        return AnnotatorSummary(
            account=account,
            done=0 if pace is None else pace.done,
            skipped=0 if pace is None else pace.skipped,
            seconds=statistics.median(seconds) if seconds else None,
            majority=AgreedShare(hits=self.hits, n=self.compared),
            severity=_severity(self.differences, seed, most),
            levels={name: self.levels[name] for name in dict.fromkeys(order)},
        )


class _Together:
    """What several levels stand for, worked out once for each set of them: there are few among many answers."""

    def __init__(self, combining: Combining) -> None:
        self._combining = combining
        self._known: dict[tuple[str, tuple[int, ...]], str | None] = {}

    def of(self, places: tuple[int, ...], scale: Scale) -> str | None:
        """Their consensus by the benchmark's rule; None of a tie."""
        key = (scale.name, places)
        if key not in self._known:
            verdicts = [Verdict(level=scale.levels[place].name) for place in places]
            self._known[key] = consensus(verdicts, scale, self._combining)
        return self._known[key]


def _count(
    tallies: Mapping[int, _Tally], labelled: LabelledAnswer, scale: Scale, together: _Together
) -> None:
    places = labelled.places(scale)
    names = [level.name for level in scale.levels]
    for account, place in places.items():
        tally = tallies[account]
        tally.levels[names[place]] += 1
        others = [other for key, other in places.items() if key != account]
        if not others:
            continue
        tally.differences[round(place - sum(others) / len(others), 6)] += 1
        majority = together.of(tuple(sorted(others)), scale)
        if majority is not None:
            tally.compared += 1
            tally.hits += majority == names[place]


def _severity(differences: Mapping[float, int], seed: str, levels: int) -> Severity | None:
    """The mean difference with the interval of the Bayesian bootstrap over answers."""
    n = sum(differences.values())
    if not n:
        return None
    mean = sum(value * count for value, count in differences.items()) / n
    counts: dict[Value, int] = {(value, 1.0): count for value, count in differences.items()}
    attainable: list[Value] = [(float(step), 1.0) for step in range(1 - levels, levels)]
    low, high = percentiles(posterior_means(counts, attainable, generator(seed, "severity")), 0.95)
    return Severity(value=mean, low=min(low, mean), high=max(high, mean), n=n)


@dataclass(slots=True)
class _Pace:
    done: int
    skipped: int
    seconds: list[float]


def _paces(connection: Connection, project: int) -> dict[int, _Pace]:
    """Tasks by account: how many are done or skipped at their latest version, and the seconds they took."""
    columns = (RESPONSES.c.account, RESPONSES.c.seat, RESPONSES.c.skipped, RESPONSES.c.seconds)
    query = select(*columns).where(RESPONSES.c.project == project).order_by(RESPONSES.c.version)
    assignments: dict[tuple[int, int], tuple[int, float]] = {}
    for account, assignment, skipped, seconds in connection.execute(query):
        assignments[account, assignment] = (
            skipped,
            assignments.get((account, assignment), (0, 0.0))[1] + seconds,
        )
    found: dict[int, _Pace] = {}
    for account, skipped, seconds in _by_account(assignments):
        pace = found.setdefault(account, _Pace(0, 0, []))
        pace.skipped += skipped
        pace.done += not skipped
        if not skipped:
            pace.seconds.append(seconds)
    return found


def _by_account(
    assignments: Mapping[tuple[int, int], tuple[int, float]],
) -> Iterator[tuple[int, bool, float]]:
    for (account, _assignment), (skipped, seconds) in assignments.items():
        yield account, bool(skipped), seconds
