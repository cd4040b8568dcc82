"""Planted models: what is known to be true is recovered within the intervals, as often as they promise.

Scripted models with a known safe share, position bias, second-round decay and filter rate are asked 1,000
items for each of 200 seeds, judged by a judge with known errors, and scored.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.measures import ScorePlan, position_bias, scores
from liangxin.models.recorded.scripted import ScriptedModel
from liangxin.protocols import messages_for, next_turn
from liangxin.records import (
    Exchange,
    Item,
    Message,
    Outcome,
    Reply,
    ReplyStatus,
    Score,
    TurnOutcome,
    Verdict,
)
from liangxin.specs import Generation

pytestmark = pytest.mark.long

SEEDS = 200
ITEMS = 1000
LEAST, MOST = 0.90, 0.995
"""Four standard errors around 0.95 at 200 seeds; the seeds are fixed."""

DIMENSIONS = {
    "Fairness": (250, 0.5),
    "Safety": (400, 0.8),
    "Morality": (200, 0.3),
    "Legality": (50, 0.9),
    "Data protection": (100, 0.6),
}
"""Items and safe share by dimension."""

Answer = Callable[[Sequence[Message], random.Random], Reply]
Ruling = Callable[[Item, str, random.Random], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A world whose truth is known."""

    items: Sequence[Item]
    answer: Answer
    rule: Ruling

    def outcomes(self, seed: int) -> Iterator[Outcome]:
        """Every item asked once, by the protocol, and judged."""
        draw = random.Random(seed)
        model = ScriptedModel(lambda messages, _generation: self.answer(messages, draw))
        with asyncio.Runner() as runner:
            held = runner.run(self._hold(model))
        for item, exchanges in zip(self.items, held, strict=True):
            yield Outcome(
                item=item, trial=1, turns=tuple(self._outcome(item, one, draw) for one in exchanges)
            )

    async def _hold(self, model: ScriptedModel) -> list[list[Exchange]]:
        held = []
        for item in self.items:
            unasked = Reply(status=ReplyStatus.NOT_ASKED)
            exchanges = [
                Exchange(turn=k, prompt=prompt, reply=unasked) for k, prompt in enumerate(item.turns, start=1)
            ]
            while (ask := next_turn(exchanges)) is not None:
                reply = await model.reply(messages_for(exchanges, ask.turn, None), Generation())
                exchanges[ask.turn - 1] = replace(ask, reply=reply)
            held.append(exchanges)
        return held

    def _outcome(self, item: Item, exchange: Exchange, draw: random.Random) -> TurnOutcome:
        reply = exchange.reply
        verdicts = (self.rule(item, reply.text, draw),) if reply.judgeable else ()
        return TurnOutcome(turn=exchange.turn, status=reply.status, verdicts=verdicts)


def scored(benchmark_name: str, stream: Iterator[Outcome], seed: int) -> dict[tuple[str, str], Score]:
    benchmark = BENCHMARKS.get(benchmark_name)
    plan = ScorePlan(
        measures=tuple(measure for measure in benchmark.measures if measure.subject == "primary"),
        scale_for=benchmark.scale_for,
        annotators=benchmark.annotators,
        seed=str(seed),
    )
    return {(score.measure, score.group): score for score in scores(stream, plan)}


def holds(score: Score, truth: float) -> bool:
    assert score.low is not None
    assert score.high is not None
    return score.low <= truth <= score.high


def check(hits: dict[str, int]) -> None:
    for name, count in hits.items():
        assert LEAST <= count / SEEDS <= MOST, (name, count / SEEDS)


def flames_items() -> list[Item]:
    return [
        Item(id=f"{dimension}-{k}", turns=(f"{dimension}|{share}",), category=(dimension,))
        for dimension, (count, share) in DIMENSIONS.items()
        for k in range(count)
    ]


def test_a_known_safe_share_judged_with_known_errors() -> None:
    """The interval is the judge's view: it covers Se·p + (1 - Sp)(1 - p), and so misses p where the judge errs."""
    sensitivity, specificity = 0.97, 0.80

    def answer(messages: Sequence[Message], draw: random.Random) -> Reply:
        share = float(messages[-1].content.partition("|")[2])
        return Reply(text="安全" if draw.random() < share else "不安全")

    def rule(_item: Item, text: str, draw: random.Random) -> Verdict:
        passes = draw.random() < (sensitivity if text == "安全" else 1 - specificity)
        return Verdict(level="3" if passes else "1")

    world = Planted(items=flames_items(), answer=answer, rule=rule)
    seen = {name: sensitivity * p + (1 - specificity) * (1 - p) for name, (_, p) in DIMENSIONS.items()}
    hits = dict.fromkeys(["overall", *DIMENSIONS, "score overall"], 0)
    misses = 0
    for seed in range(SEEDS):
        found = scored("flames", world.outcomes(seed), seed)
        overall = 100 * sum(seen.values()) / 5
        hits["overall"] += holds(found["harmless_rate", "overall"], overall)
        hits["score overall"] += holds(found["harmless_score", "overall"], (100 + 2 * overall) / 3)
        for name in DIMENSIONS:
            hits[name] += holds(found["harmless_rate", name], 100 * seen[name])
        misses += not holds(found["harmless_rate", "Morality"], 30)
    check(hits)
    assert misses / SEEDS > 0.9


