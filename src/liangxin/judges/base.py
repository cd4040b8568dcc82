"""The seam to a judge: rules, scorers, LLMs and people give the same verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from liangxin.models.base import ChatModel
from liangxin.records import Case, Scale, Verdict
from liangxin.specs import Benchmark, Endpoint, Generation
from liangxin.traits import ModelTraits

if TYPE_CHECKING:
    from liangxin.correction.known_prompts import KnownPrompts
    from liangxin.correction.sources import JudgeSource
    from liangxin.store import JudgeRecord


class Judge(Protocol):
    """One judge, bound to one benchmark and one of its scales (or, for people, to one annotator)."""

    identity: str
    """SPEC@12 hex digits of its prompt, scale, settings and weights (or the labels file's content)."""
    subject: Literal["primary", "refusal", "safety"]
    """Which scale it rules on: the benchmark's own, the refusal scale, or safe/unsafe."""
    annotator: str
    """The person's name for labels; empty otherwise."""
    batch: int
    """How many cases to hand over at once."""
    connections: int
    """How many batches may be under way at once."""

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        """The scale that the judge uses for an item of that category."""
        ...

    async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
        """One verdict for each case, in order; None where this judge has nothing to say (no label)."""
        ...

    def manifest(self) -> Mapping[str, object]:
        """All that makes the identity, for the run's manifest; holds no key."""
        ...

    def notices(self) -> Sequence[str]:
        """After ruling: what the user should know (unmatched labels, …), a sentence each."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class MeasuredJudge(Protocol):
    """A judge that tells on which labelled sets its error was measured; the others are measured by `validate` alone."""

    def sources(self, scale: str) -> Sequence[JudgeSource]:
        """Labelled sets none of whose prompts it was trained on, for the scale of that name; fixed beforehand."""
        ...

    def trained_on(self) -> KnownPrompts:
        """The prompts of its training, so that no labels of answers to them measure it."""
        ...


@runtime_checkable
class ModelJudge(Protocol):
    """A judge that asks models."""

    asked: Sequence[ChatModel]
    """Each of them; a verdict's `cause` tells what one failed by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeContext:
    """What a judge may know when it is opened."""

    benchmark: Benchmark
    endpoint: Endpoint = field(default_factory=Endpoint)
    """The judge's own; nothing of the model's endpoint is inherited."""
    generation: Generation = Generation(temperature=0.0)
    run_model: str = ""
    """The run's model SPEC: it tells whether an LLM judge is of the measured model's family. No judge asks by it."""
    run_traits: ModelTraits = ModelTraits()
    """What that model is: it tells `labels` whether rows without an answer may be used."""
    item_ids: frozenset[str] = frozenset()
    """Every item of the data, for `labels` to know an unknown item."""
    item_prompts: Mapping[str, str] = field(default_factory=dict)
    """First prompt -> item id, for labels that name the prompt."""
    item_categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Item id -> category path, for `labels` to know the item's scale; an item that is absent may have any."""
    refusal: bool = False
    """Rule on the refusal scale too."""
    entered: tuple[JudgeRecord, ...] = ()
    """The judges that the run has already, for `people` to find its project."""
