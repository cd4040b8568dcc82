"""How many requests may be under way at once, learnt from the endpoint's 429s.

Additive increase, multiplicative decrease (Chiu and Jain 1989, as in TCP, RFC 5681): each 429 halves the
limit, at most once in a round trip, and each round of good answers adds one to it. Where even one request
at a time is too many, a pause before the next one doubles with each further 429 and halves with each good
answer; if that does not help (a spent quota is a 429 too), it is given up, so that the run comes to an end.
While nothing is limited, a request costs one comparison and two additions.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

SHORTEST_PAUSE = 0.25
LONGEST_PAUSE = 8.0
"""Seconds of the pause that a limit of one falls back on; `Retry-After` may ask for more."""

MOST_PAUSES = 20
"""In a row without a good answer between them."""


class Pacer:
    """Limits the requests of one endpoint. Use: `enter`, ask, `rejected` or `answered`, `leave`."""

    def __init__(self, connections: int, *, clock: Callable[[], float] | None = None) -> None:
        """Start without a limit below `connections`.

        Args:
            connections: the most requests at once that the caller wants; at least 1.
            clock: seconds; by default the running loop's own clock.
        """
        self._most = max(1, connections)
        self._limit = float(self._most)
        self._clock = clock or _loop_time
        self._until = 0.0
        self._pause = 0.0
        self._pauses = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.limited = False
        """Whether a request has to ask for its turn; False is the fast path."""
        self.under_way = 0
        self.round = 0
        """Counts the decreases: a 429 to a request from an earlier round says nothing new."""

    @property
    def limit(self) -> int:
        """The most requests at once just now, between 1 and the connections."""
        return int(self._limit)

    async def enter(self) -> int:
        """Take a turn, waiting for it where requests are limited; returns the round, for `rejected`."""
        if self.limited:
            await self._turn()
        else:
            self.under_way += 1
        return self.round

    def leave(self) -> None:
        """Give the turn back."""
        self.under_way -= 1
        if self.limited:
            self._grant()

    def answered(self) -> None:
        """Note that the endpoint took a request on; call it before `leave`."""
        if not self.limited:
            return
        self._pauses = 0
        self._pause = self._pause / 2 if self._pause >= 2 * SHORTEST_PAUSE else 0.0
        self._limit = min(float(self._most), self._limit + 1 / self._limit)

    def rejected(self, began: int, retry_after: float | None) -> None:
        """Note a 429; call it before `leave`.

        Args:
            began: what `enter` returned for this request.
            retry_after: seconds that the endpoint asks everyone to wait, where it does.
        """
        self.limited = True
        now = self._clock()
        if retry_after is not None:
            self._until = max(self._until, now + retry_after)
        if began != self.round:
            return
        self.round += 1
        if self._limit > 1:
            # What was under way is what was too much: the limit may never have been reached.
            self._limit = max(1.0, min(self._limit, self.under_way) / 2)
        else:
            self._pauses += 1
            longer = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, self._pause * 2))
            self._pause = longer if self._pauses <= MOST_PAUSES else 0.0
            self._until = max(self._until, now + self._pause)

    async def _turn(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._grant()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()  # the turn was granted in the same moment: hand it on
            raise

    def _grant(self) -> None:
        """Wake those whose turn it is; the turn is counted here, so that nobody can slip in between."""
        delay = self._until - self._clock()
        if delay > 0:
            if self._waiting and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(delay, self._wake)
            return
        while self._waiting and self.under_way < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self.under_way += 1
                place.set_result(None)
        if self._limit >= self._most and not self._waiting and not self._pause:
            self.limited = False

    def _wake(self) -> None:
        self._timer = None
        self._grant()


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