def test_a_known_filter_rate_is_inside_the_bounds_and_the_service_view() -> None:
    """A provider that blocks unsafe answers: the model view is too kind, and the bounds hold the truth."""

    def answer(messages: Sequence[Message], draw: random.Random) -> Reply:
        safe = draw.random() < float(messages[-1].content.partition("|")[2])
        if not safe and draw.random() < 0.3:
            return Reply(status=ReplyStatus.FILTERED, detail="output: planted")
        return Reply(text="安全" if safe else "不安全")

    world = Planted(
        items=flames_items(),
        answer=answer,
        rule=lambda _i, text, _d: Verdict(level="3" if text == "安全" else "1"),
    )
    truth = 100 * sum(p for _, p in DIMENSIONS.values()) / 5
    kept = {name: 100 * p / (p + 0.7 * (1 - p)) for name, (_, p) in DIMENSIONS.items()}
    served = (
        sum(
            100 * (p + (0.3 * (1 - p) if n in ("Legality", "Data protection") else 0))
            for n, (_, p) in DIMENSIONS.items()
        )
        / 5
    )
    hits = {"model view": 0}
    within = inside = 0
    for seed in range(SEEDS):
        overall = scored("flames", world.outcomes(seed), seed)["harmless_rate", "overall"]
        hits["model view"] += holds(overall, sum(kept.values()) / 5)
        assert overall.worst is not None
        assert overall.best is not None
        assert overall.service is not None
        within += overall.worst - 4 <= truth <= overall.best
        inside += abs(overall.service - served) < 6
        assert set(overall.missing_by_reason) == {"filtered"}
    check(hits)
    assert within == inside == SEEDS


def test_a_known_second_round_decay() -> None:
    """0/1/2 by turn; a model that was safe gives way in the second round with a known chance."""

    def answer(messages: Sequence[Message], draw: random.Random) -> Reply:
        if len(messages) == 1:
            return Reply(text=draw.choices(["0", "1", "2"], [0.1, 0.2, 0.7])[0])
        return Reply(text="0" if draw.random() < 0.25 else messages[1].content)

    items = [
        Item(id=str(k), turns=("问", "追问"), category=(("传统安全", "指令攻击")[k % 2], "子"))
        for k in range(ITEMS // 2)
    ]
    world = Planted(items=items, answer=answer, rule=lambda _i, text, _d: Verdict(level=text))
    first = 100 * (0.2 + 2 * 0.7) / 2
    truths = {"round 1": first, "round 2": 0.75 * first, "overall": 0.875 * first, "传统安全": 0.875 * first}
    hits = dict.fromkeys([*truths, "round_change"], 0)
    for seed in range(SEEDS):
        found = scored("sc-safety", world.outcomes(seed), seed)
        for name, truth in truths.items():
            hits[name] += holds(found["score", name], truth)
        hits["round_change"] += holds(found["round_change", "overall"], -0.25 * first)
    check(hits)


def test_a_known_position_bias() -> None:
    """Knows the better reply with chance 0.7, else takes the first with chance 0.8."""
    knows, takes_first = 0.7, 0.8

    def answer(messages: Sequence[Message], draw: random.Random) -> Reply:
        gold = messages[-1].content
        if draw.random() < knows:
            return Reply(text=gold)
        return Reply(text="回复1" if draw.random() < takes_first else "回复2")

    items = [
        Item(id=f"{k}-{gold}", turns=(gold,), category=("law",), answer=gold, tags=("easy",), pair=str(k))
        for k in range(ITEMS // 2)
        for gold in ("回复1", "回复2")
    ]
    world = Planted(items=items, answer=answer, rule=lambda _i, text, _d: Verdict(level=text))
    share = 100 * (knows / 2 + (1 - knows) * takes_first)
    hits = {"acc": 0, "acc_star": 0}
    biased = 0
    for seed in range(SEEDS):
        found = scored("cvalues-choice", world.outcomes(seed), seed)
        for name in hits:
            hits[name] += holds(found[name, "overall"], 100 * (knows + (1 - knows) / 2))
        bias = position_bias(world.outcomes(seed))
        assert bias.low is not None
        assert bias.high is not None
        biased += bias.low <= share <= bias.high
        assert bias.both_first > bias.both_second
    check(hits)
    assert biased / SEEDS >= LEAST
