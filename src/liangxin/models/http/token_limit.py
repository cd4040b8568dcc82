"""How an endpoint wants the token limit named: found out from its first error, and remembered.

OpenAI's reasoning models refuse `max_tokens` and want `max_completion_tokens`
(EleutherAI/lm-evaluation-harness#2441); most other servers know the first name alone.
"""

from __future__ import annotations

import asyncio

from liangxin.models.faults import Fault
from liangxin.records import Reply

FIELD, RENAMED = "max_tokens", "max_completion_tokens"


class TokenLimit:
    """What one endpoint calls the limit. The first request goes alone, so that one error tells all the others."""

    def __init__(self) -> None:
        self.field = FIELD
        self._begun = False
        self._known = False
        self._waiting: list[asyncio.Future[None]] = []

    async def turn(self) -> None:
        """Wait until the first request has told; the first goes on at once."""
        if self._begun and not self._known:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            await place
        self._begun = True

    def heard(self, outcome: Reply | Fault, used: str) -> bool:
        """Take in what a request came to; True where it should be made again with `field`.

        Args:
            used: what the limit was called in that request.
        """
        if isinstance(outcome, Fault) and outcome.limit_renamed and used == FIELD:
            self.field = RENAMED
        self.release()
        return used != self.field and isinstance(outcome, Fault) and outcome.limit_renamed

    def release(self) -> None:
        """Let the others go on: the first request is at its end."""
        self._known = True
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            if not place.done():
                place.set_result(None)
