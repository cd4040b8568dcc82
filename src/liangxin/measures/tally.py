"""One measure over all its groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from liangxin.measures.groups import Group, Question, question
from liangxin.measures.intervals import Limits, generator, mover, posterior_means, wilson
from liangxin.measures.plan import OVERALL, ScorePlan
from liangxin.measures.ratings import REASONS, level_values, rater
from liangxin.records import Item, Measure, Outcome, Scale, Score


class Tally:
    """Accumulates one measure's groups and makes its scores."""

    def __init__(self, plan: ScorePlan, measure: Measure) -> None:
        self._plan = plan
        self._measure = measure
        self._rate = rater(measure, plan.annotators)
        self._groups: dict[str, Group] = {}
        self._tops: dict[str, Group] = {}
        self._kinds: dict[str, int] = {}
        self._levels: dict[str, tuple[float, ...]] = {}

    def add(self, unit: Sequence[Outcome]) -> None:
        """One unit: all trials of an item, or of both orders of a pair."""
        placed: dict[str, list[Question]] = {}
        item = unit[0].item
        scale = self._plan.scale_for(item.category)
        levels = self._levels.get(scale.name)
        if levels is None:
            levels = self._levels[scale.name] = tuple(
                sorted(set(level_values(self._measure, scale).values()))
            )
        for _, trials in groupby(unit, key=lambda outcome: outcome.item.id):
            outcomes = list(trials)
            for one in self._questions(outcomes, scale, levels):
                for group in self._names(outcomes[0].item, one.turn):
                    placed.setdefault(group, []).append(one)
        for name, questions in placed.items():
            seen = self._groups.get(name)
            if seen is None:
                seen = self._groups[name] = Group()
            seen.add(questions, levels)
        top = item.category[0] if item.category else ""
        self._tops.setdefault(top, Group()).add(placed[OVERALL], levels)

    def scores(self) -> list[Score]:
        """`overall`, then categories, tags, rounds, expectations."""
        names = sorted(self._groups, key=lambda name: (self._kinds[name], name))
        return [self._score(name, self._groups[name]) for name in names]

    def _questions(
        self, trials: Sequence[Outcome], scale: Scale, levels: tuple[float, ...]
    ) -> Iterator[Question]:
        item = trials[0].item
        low, high = levels[0], levels[-1]
        if self._measure.per == "item":
            ratings = [self._rate(turn, item, scale) for outcome in trials for turn in outcome.turns]
            yield question(ratings, 0, low, high)
            return
        for turns in zip(*(outcome.turns for outcome in trials), strict=True):
            yield question([self._rate(turn, item, scale) for turn in turns], turns[0].turn, low, high)

    def _names(self, item: Item, turn: int) -> Iterator[str]:
        by = self._measure.by
        found = [(0, OVERALL)]
        if "category" in by:
            found += [(1, "/".join(item.category[: k + 1])) for k in range(len(item.category))]
        if "tags" in by:
            found += [(2, tag) for tag in item.tags]
        if "round" in by:
            found.append((3, f"round {turn}"))
        if "expect" in by and item.expect:
            found.append((4, f"expect {item.expect}"))
        for kind, name in found:
            self._kinds[name] = kind
            yield name

    def _score(self, name: str, group: Group) -> Score:
        units = group.n + group.reasons.total()
        if self._plan.unsupported is not None:
            return empty(self._measure.name, name, {self._plan.unsupported: units})
        macro = name == OVERALL and self._measure.combine == "macro"
        parts = [self._tops[top] for top in sorted(self._tops)] if macro else [group]
        limits = self._limits(name, [part for part in parts if part.n])
        return Score(
            measure=self._measure.name,
            group=name,
            value=_mean([part.value for part in parts]),
            low=limits.low if limits else None,
            high=limits.high if limits else None,
            method=limits.method if limits else "",
            n=group.n,
            missing=group.reasons.total(),
            missing_by_reason=ordered(group.reasons),
            worst=_mean([part.worst.mean for part in parts]),
            best=_mean([part.best.mean for part in parts]),
            service=_mean([part.service.mean for part in parts]) if group.blocked else None,
        )

    def _limits(self, name: str, parts: Sequence[Group]) -> Limits | None:
        if not parts:
            return None
        value = _mean([part.value for part in parts]) or 0.0
        bottom, top = min(part.bottom for part in parts), max(part.top for part in parts)
        if all(part.binary for part in parts):
            singles = [_wilson(part, self._plan.confidence) for part in parts]
            low, high = singles[0][1:] if len(singles) == 1 else mover(singles)
            method = "wilson" if len(singles) == 1 else "mover-wilson"
        else:
            low, high = self._bootstrap(name, parts)
            method = "bayesian-bootstrap"
        return Limits(low=max(bottom, min(low, value)), high=min(top, max(high, value)), method=method)

    def _bootstrap(self, name: str, parts: Sequence[Group]) -> tuple[float, float]:
        import numpy as np

        draws = generator(self._plan.seed, self._measure.name, name)
        means = [posterior_means(part.units, sorted(part.attainable), draws) for part in parts]
        tail = 50 * (1 - self._plan.confidence)
        low, high = np.percentile(sum(means) / len(means), [tail, 100 - tail])
        return float(low), float(high)


def empty(measure: str, group: str, missing: Mapping[str, int]) -> Score:
    """A score of which nothing can be said."""
    return Score(
        measure=measure,
        group=group,
        value=None,
        low=None,
        high=None,
        method="",
        n=0,
        missing=sum(missing.values()),
        missing_by_reason=dict(missing),
        worst=None,
        best=None,
    )


def ordered(reasons: Counter[str]) -> dict[str, int]:
    """Reasons with their counts, the most telling first."""
    return {reason: reasons[reason] for reason in REASONS if reasons[reason]}


def _wilson(group: Group, confidence: float) -> tuple[float, float, float]:
    """(value, low, high) of a group of binary units, in the measure's unit."""
    span = group.top - group.bottom
    successes = sum(count for (value, _), count in group.units.items() if value == group.top)
    low, high = wilson(successes, group.n, confidence)
    return group.value or 0.0, group.bottom + span * low, group.bottom + span * high


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
