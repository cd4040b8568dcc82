"""How many requests may be under way at once, learnt from the endpoint's 429s and from what it says is left.

A pacer belongs to an endpoint: a host and the key it is asked with. Who asks there has a lane, the model one and the
judges the same or, with connections of their own, another; a lane bounds its own requests, the pacer all of them.

Additive increase, multiplicative decrease (Chiu and Jain 1989, as in TCP, RFC 5681): each 429 halves the
limit, at most once in a round trip, and each round of good answers adds one to it. Where even one request
at a time is too many, a pause before the next one doubles with each further 429 and halves with each good
answer; if that does not help (a spent quota is a 429 too), it is given up, so that the run comes to an end.
While nothing is limited, a request costs one comparison and two additions.

Of tokens nobody knows beforehand how many a request takes: each counts as many as the mean of those answered, the
first by its size, and is set right by its answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

from liangxin.models.http.allowance import Allowance, Left
from liangxin.models.http.rates import Rate, Remaining
from liangxin.records import Usage
from liangxin.specs import Endpoint

SHORTEST_PAUSE = 0.25
LONGEST_PAUSE = 8.0
"""Seconds of the pause that a limit of one falls back on; `Retry-After` may ask for more."""

MOST_PAUSES = 20
"""In a row without a good answer between them."""


LONGEST_HOLD = 120.0
"""Seconds; what is left of a limit that gives anew later is a day's, and its end comes as a 429 that says so."""

_BYTES_A_TOKEN = 3.0
"""Of a request's JSON, about: a Chinese character is three bytes and near a token; before anything was answered."""
_MEAN_OF = 32
"""How many answers the mean of tokens is about."""


class Pacer:
    """Limits the requests of one endpoint. Use: `enter`, ask, `rejected` or `answered`, `leave`."""

    def __init__(self, connections: int, *, clock: Callable[[], float] | None = None) -> None:
        """Start without a limit below `connections`.

        Args:
            connections: the most requests at once that the caller wants; at least 1.
            clock: seconds; by default the running loop's own clock.
        """
        self._most = max(1, connections)
        self._rates: dict[str, Rate] = {}
        """By the user's word: `requests`, `tokens`."""
        self._remaining = {"requests": Remaining(), "tokens": Remaining()}
        """By the endpoint's."""
        self._mean: float | None = None
        """Tokens of a request, as far as is known."""
        self._counted: deque[float] = deque()
        """How many tokens each request under way was counted as, where tokens are bound."""
        self._answers = 0
        self.entered = 0
        """How many requests had their turn."""
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

    def widen(self, connections: int) -> None:
        """Let so many more be under way: another lane leads here."""
        learnt = self._limit < self._most
        self._most += connections
        if not learnt:
            self._limit = float(self._most)

    def bound(self, rpm: int | None, tpm: int | None) -> None:
        """Ask no more than so many requests and tokens a minute; None leaves it."""
        given = {"requests": rpm, "tokens": tpm}
        self._rates |= {
            what: Rate(count) for what, count in given.items() if count and what not in self._rates
        }
        self.limited = self.limited or bool(self._rates)

    async def enter(self, size: int = 0) -> int:
        """Take a turn, waiting for it where requests are limited; returns the round, for `rejected`.

        Args:
            size: bytes of the request.
        """
        if self._mean is None:
            self._mean = size / _BYTES_A_TOKEN
        if self.limited:
            await self._turn()
        else:
            self.under_way += 1
            self.entered += 1
        return self.round

    def leave(self) -> None:
        """Give the turn back."""
        self.under_way -= 1
        if len(self._counted) > self.under_way:
            self._counted.popleft()
        if self.limited:
            self._grant()

    def told(self, left: Allowance, entered: int) -> None:
        """Note what the endpoint says is left.

        Args:
            entered: how many requests had their turn when this one had: the later ones are not counted in it yet.
        """
        now, later = self._clock(), self.entered - entered
        for what, count in (("requests", left.requests), ("tokens", left.tokens)):
            if count is not None:
                self._learn(what, count, later, now)

    def _learn(self, what: str, left: Left, later: int, now: float) -> None:
        each = self._each(what)
        spare = left.amount - later * each
        # While plenty is left nothing is counted, so that nothing is slowed.
        if left.seconds <= LONGEST_HOLD and (
            spare < 2 * self._most * each or self._remaining[what].known(now)
        ):
            self._remaining[what].told(spare, now + left.seconds)
            self.limited = True

    def _each(self, what: str) -> float:
        return 1.0 if what == "requests" else max(self._mean or 0.0, 1.0)

    def _count(self, usage: Usage | None) -> None:
        """Set right what was counted of a request's tokens."""
        if usage is None or usage.prompt_tokens is None:
            return
        tokens, mean = usage.prompt_tokens + (usage.completion_tokens or 0), self._mean or 0.0
        if self._counted:
            self._rates["tokens"].take(tokens - self._counted[0], self._clock())
        self._answers = min(self._answers + 1, _MEAN_OF)
        self._mean = mean + (tokens - mean) / self._answers

    def answered(self, usage: Usage | None = None) -> None:
        """Note that the endpoint took a request on; call it before `leave`.

        Args:
            usage: the tokens that it took.
        """
        self._count(usage)
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
        now = self._clock()
        while (delay := self._delay(now)) <= 0 and self._waiting and self.under_way < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self._take(now)
                place.set_result(None)
        if delay > 0:
            if self._waiting and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(delay, self._wake)
        elif self._limit >= self._most and not self._waiting and not self._pause and not self._measured(now):
            self.limited = False

    def _delay(self, now: float) -> float:
        """Seconds until the next may have its turn, as far as time is what limits."""
        waits = [self._until - now, *(rate.wait(now) for rate in self._rates.values())]
        return max(*waits, *(one.wait(self._each(what), now) for what, one in self._remaining.items()))

    def _take(self, now: float) -> None:
        self.under_way += 1
        self.entered += 1
        for what, rate in self._rates.items():
            rate.take(self._each(what), now)
        if "tokens" in self._rates:
            self._counted.append(self._each("tokens"))
        for what, remaining in self._remaining.items():
            remaining.take(self._each(what))

    def _measured(self, now: float) -> bool:
        """Whether turns are counted by time."""
        return bool(self._rates) or any(one.known(now) for one in self._remaining.values())

    def _wake(self) -> None:
        self._timer = None
        self._grant()


