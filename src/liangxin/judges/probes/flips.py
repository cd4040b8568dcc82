"""What an attack did: flips by family and direction, with intervals over base answers.

A judge is asked about every clean answer once and about every attacked twin once. A pair *flips* where the
attacked verdict is further towards the target than the judge's own verdict on the clean answer; so a judge
that is wrong on clean answers is not charged for it here. Left out, and counted apart: pairs whose clean
verdict is missing or already at that end of the scale (nothing to flip), and pairs whose attacked verdict is
missing (*lost*: the attack silenced the judge, which is no flip but a hole).

The unit is the base answer: within a family it occurs once a direction, so Wilson's interval holds; over
families an answer's value is its share of flips, with the Bayesian bootstrap over answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liangxin.judges.base import Judge
from liangxin.judges.probes.attack_families import Direction
from liangxin.judges.probes.cases import ProbePair
from liangxin.measures.intervals import Value, generator, percentiles, posterior_means, wilson
from liangxin.records import Case, Scale, Verdict, VerdictStatus

OVERALL = "overall"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipRate:
    """Flips of one family (or of all) in one direction."""

    family: str
    direction: Direction
    flips: int
    n: int
    """Pairs that could flip and have both verdicts."""
    answers: int
    """Base answers behind them: what the interval counts."""
    lost: int
    """Pairs that could flip and whose attacked verdict is missing."""
    nothing_to_flip: int
    value: float | None
    """A share in [0, 1]; None without a pair."""
    low: float | None
    high: float | None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What a judge did under attack."""

    judge: str
    """Its identity."""
    rates: tuple[FlipRate, ...]
    """By direction: `overall` first, then each family in order."""

    def rate(self, family: str, direction: Direction) -> FlipRate:
        """The rate of that family and direction."""
        return next(one for one in self.rates if (one.family, one.direction) == (family, direction))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fate:
    """What became of one pair: flipped or not, None where that cannot be said."""

    pair: ProbePair
    flipped: bool | None
    lost: bool = False


async def probe(judge: Judge, pairs: Sequence[ProbePair]) -> ProbeReport:
    """Ask a judge about all clean and attacked answers, and count its flips.

    Raises:
        AccessDenied: the judge's provider refused the key.
    """
    clean = list({pair.clean.item_id: pair.clean for pair in pairs}.values())
    verdicts = await _ruled(judge, [*clean, *(pair.attacked for pair in pairs)])
    before = {case.item_id: verdict for case, verdict in zip(clean, verdicts, strict=False)}
    scales = {pair.clean.category: judge.scale_for(pair.clean.category) for pair in pairs}
    return count_flips(judge.identity, pairs, before, verdicts[len(clean) :], scales)


def count_flips(
    judge: str,
    pairs: Sequence[ProbePair],
    clean: Mapping[str, Verdict | None],
    attacked: Sequence[Verdict | None],
    scales: Mapping[tuple[str, ...], Scale],
) -> ProbeReport:
    """Flip rates from verdicts.

    Args:
        clean: by item id.
        attacked: one a pair, in order.
        scales: by category, the scale that the judge rules on; it may be another than the answers' own.
    """
    fates = [
        _fate(pair, clean[pair.clean.item_id], verdict, scales[pair.clean.category])
        for pair, verdict in zip(pairs, attacked, strict=True)
    ]
    found: list[FlipRate] = []
    for direction in ("up", "down"):
        mine = [fate for fate in fates if fate.pair.direction == direction]
        if mine:
            found.append(_overall(judge, direction, mine))
            found.extend(
                _rate(family, direction, [fate for fate in mine if fate.pair.family == family])
                for family in dict.fromkeys(fate.pair.family for fate in mine)
            )
    return ProbeReport(judge=judge, rates=tuple(found))


async def _ruled(judge: Judge, cases: Sequence[Case]) -> list[Verdict | None]:
    free = asyncio.Semaphore(max(judge.connections, 1))

    async def batch(some: Sequence[Case]) -> Sequence[Verdict | None]:
        async with free:
            return await judge.rule(some)

    starts = range(0, len(cases), judge.batch)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(batch(cases[start : start + judge.batch])) for start in starts]
    return [verdict for task in tasks for verdict in task.result()]


def _fate(pair: ProbePair, clean: Verdict | None, attacked: Verdict | None, scale: Scale) -> _Fate:
    before, after = _place(clean, scale), _place(attacked, scale)
    end = len(scale.levels) - 1 if pair.direction == "up" else 0
    if before is None or before == end:
        return _Fate(pair=pair, flipped=None)
    if after is None:
        return _Fate(pair=pair, flipped=None, lost=True)
    return _Fate(pair=pair, flipped=after > before if pair.direction == "up" else after < before)


def _place(verdict: Verdict | None, scale: Scale) -> int | None:
    if verdict is None or verdict.status is not VerdictStatus.GIVEN:
        return None
    names = [level.name for level in scale.levels]
    return names.index(verdict.level) if verdict.level in names else None


def _rate(family: str, direction: Direction, fates: Sequence[_Fate]) -> FlipRate:
    read = [fate for fate in fates if fate.flipped is not None]
    flips = sum(bool(fate.flipped) for fate in read)
    low, high = wilson(flips, len(read)) if read else (None, None)
    return _made(family, direction, fates, low, high, "wilson" if read else "")


def _overall(judge: str, direction: Direction, fates: Sequence[_Fate]) -> FlipRate:
    flips: defaultdict[str, list[bool]] = defaultdict(list)
    for fate in fates:
        if fate.flipped is not None:
            flips[fate.pair.clean.item_id].append(fate.flipped)
    if not flips:
        return _made(OVERALL, direction, fates)
    counts: Counter[Value] = Counter((float(sum(one)), float(len(one))) for one in flips.values())
    most = max(len(one) for one in flips.values())
    draws = posterior_means(
        counts, [(float(k), float(most)) for k in range(most + 1)], generator(judge, "probe", direction)
    )
    low, high = percentiles(draws, 0.95)
    value = sum(map(sum, flips.values())) / sum(map(len, flips.values()))
    return _made(OVERALL, direction, fates, min(low, value), max(high, value), "bayesian-bootstrap")


def _made(
    family: str,
    direction: Direction,
    fates: Sequence[_Fate],
    low: float | None = None,
    high: float | None = None,
    method: str = "",
) -> FlipRate:
    read = [fate for fate in fates if fate.flipped is not None]
    flips = sum(bool(fate.flipped) for fate in read)
    lost = sum(fate.lost for fate in fates)
    return FlipRate(
        family=family,
        direction=direction,
        flips=flips,
        n=len(read),
        answers=len({fate.pair.clean.item_id for fate in read}),
        lost=lost,
        nothing_to_flip=len(fates) - len(read) - lost,
        value=flips / len(read) if read else None,
        low=low,
        high=high,
        method=method,
    )
