"""The seam to a chat model."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from liangxin.records import Item, Message, Reply
from liangxin.specs import Generation

_LOOPBACK = re.compile(r"localhost|127(?:\.\d+){3}|::1")


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


@runtime_checkable
class ChatTemplated(Protocol):
    """An optional capability: whether the model was taught to answer in turns is known."""

    has_chat_template: bool
    """False: a base model, which continues a text and cannot follow a format."""


@runtime_checkable
class Preparing(Protocol):
    """An optional capability: what the first request would have to wait for can be done before it."""

    async def ready(self) -> None:
        """Load the weights. While that lasts, other threads of the process may stand still.

        Raises:
            ModelError: they cannot be loaded.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHost:
    """Where a model's requests go."""

    host: str
    """With its port, where that is not the scheme's own; of LiteLLM without a base URL its provider."""
    loopback: bool = False
    """It is this machine."""
    chosen: bool = False
    """The user named it, by an option or a variable; False: it is the provider's own."""


def is_loopback(host: str) -> bool:
    """Whether a host's name or address (without a port) is this machine's own."""
    return bool(_LOOPBACK.fullmatch(host))


def host_in(identity: str) -> ModelHost | None:
    """The host that a model's identity names behind its SPEC (`SPEC@URL`, with more behind a `+`), or None."""
    _, mark, url = identity.rpartition("@")
    if not mark or "://" not in url:
        return None
    parts = urlsplit(url.partition("+")[0])
    return ModelHost(host=parts.netloc, loopback=is_loopback(parts.hostname or ""))


@runtime_checkable
class Hosted(Protocol):
    """An optional capability: the model is asked at a host, which costs something and may be away."""

    place: ModelHost

    def sparing(self) -> AbstractContextManager[None]:
        """While it is open, each request is one attempt: nothing is asked again, and nothing waited for."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """An optional capability: an answer that can be shown while it is written."""

    def stream(
        self, messages: Sequence[Message], generation: Generation
    ) -> AsyncGenerator[str | Reply, None]:
        """Pieces of visible text as they come (never of a think block), and last the complete `Reply`.

        The reply is as `reply` would have returned it. Joined, the pieces are its text, unless an answer broke
        off (`failed`: its text is empty) or closed a think block that the provider had opened unseen: who shows
        the pieces shows the reply's text in their place at the end. Closing the generator ends the request.

        Raises:
            AccessDenied: the provider refused the key.
        """
        ...


async def stream_or_reply(
    model: ChatModel, messages: Sequence[Message], generation: Generation
) -> AsyncGenerator[str | Reply, None]:
    """As `Streaming.stream`; a model without that capability shows its whole text in one piece.

    Raises:
        AccessDenied: the provider refused the key.
        ModelError: the model cannot be used at all.
    """
    if isinstance(model, Streaming):
        async with aclosing(model.stream(messages, generation)) as pieces:
            async for piece in pieces:
                yield piece
        return
    reply = await model.reply(messages, generation)
    if reply.text:
        yield reply.text
    yield reply


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