class Lane:
    """The way of some to one endpoint: a bound on their own requests before the endpoint's."""

    def __init__(self, pacer: Pacer, connections: int) -> None:
        """Lead to the endpoint of that pacer.

        Args:
            connections: the most requests at once on this way.
        """
        self.pacer = pacer
        self._connections = max(1, connections)
        self._free = asyncio.Semaphore(self._connections)

    def widen(self, connections: int) -> None:
        """Let at least so many be under way at once."""
        more = connections - self._connections
        if more > 0:
            self._connections = connections
            self.pacer.widen(more)
            for _ in range(more):
                self._free.release()

    async def enter(self, size: int = 0) -> int:
        """Take a turn; see `Pacer`."""
        await self._free.acquire()
        try:
            return await self.pacer.enter(size)
        except asyncio.CancelledError:
            self._free.release()
            raise

    def leave(self) -> None:
        """Give the turn back."""
        self.pacer.leave()
        self._free.release()


_Lanes = dict[bool, Lane]
"""By whether they are a judge's own."""
_LANES: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str | None], _Lanes]] = (
    WeakKeyDictionary()
)
"""Of each loop, by host and key: model, judges and jury of a command run in one."""


def lane_to(host: str, key: str | None, endpoint: Endpoint) -> Lane:
    """The lane to an endpoint, which all share who ask that host with that key; needs a running loop.

    Args:
        endpoint: how many may be under way at once, whether these connections are apart from others', and what a
            minute may take.
    """
    lanes = _LANES.setdefault(asyncio.get_running_loop(), {}).setdefault((host, key), {})
    other = next(iter(lanes.values()), None)
    lane = lanes.get(endpoint.own_connections)
    if lane is not None:
        lane.widen(endpoint.connections)
    elif other is not None:
        other.pacer.widen(endpoint.connections)
        lane = Lane(other.pacer, endpoint.connections)
    else:
        lane = Lane(Pacer(endpoint.connections), endpoint.connections)
    lanes[endpoint.own_connections] = lane
    lane.pacer.bound(endpoint.rpm, endpoint.tpm)
    return lane


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
