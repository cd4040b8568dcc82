"""A kind of model of one's own: `canned:TEXT` answers every question with the same text."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.models import ChatModel
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation


# --8<-- [start:model]
class Canned:
    """The seam to a model is one coroutine and an identity."""

    def __init__(self, text: str) -> None:
        self.identity = f"canned:{text}"  # what makes two such models the same one for a run
        self._text = text

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """Answer the conversation. Failures of the provider are a status of the reply, never an exception."""
        if not messages:
            return Reply(status=ReplyStatus.FAILED, detail="nothing was asked")
        return Reply(text=self._text)

    async def aclose(self) -> None:
        """Release connections."""


def open_canned(name: str, endpoint: Endpoint) -> ChatModel:
    """What `canned:TEXT` opens; `endpoint` holds base URL, key, timeout and retries."""
    return Canned(name)


# --8<-- [end:model]
