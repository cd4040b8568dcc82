"""Expert projects: how far people agree on the best of several answers, and whether its place on the page decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from liangxin.annotation.desk.responses import Response, responses
from liangxin.annotation.outcome.agreement import AgreedShare
from liangxin.measures.intervals import Value, generator, percentiles, posterior_means
from liangxin.store.people import CANDIDATES, TASKS

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class BestAgreement:
    """The mean over pairs of people who judged one task: the share that chose exactly the same answers as best.

    The task is the unit of the interval (Bayesian bootstrap); a choice of none is a choice.
    """

    value: float
    low: float
    high: float
    tasks: int
    """Tasks that two people chose on."""
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """What was chosen in an expert project."""

    choices: int
    """Responses with a choice."""
    none_good: int
    agreement: BestAgreement | None
    """None as long as no task was judged by two people."""
    places: tuple[AgreedShare, ...]
    """How often the answer at each place (A, B, C, …) was among the best, of the responses that had that place
    and found any answer good."""
    chance: float | None
    """How often a place would be if places did not matter: the mean share of answers chosen."""
    runs: Mapping[int, AgreedShare]
    """Run's key to how often its answer was among the best, of the responses that saw one and chose."""


def best_of(connection: Connection, project: Project) -> Best:
    """What people chose, from everybody's latest response."""
    chosen = [
        one for one in responses(connection, project.key) if not one.skipped and (one.best or one.none_good)
    ]
    runs = _runs(connection, project.key)
    with_best = [one for one in chosen if one.best]
    shown = sum(len(one.order) for one in with_best)
    return Best(
        choices=len(chosen),
        none_good=sum(not one.best for one in chosen),
        agreement=_agreement(chosen, project.identity),
        places=_places(with_best),
        chance=sum(len(one.best) for one in with_best) / shown if shown else None,
        runs=_by_run(chosen, runs),
    )


def _agreement(chosen: Iterable[Response], seed: str) -> BestAgreement | None:
    by_task: dict[int, list[frozenset[int]]] = {}
    for one in chosen:
        by_task.setdefault(one.task, []).append(one.best)
    units: Counter[Value] = Counter()
    for sets in by_task.values():
        if len(sets) > 1:
            pairs = list(combinations(sets, 2))
            units[float(sum(one == other for one, other in pairs)), float(len(pairs))] += 1
    pairs_in_all = sum(size * count for (_, size), count in units.items())
    if not pairs_in_all:
        return None
    value = sum(same * count for (same, _), count in units.items()) / pairs_in_all
    attainable = [(0.0, 1.0), (1.0, 1.0)]
    low, high = percentiles(posterior_means(units, attainable, generator(seed, "best")), 0.95)
    return BestAgreement(
        value=value,
        low=min(low, value),
        high=max(high, value),
        tasks=units.total(),
        pairs=int(pairs_in_all),
    )


def _places(chosen: Sequence[Response]) -> tuple[AgreedShare, ...]:
    most = max((len(one.order) for one in chosen), default=0)
    found = []
    for place in range(most):
        with_place = [one for one in chosen if place < len(one.order)]
        hits = sum(one.order[place] in one.best for one in with_place)
        found.append(AgreedShare(hits=hits, n=len(with_place)))
    return tuple(found)


def _by_run(chosen: Iterable[Response], runs: Mapping[tuple[int, int], int]) -> dict[int, AgreedShare]:
    hits: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    for one in chosen:
        for candidate in one.order:
            run = runs[one.task, candidate]
            seen[run] += 1
            hits[run] += candidate in one.best
    return {run: AgreedShare(hits=hits[run], n=count) for run, count in sorted(seen.items())}


def _runs(connection: Connection, project: int) -> dict[tuple[int, int], int]:
    query = select(CANDIDATES.c.task, CANDIDATES.c.slot, CANDIDATES.c.run).join(
        TASKS, TASKS.c.key == CANDIDATES.c.task
    )
    rows = connection.execute(query.where(TASKS.c.project == project))
    return {(task, candidate): run for task, candidate, run in rows}
