"""The frozen values that every layer speaks in: items, replies, dialogues, verdicts, scores.

A record knows nothing of files, models or clocks; two with equal contents are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

AnswerLength = Literal["short", "middle", "long"]
"""A judge errs otherwise on long answers than on short ones, so its error is counted by length."""
LENGTHS: tuple[AnswerLength, ...] = ("short", "middle", "long")
LENGTH_ENDS = (120, 300)
"""The most characters of a short and of a middle answer."""


class ReplyStatus(StrEnum):
    """What became of one request. Refusing is not a status: a judge finds it in the text."""

    OK = "ok"
    FILTERED = "filtered"
    """The provider blocked the input or the output; `Reply.detail` begins with `input:` or `output:`."""
    TRUNCATED = "truncated"
    """Cut off at the length limit; judged and marked if there is text, else nothing to judge."""
    EMPTY = "empty"
    FAILED = "failed"
    """No answer after every retry; the only status that is asked again."""
    NOT_ASKED = "not_asked"
    """An earlier turn ended the dialogue, or the run stopped before this turn. Derived, never stored."""


class VerdictStatus(StrEnum):
    """What became of one ruling."""

    GIVEN = "given"
    UNREADABLE = "unreadable"
    FAILED = "failed"
    FILTERED = "filtered"
    """The judge's own provider blocked it: this hits the worst answers first."""
    ABSTAINED = "abstained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a chat request."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a benchmark asks."""

    id: str
    """Stable across releases: the data's own id, else a digest of the content."""
    turns: tuple[str, ...]
    """What the user says, in order; one entry for a single-turn question."""
    category: tuple[str, ...]
    """The path from the top category down, in the data's own words: ("Fairness", "Toxic language")."""
    choices: tuple[str, ...] = ()
    """For a choice item, the two replies in the order shown."""
    answer: str | None = None
    """The gold label of a choice item: 回复1 or 回复2. No judge sees it."""
    reference: str | None = None
    """A reference answer (参考答案): LLM judges and people are shown it beside the answer, the model never."""
    expect: Literal["refuse", "answer"] | None = None
    """Whether the item should be refused (应拒答) or answered (非拒答)."""
    tags: tuple[str, ...] = ()
    """Further groups that the item counts in, such as `easy` or `hard`."""
    pair: str | None = None
    """Items with one `pair` are one question shown in both orders: one unit of analysis."""
    source: str = field(default="", compare=False)
    """Where it was read: FILE:ROW."""
    stem: str = ""
    """The question of a choice item without its options; empty where the data does not have it apart."""
    secret: bool = False
    """Whether its texts may leave the store as digests only."""

    @property
    def unit(self) -> str:
        """The unit of analysis that intervals and tests count."""
        return self.pair or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a user's or an author's file, before a benchmark reads it as items."""

    file: str
    """The file's name as the user gave it, for messages."""
    number: int
    """The physical line (or sheet row), counted from 1."""
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the provider counted them; None where it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    """Reasoning included, as providers count."""
    reasoning_tokens: int | None = field(default=None, compare=False)
    """Of the completion tokens, those that the answer does not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCause:
    """Why a host gave no answer, where the reason need not lie in what was asked."""

    what: str
    """Ours and short: two of one kind say the same (`HTTP 503`, `connection failed`)."""
    unusable: bool = False
    """Nothing that can answer is there (no host, no such path, no such model): asking on would fail likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a model, or why there is none."""

    text: str = ""
    """The answer without its reasoning; never holds an unpaired surrogate or NUL."""
    reasoning: str = ""
    status: ReplyStatus = ReplyStatus.OK
    detail: str = ""
    """For a person: the provider's code, what was blocked, the error. Holds no key."""
    usage: Usage = Usage()
    seconds: float = 0.0
    unknown_finish: str = field(default="", compare=False)
    """The provider's word for the end of the answer, where nobody knows what it means: counted, not stored."""
    cause: FailureCause | None = field(default=None, compare=False)
    """Of a `failed` one, where others may fail likewise; not stored."""

    @property
    def judgeable(self) -> bool:
        """Whether a judge has something to rule on."""
        return self.status in (ReplyStatus.OK, ReplyStatus.TRUNCATED) and bool(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One turn of a dialogue: what the user said and what came back at the attempt that counts."""

    turn: int
    """Counted from 1."""
    prompt: str
    reply: Reply
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """An item as it was held with a model once (one trial), every planned turn present."""

    key: str
    """A digest of run, item and trial; a label may name it."""
    item: Item
    model: str
    trial: int
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One step of a scale."""

    name: str
    """As it is written in exports and by judges: "3", "safe", "回复1"."""
    points: float
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What a verdict may be, worst level first."""

    name: str
    """Unique within a benchmark; part of a judge's identity."""
    levels: tuple[Level, ...]
    passing: frozenset[str]
    """The levels that count as a pass (harmless, safe, refused, …)."""
    blocked_as: str | None = None
    """The level a provider's block counts as in the service view; None: stays missing there too."""

    @property
    def options(self) -> tuple[str, ...]:
        """For a choice: the levels that stand for options, in the order shown (points 1, 2, …)."""
        chosen = sorted((level for level in self.levels if level.points >= 1), key=lambda level: level.points)
        return tuple(level.name for level in chosen)

    def level(self, name: str) -> Level | None:
        """The level of that name, or None."""
        return next((level for level in self.levels if level.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One ruling on one reply."""

    level: str | None = None
    """A level's name; None unless the status is `given`."""
    status: VerdictStatus = VerdictStatus.GIVEN
    confidence: float | None = None
    reason: str = ""
    raw: str = ""
    """What the judge returned, whole, so that a ruling can be read again."""
    cause: FailureCause | None = field(default=None, compare=False)
    """What a model that the judge asks failed by, as in `Reply`; not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a judge sees. Neither the model's name nor the gold label is in it; a reference answer is."""

    item_id: str
    category: tuple[str, ...]
    dialogue: str
    """The dialogue's key."""
    trial: int
    turn: int
    history: tuple[Message, ...]
    """User and assistant messages before this turn's prompt."""
    prompt: str
    answer: str
    scale: Scale
    choices: tuple[str, ...] = ()
    reference: str | None = None
    """The item's reference answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOutcome:
    """What is known of one turn when it is scored."""

    turn: int
    status: ReplyStatus
    verdicts: tuple[Verdict, ...] = ()
    """One for each annotator (people), else one; empty where nothing was ruled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of one dialogue when it is scored; every planned turn present."""

    item: Item
    trial: int
    turns: tuple[TurnOutcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How verdicts become a number; the arithmetic belongs to the benchmark's declaration."""

    name: str
    """One of the contract's names: harmless_rate, harmless_score, acc, …"""
    value: str
    """Its formula's name in `measures.FORMULAS`, which says what a verdict is worth."""
    by: tuple[Literal["category", "tags", "round", "expect"], ...]
    """Groups besides `overall`; `category` gives every prefix of the path."""
    combine: Literal["macro", "micro"] = "micro"
    """`overall` as the unweighted mean of the top categories present, or over all units alike."""
    per: Literal["item", "turn", "row"] = "item"
    """What `n` and `missing` count."""
    higher_is_better: bool | None = True
    """None where neither direction is good by itself (an overall refusal rate)."""
    unit: Literal["percent", "points"] = "percent"
    subject: Literal["primary", "refusal", "safety"] = "primary"
    """Which scale's verdicts it reads: the benchmark's own, the refusal scale, or safe/unsafe."""
    title: tuple[str, str] | None = None
    """A user's own measure in Chinese and English, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number with all that makes it a number: denominator, what is missing, interval, bounds."""

    measure: str
    group: str
    value: float | None
    """In the paper's unit, unrounded; None where nothing can be said."""
    low: float | None
    high: float | None
    method: str
    """How the interval was made: `wilson`, `mover-wilson`, `bayesian-bootstrap`; empty without one."""
    n: int
    missing: int
    missing_by_reason: Mapping[str, int]
    worst: float | None
    """The value if everything missing were as bad as can be."""
    best: float | None
    service: float | None = None
    """The value if a provider's block counts as the scale's `blocked_as`; None where none was blocked."""
    incomplete: bool = False
    """Whether what is missing is not counted yet, so that the value is none of the paper's before it is asked again."""
    corrected: Mapping[str, object] | None = None
    """The value corrected for the judge's measured error, where a calibration exists."""
    judge_low: float | None = None
    """Between this and `judge_high` the truth lies by the judge's measured error (see `correction.band`)."""
    judge_high: float | None = None
    judge_basis: Mapping[str, object] | None = None
    """`sources` (names) and `why` there is no band; None where people or exact rules judged, all or, of the answers
    that a corrected value rests on, a part."""

    @property
    def erring(self) -> bool:
        """Whether its judge may err, so that `low` and `high` are of the sampling only."""
        return self.judge_basis is not None or self.corrected is not None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """`worst` and `best`, the lesser first: the worst case of an attack's success is the greater one."""
        low, high = self.worst, self.best
        return (low, high) if low is None or high is None or low <= high else (high, low)

    @property
    def replaced(self) -> tuple[float, float, float] | None:
        """(value, low, high) corrected by people's labels on the run, where they stand in place of a band."""
        if self.judge_basis is not None or self.corrected is None:
            return None
        found = [self.corrected[name] for name in ("value", "low", "high")]
        value, low, high = (one if isinstance(one, float) else None for one in found)
        return None if value is None or low is None or high is None else (value, low, high)
