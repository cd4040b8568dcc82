"""How long the site waits for whoever is at the other end of a connection.

The server below (uvicorn) waits for ever: for a request's head, for a body that stands still, for an answer that nobody
takes. Few such connections use up all that a process may have open, and then nobody is served.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from liangxin.web.site import ConnectionLimits

_LEAST_OPEN = 32
_MOST_OPEN = 2000


def protocol(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """The server's way to speak HTTP, with an end to waiting."""
    most = limits.open_at_once or _most_open()

    class Watched(_Watched):
        _limits = limits
        _most = most

    return Watched


class _Watched(H11Protocol):
    """One connection; a clock ticks beside it until it is lost."""

    _limits: ConnectionLimits
    _most: int
    _clock: asyncio.TimerHandle | None = None
    _since = 0.0
    """Since when the other end is waited for."""
    _left: int | None = None
    """Bytes of an answer that were not taken at the last tick."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        self._clock = self.loop.call_later(self._limits.seconds, self._tick)
        if len(self.connections) > self._most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._clock is not None:
            self._clock.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._left = None
        super().pause_writing()

    @property
    def _waits(self) -> bool:
        """Whether it is the other end's turn: no request is whole."""
        return self._idle or self.cycle.more_body

    @property
    def _idle(self) -> bool:
        """Whether no request is being answered."""
        cycle: RequestResponseCycle | None = (
            self.cycle
        )  # None until the first request, whatever its type says
        return cycle is None or cycle.response_complete

    def _tick(self) -> None:
        seconds, now = self._limits.seconds, self.loop.time()
        again = seconds
        if self.flow.write_paused:
            size = self.transport.get_write_buffer_size()
            ended = self._left is not None and size > self._left - self._limits.rate * seconds
            self._left = size
        else:
            ended = self._idle and now >= self._since + seconds
            again = max(self._since + seconds - now, seconds / 20) if self._idle else seconds
        if ended:
            # Not `close`, which waits until all that was written is taken.
            self.transport.abort()
            return
        self._clock = self.loop.call_later(again, self._tick)

    def _make_room(self) -> None:
        """End what has waited longest of the address that has most connections waiting."""
        waiting = [one for one in self.connections if isinstance(one, _Watched) and one._waits]
        if not waiting:
            return
        counted = Counter(one._host for one in waiting)
        host, _ = counted.most_common(1)[0]
        min((one for one in waiting if one._host == host), key=lambda one: one._since).transport.abort()

    @property
    def _host(self) -> str:
        return self.client[0] if self.client else ""


class Paced:
    """Ends the body of a request that comes too slowly, as if its sender had left; `late` then stands in its state."""

    def __init__(self, app: ASGIApp, limits: ConnectionLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        waited, came, whole = 0.0, 0, False
        seconds, rate = self._limits.seconds, self._limits.rate

        async def paced() -> Message:
            nonlocal waited, came, whole
            if whole:
                # What is waited for now is that the sender leaves.
                return await receive()
            begun = loop.time()
            try:
                async with asyncio.timeout(min(seconds, max(seconds + came / rate - waited, 0.0))):
                    message = await receive()
            except TimeoutError:
                scope.setdefault("state", {})["late"] = whole = True
                return {"type": "http.disconnect"}
            waited += loop.time() - begun
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, paced, send)


def server_options(app: Any, limits: ConnectionLimits) -> dict[str, Any]:
    """How the server is started, wherever it listens: `uvicorn.Config(**…)`."""
    return {
        "app": app,
        "http": protocol(limits),
        "ws": "none",
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        # Who asks is for the site to say: it knows which proxies were named.
        "proxy_headers": False,
        "timeout_graceful_shutdown": 5,
    }


def _most_open() -> int:
    """Three quarters of the files that this process may have open."""
    try:
        import resource
    except ImportError:  # pragma: no cover (Windows)
        return _MOST_OPEN // 4
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_LEAST_OPEN, min(_MOST_OPEN, soft * 3 // 4))
