"""The seam to a chat model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from liangxin.records import Item, Message, Reply
from liangxin.specs import Generation


class ChatModel(Protocol):
    """Anything that answers a conversation."""

    identity: str
    """What makes two models the same one for a run: the SPEC, and a file's digest where a file answers."""

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """Answer `messages`. Every failure of the provider is a status of the reply, never an exception.

        Raises:
            AccessDenied: the provider refused the key; the run must stop.
        """
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class Recorded(Protocol):
    """An optional capability: answers that were recorded for items, found by id or first prompt."""

    def recorded(self, item: Item, turn: int, trial: int) -> Reply:
        """The recorded answer to one turn (both counted from 1); `failed` where there is none."""
        ...

    def unused(self) -> int:
        """How many recorded rows no item has asked for."""
        ...


@runtime_checkable
class Templated(Protocol):
    """An optional capability: a prompt template of our own or of the weights, for the run's manifest."""

    template: str
    """How a conversation becomes the text that the model completes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """How likely a model finds one continuation of a conversation."""

    logprob: float
    """The natural logarithm of its probability: the sum over its tokens."""
    tokens: int
    """How many tokens the sum runs over."""


class NotWeighed(Exception):
    """One conversation's continuations cannot be weighed; the message says why. Others are not concerned."""


@runtime_checkable
class Likelihoods(Protocol):
    """An optional capability: how likely the model's next words are."""

    whole_texts: bool
    """Whether any texts can be weighed; False: only labels that one token tells apart."""
    window: int
    """How many requests should wait together, so that those of like length share a batch."""

    async def loglikelihoods(
        self, messages: Sequence[Message], continuations: Sequence[str]
    ) -> Sequence[Likelihood]:
        """Weigh each continuation as what the assistant says next, in their order.

        Raises:
            NotWeighed: these cannot be weighed; another conversation's may be.
            ModelError: the model cannot be used at all.
        """
        ...
