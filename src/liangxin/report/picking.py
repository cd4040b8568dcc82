"""Which dialogues the page shows: the worst and some at random, found in one pass with bounded memory."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from liangxin.digests import text_digest
from liangxin.records import Exchange, Item, Level, ReplyStatus, Scale, Verdict
from liangxin.specs import Benchmark, scale_of
from liangxin.store import JudgeRecord, RunRecord, StoredDialogue, hashed
from liangxin.text import Excerpt, excerpt

WORST_SHOWN = 20
RANDOM_SHOWN = 10
ANSWER_LIMIT = 6000
SIDE_LIMIT = 3000
"""Characters shown of a prompt, a reference answer, a reasoning, a judge's reason and its raw reply."""

Tone = Literal["bad", "middle", "good", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingShown:
    """One verdict on one turn."""

    judge: int
    """The judge's key in the store."""
    annotator: str
    status: str
    level: Level | None
    """None where no level was given (or one that its scale does not have: then `name` has it)."""
    name: str
    tone: Tone
    confidence: float | None
    reason: Excerpt
    raw: Excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnShown:
    """One turn as the page shows it."""

    turn: int
    status: ReplyStatus
    detail: Excerpt
    prompt: Excerpt
    answer: Excerpt
    reasoning: Excerpt
    rulings: tuple[RulingShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueShown:
    """One dialogue as the page shows it; texts are cut already, so that many can be held."""

    key: str
    item: str
    category: tuple[str, ...]
    tags: tuple[str, ...]
    expect: str | None
    gold: str | None
    """The right choice of a choice item."""
    reference: Excerpt
    """The reference answer; empty where there is none."""
    trial: int
    turns: tuple[TurnShown, ...]

    @property
    def ruling_count(self) -> int:
        """How many verdicts its turns have."""
        return sum(len(turn.rulings) for turn in self.turns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What one pass over a run found."""

    dialogues: int
    categories: frozenset[str]
    """Every category path of the run's items and every prefix of one."""
    tags: frozenset[str]
    blocked: Mapping[str, int]
    """Filtered turns by what was blocked: `input`, `output`, or neither known."""
    by: JudgeRecord | None
    """Whose levels order the worst: the first judge that gave any, one on the benchmark's own scale first."""
    worst: tuple[DialogueShown, ...]
    random: tuple[DialogueShown, ...]


@dataclass(slots=True)
class _Smallest:
    """The dialogues with the smallest keys; a dialogue is cut to what is shown only once it gets in."""

    size: int
    heap: list[tuple[float, int, DialogueShown]] = field(default_factory=list)

    def offer(self, badness: float, draw: int, make: Callable[[], DialogueShown]) -> None:
        if len(self.heap) < self.size:
            heapq.heappush(self.heap, (-badness, -draw, make()))
        elif (-badness, -draw) > self.heap[0][:2]:
            heapq.heapreplace(self.heap, (-badness, -draw, make()))

    def ordered(self) -> tuple[DialogueShown, ...]:
        return tuple(one[2] for one in sorted(self.heap, key=lambda entry: (-entry[0], -entry[1])))


def pick(
    stored: Iterable[StoredDialogue], run: RunRecord, benchmark: Benchmark, judges: Sequence[JudgeRecord]
) -> Picked:
    """One pass over a run's dialogues.

    Equal levels are drawn, and the random dialogues chosen, by a digest of the run's identity and the
    dialogue's key: the same page every time, and no order of the data in it.
    """
    found = _Found(judges={judge.key: _Smallest(size=WORST_SHOWN) for judge in judges})
    known = {judge.key: judge for judge in judges}
    for one in stored:
        found.dialogues += 1
        item = one.dialogue.item
        found.tags.update(item.tags)
        found.categories.update("/".join(item.category[:depth]) for depth in range(1, len(item.category) + 1))
        found.blocked.update(_blocked(one.dialogue.exchanges))
        if any(exchange.reply.status is not ReplyStatus.NOT_ASKED for exchange in one.dialogue.exchanges):
            _offer(one, found, known, _Reader(benchmark=benchmark, run=run))
    primary_first = sorted(judges, key=lambda judge: judge.subject != "primary")
    by = next((judge for judge in primary_first if judge.key in found.ruled), None)
    return Picked(
        dialogues=found.dialogues,
        categories=frozenset(found.categories),
        tags=frozenset(found.tags),
        blocked=dict(found.blocked),
        by=by,
        worst=() if by is None else found.judges[by.key].ordered(),
        random=found.random.ordered(),
    )


@dataclass(slots=True)
class _Found:
    judges: dict[int, _Smallest]
    random: _Smallest = field(default_factory=lambda: _Smallest(size=RANDOM_SHOWN))
    dialogues: int = 0
    categories: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    blocked: Counter[str] = field(default_factory=Counter)
    ruled: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """How a run's verdicts are read as levels."""

    benchmark: Benchmark
    run: RunRecord

    def draw(self, purpose: str, key: str) -> int:
        return int(text_digest(f"{self.run.id}/{purpose}/{key}", length=16), 16)

    def scale(self, judge: JudgeRecord, item: Item) -> Scale:
        return scale_of(judge.subject, self.benchmark, item.category)

    def standing(self, judge: JudgeRecord, item: Item, name: str) -> float | None:
        """Where a level stands from 0 (worst) to 1 (best); None for a level that its scale does not have."""
        scale = self.scale(judge, item)
        names = [level.name for level in scale.levels]
        if name not in names:
            return None
        if self.benchmark.kind == "choice" and judge.subject == "primary":
            # The levels of a choice have no order of their own: what counts is the gold label.
            return 1.0 if name == item.answer else 0.0 if name in scale.options else 0.5
        place = names.index(name) / max(1, len(names) - 1)
        return 1 - place if judge.subject == "refusal" and item.expect == "answer" else place

    def tone(self, judge: JudgeRecord, item: Item, name: str) -> Tone:
        standing = self.standing(judge, item, name)
        if standing is None or (judge.subject == "refusal" and item.expect is None):
            return "plain"
        if self.benchmark.kind == "choice" and judge.subject == "primary":
            return "good" if standing == 1 else "bad" if standing == 0 else "middle"
        passing = name in self.scale(judge, item).passing
        if judge.subject == "refusal" and item.expect == "answer":
            passing = not passing
        return "bad" if standing == 0 else "good" if passing else "middle"


def _offer(one: StoredDialogue, found: _Found, known: Mapping[int, JudgeRecord], reader: _Reader) -> None:
    dialogue = one.dialogue

    def make() -> DialogueShown:
        return _shown(one, known, reader)

    for key, heap in found.judges.items():
        standing = _lowest(one, known[key], reader)
        if standing is not None:
            found.ruled.add(key)
            if standing < 1:
                heap.offer(standing, reader.draw("worst", dialogue.key), make)
    found.random.offer(0.0, reader.draw("random", dialogue.key), make)


def _lowest(one: StoredDialogue, judge: JudgeRecord, reader: _Reader) -> float | None:
    """The lowest turn's standing, a turn's being the mean of its annotators'."""
    by_turn: dict[int, list[float]] = {}
    for (key, turn, _annotator), ruling in one.rulings.items():
        if key == judge.key and ruling.verdict.level is not None:
            standing = reader.standing(judge, one.dialogue.item, ruling.verdict.level)
            if standing is not None:
                by_turn.setdefault(turn, []).append(standing)
    return min((sum(found) / len(found) for found in by_turn.values()), default=None)


def _blocked(exchanges: Sequence[Exchange]) -> Iterator[str]:
    for exchange in exchanges:
        if exchange.reply.status is ReplyStatus.FILTERED:
            side = exchange.reply.detail.partition(":")[0]
            yield side if side in ("input", "output") else "unknown"


def _shown(one: StoredDialogue, known: Mapping[int, JudgeRecord], reader: _Reader) -> DialogueShown:
    dialogue = one.dialogue
    secret = dialogue.item.secret
    return DialogueShown(
        key=dialogue.key,
        item=dialogue.item.id,
        category=dialogue.item.category,
        tags=dialogue.item.tags,
        expect=dialogue.item.expect,
        gold=None if secret else dialogue.item.answer,
        reference=_cut(dialogue.item.reference or "", SIDE_LIMIT, secret),
        trial=dialogue.trial,
        turns=tuple(
            TurnShown(
                turn=exchange.turn,
                status=exchange.reply.status,
                detail=_cut(exchange.reply.detail, SIDE_LIMIT, secret),
                prompt=_cut(exchange.prompt, SIDE_LIMIT, secret),
                answer=_cut(exchange.reply.text, ANSWER_LIMIT, secret),
                reasoning=_cut(exchange.reply.reasoning, SIDE_LIMIT, secret),
                rulings=tuple(_rulings(one, exchange.turn, known, reader)),
            )
            for exchange in dialogue.exchanges
        ),
    )


def _cut(text: str, limit: int, secret: bool) -> Excerpt:
    """The beginning of a text; of a secret item's only its digest."""
    return excerpt(hashed(text) if secret else text, limit)


def _rulings(
    one: StoredDialogue, turn: int, known: Mapping[int, JudgeRecord], reader: _Reader
) -> Iterator[RulingShown]:
    order = {key: place for place, key in enumerate(known)}
    found = [
        (key, annotator, ruling.verdict) for (key, at, annotator), ruling in one.rulings.items() if at == turn
    ]
    for key, annotator, verdict in sorted(
        (entry for entry in found if entry[0] in known), key=lambda entry: (order[entry[0]], entry[1])
    ):
        yield _ruling(known[key], annotator, verdict, one.dialogue.item, reader)


def _ruling(judge: JudgeRecord, annotator: str, verdict: Verdict, item: Item, reader: _Reader) -> RulingShown:
    name = verdict.level or ""
    return RulingShown(
        judge=judge.key,
        annotator=annotator,
        status=str(verdict.status),
        level=reader.scale(judge, item).level(name),
        name=name,
        tone=reader.tone(judge, item, name) if name else "plain",
        confidence=verdict.confidence,
        reason=_cut(verdict.reason, SIDE_LIMIT, item.secret),
        raw=_cut(verdict.raw, SIDE_LIMIT, item.secret),
    )
