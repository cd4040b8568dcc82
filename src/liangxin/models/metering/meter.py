"""A hosted model whose requests are counted, and answered from the cache where it holds the answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from liangxin.models.base import ChatModel, Hosted, Templated
from liangxin.models.metering.cache import ReplyCache
from liangxin.records import Message, Reply
from liangxin.specs import Endpoint, Generation


class Counts(Protocol):
    """Is told of each request of one model."""

    def begun(self) -> None:
        """One is about to be sent."""
        ...

    def ended(self, reply: Reply) -> None:
        """Its reply is there."""
        ...

    def hit(self) -> None:
        """The cache answered, and nothing was sent."""
        ...


class MeteredModel:
    """Asks a hosted model and tells what it asked; a request with its repeats is one."""

    def __init__(
        self, model: ChatModel, endpoint: Endpoint, counts: Counts, cache: ReplyCache | None = None
    ) -> None:
        """Ask nothing yet.

        Args:
            endpoint: how the model is asked; of it, the user's own fields decide what it says.
            cache: None keeps no answers.

        Raises:
            TypeError: the model is asked at no host.
        """
        if not isinstance(model, Hosted):
            raise TypeError("only a hosted model is metered")
        self._model = model
        self._hosted: Hosted = model
        self._endpoint = endpoint
        self._counts = counts
        self._cache = cache
        self.place = model.place
        self.identity = model.identity
        if isinstance(model, Templated):
            self.template = model.template

    def __repr__(self) -> str:
        return repr(self._model)

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """As the model's, or the kept answer to the same request.

        Raises:
            AccessDenied: the provider refused the key.
            StoreError: the cache cannot be used.
        """
        if self._cache is None:
            return await self._asked(messages, generation)
        key = self._cache.key(self.identity, messages, generation, self._endpoint)
        found = self._cache.find(key)
        if found is not None:
            self._counts.hit()
            return found
        reply = await self._asked(messages, generation)
        self._cache.keep(key, reply)
        return reply

    async def _asked(self, messages: Sequence[Message], generation: Generation) -> Reply:
        # Nothing is awaited between the look whether the budget is used up and this.
        self._counts.begun()
        reply = await self._model.reply(messages, generation)
        self._counts.ended(reply)
        return reply

    def sparing(self) -> AbstractContextManager[None]:
        """See `Hosted`."""
        return self._hosted.sparing()

    async def aclose(self) -> None:
        """Release the model's connections."""
        await self._model.aclose()
