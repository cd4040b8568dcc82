"""The way to an endpoint: one POST at a time over a kept-alive connection, and the patience around it.

`Transport` is the replaceable part: it makes one attempt and knows nothing of chat. `Asker` reads what
came back, asks again where that may help, and always comes to an end.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Protocol

import aiohttp
from yarl import URL

from liangxin.errors import AccessDenied
from liangxin.models.http.pacing import Pacer
from liangxin.models.reading import Fault, read_answer
from liangxin.models.scrub import Secrets
from liangxin.records import Reply, ReplyStatus

LARGEST_BODY = 64 << 20
"""Bytes; a longer answer is no answer."""

LONGEST_WAIT = 900.0
"""Seconds; an endpoint that asks to wait longer is not waited for: the item is asked again another day."""

_CHUNK = 1 << 18


class Unreachable(Exception):
    """One attempt brought nothing back. The message may quote the endpoint: scrub it before showing."""

    def __init__(self, what: str, said: str = "", *, retry: bool = True) -> None:
        super().__init__(what)
        self.what = what
        self.said = said
        self.retry = retry


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What one attempt brought back."""

    status: int
    body: bytes
    retry_after: float | None = None
    """Seconds, where the endpoint named them."""


class Transport(Protocol):
    """One way to POST JSON to one address."""

    async def post(self, payload: bytes) -> HttpAnswer:
        """Make one attempt.

        Raises:
            Unreachable: no whole answer came back in time.
        """
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class OpenedAnswer(Protocol):
    """An answer that has begun to arrive."""

    status: int
    retry_after: float | None

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, in any pieces.

        Raises:
            Unreachable: it broke off, or took too long.
        """
        ...

    def close(self) -> None:
        """Be done with it; an answer that is not at its end is broken off at the provider."""
        ...


class StreamingTransport(Transport, Protocol):
    """A transport whose answers can be read while they arrive."""

    async def open(self, payload: bytes) -> OpenedAnswer:
        """Make one attempt; whoever opened an answer closes it.

        Raises:
            Unreachable: no answer began in time.
        """
        ...


_BROKEN = (TimeoutError, aiohttp.ClientError, OSError, EOFError, RuntimeError)
"""How an attempt fails; RuntimeError is uvloop's word for a transport that closed in the same moment."""


class AiohttpTransport:
    """POST over aiohttp: one session, headers and address made once. It lives in the loop that made it."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        timeout: float,
        proxy: str | None = None,
        proxy_authorization: str | None = None,
    ) -> None:
        """Open a session; needs a running loop.

        Args:
            timeout: seconds for one whole attempt, connecting and reading included.
            proxy: address of an HTTP proxy. It is decided once by the caller: aiohttp's `trust_env` reads
                the environment again for every request.
            proxy_authorization: the header that the proxy wants.
        """
        self._url = URL(url)
        self._timeout = timeout
        self._proxy_headers = None
        if proxy_authorization is not None:
            wanted = {"Proxy-Authorization": proxy_authorization}
            if self._url.scheme == "https":  # it goes with the CONNECT, and no further
                self._proxy_headers = wanted
            else:
                headers = {**headers, **wanted}
        # aiohttp shows a session's own headers to the proxy too: the key must go with the request alone.
        self._headers = headers if proxy else None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
            headers=None if proxy else headers,
            skip_auto_headers=("Accept",),
            timeout=aiohttp.ClientTimeout(total=timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=URL(proxy) if proxy else None,
            trust_env=False,
        )

    async def post(self, payload: bytes) -> HttpAnswer:
        """See `Transport`."""
        try:
            # A redirect is not followed: it would carry the key to an address that nobody named.
            async with self._session.post(
                self._url,
                data=payload,
                headers=self._headers,
                allow_redirects=False,
                proxy_headers=self._proxy_headers,
            ) as response:
                length = response.content_length
                if length is not None and length < _CHUNK and "Content-Encoding" not in response.headers:
                    body = await response.read()
                else:
                    body = await _read_capped(response)
                status = response.status
                waits = None if status == 200 else retry_after(response.headers)
                return HttpAnswer(status=status, body=body, retry_after=waits)
        except _BROKEN as error:
            raise self._unreachable(error) from None

    async def open(self, payload: bytes) -> OpenedAnswer:
        """See `StreamingTransport`."""
        try:
            response = await self._session.post(
                self._url,
                data=payload,
                headers={**(self._headers or {}), "Accept": "text/event-stream, application/json"},
                allow_redirects=False,
                proxy_headers=self._proxy_headers,
            )
        except _BROKEN as error:
            raise self._unreachable(error) from None
        return AiohttpOpened(response, self._unreachable)

    def _unreachable(self, error: Exception) -> Unreachable:
        """What a failed attempt is called; an error of a session that was closed is the caller's own."""
        if isinstance(error, TimeoutError):
            return Unreachable(f"no answer within {self._timeout:g} s")
        if self._session.closed:
            raise error
        return Unreachable("connection failed", f"{type(error).__name__}: {error}")

    async def aclose(self) -> None:
        """See `Transport`."""
        await self._session.close()


class AiohttpOpened:
    """A response of aiohttp that is being read."""

    def __init__(
        self, response: aiohttp.ClientResponse, unreachable: Callable[[Exception], Unreachable]
    ) -> None:
        self._response = response
        self._unreachable = unreachable
        self.status = response.status
        self.retry_after = None if response.status == 200 else retry_after(response.headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `OpenedAnswer`."""
        length = 0
        try:
            async for chunk in self._response.content.iter_any():
                length += len(chunk)
                if length > LARGEST_BODY:
                    raise Unreachable(f"the answer is longer than {LARGEST_BODY >> 20} MB", retry=False)
                yield chunk
        except _BROKEN as error:
            raise self._unreachable(error) from None

    def close(self) -> None:
        """See `OpenedAnswer`. What has not been read makes aiohttp close the connection."""
        self._response.release()


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_BODY:
            response.close()
            raise Unreachable(f"the answer is longer than {LARGEST_BODY >> 20} MB", retry=False)
    return bytes(body)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait that an answer asks for, in seconds from now; None where it names none (RFC 9110, 10.2.3).

    Understands seconds, an HTTP date, and `retry-after-ms`, which Azure and OpenAI send.
    """
    milliseconds = _seconds(headers.get("Retry-After-Ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return max(0.0, seconds) if isfinite(seconds) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long to wait before asking again."""

    retries: int = 4
    """Attempts after the first."""
    base: float = 0.5
    """Seconds: the first wait is drawn from 0 to this, each later one from twice as much."""
    cap: float = 60.0
    """Seconds: no wait is drawn from more."""

    def draw(self, attempt: int, source: random.Random) -> float:
        """The wait after a failed attempt (counted from 1): exponential back-off with full jitter.

        Source: M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
        """
        return source.uniform(0.0, min(self.cap, self.base * 2.0 ** min(attempt - 1, 60)))


class Asker:
    """Asks one endpoint until there is a reply or the patience ends."""

    def __init__(
        self,
        transport: Transport,
        *,
        pacer: Pacer,
        patience: Patience,
        secrets: Secrets,
        denied: str,
        source: random.Random | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            denied: the sentence for a refused key; names the host and what to check.
            source: of the jitter; seeded by tests.
        """
        self._transport = transport
        self._pacer = pacer
        self._patience = patience
        self._secrets = secrets
        self._denied = denied
        self._random = source or random.Random()

    async def ask(self, payload: bytes) -> Reply:
        """The reply to one request; `failed` with the reason where every attempt failed.

        Raises:
            AccessDenied: the endpoint refused the key.
        """
        attempt = 0
        while True:
            attempt += 1
            started = time.perf_counter()
            outcome, wait = await self._attempt(payload)
            seconds = time.perf_counter() - started
            told = self._told(outcome, wait, attempt, seconds)
            if isinstance(told, Reply):
                return told
            await asyncio.sleep(told)

    async def aclose(self) -> None:
        """Release connections."""
        await self._transport.aclose()

    @staticmethod
    def read(status: int, body: bytes) -> Reply | Fault:
        """What an answer says; another protocol's asker reads it its own way."""
        return read_answer(status, body)

    async def _attempt(self, payload: bytes) -> tuple[Reply | Fault, float | None]:
        """One attempt in its turn: the outcome, and the wait that the endpoint asks for."""
        pacer = self._pacer
        began = await pacer.enter()
        try:
            answer = await self._transport.post(payload)
            outcome = self.read(answer.status, answer.body)
            if isinstance(outcome, Reply):
                pacer.answered()
            elif outcome.limited and (answer.retry_after or 0.0) <= LONGEST_WAIT:
                # A longer wait is sat out by nobody, so it holds nobody either.
                pacer.rejected(began, answer.retry_after)
            return outcome, answer.retry_after
        except Unreachable as error:
            return Fault(what=error.what, said=error.said, retry=error.retry), None
        finally:
            pacer.leave()

    def _told(
        self, outcome: Reply | Fault, wait: float | None, attempt: int, seconds: float
    ) -> Reply | float:
        """The reply that an attempt comes to, or the seconds to wait before the next one.

        Raises:
            AccessDenied: the endpoint refused the key.
        """
        if isinstance(outcome, Reply):
            return self._shown(outcome, seconds)
        if outcome.denied:
            said = self._secrets.excerpt(outcome.said)
            raise AccessDenied(f"{self._denied} ({outcome.what}{': ' if said else ''}{said})")
        minimum = wait or 0.0
        if not outcome.retry or attempt > self._patience.retries or minimum > LONGEST_WAIT:
            return self._failed(outcome, attempt, minimum, seconds)
        return max(minimum, self._patience.draw(attempt, self._random))

    def _shown(self, reply: Reply, seconds: float) -> Reply:
        """A reply as it may be stored."""
        secrets = self._secrets
        return replace(
            reply,
            text=secrets.mask(reply.text),
            reasoning=secrets.mask(reply.reasoning),
            detail=secrets.excerpt(reply.detail) if reply.detail else "",
            seconds=seconds,
        )

    def _failed(self, fault: Fault, attempts: int, minimum: float, seconds: float) -> Reply:
        detail = fault.what
        if minimum > LONGEST_WAIT:
            detail += f" asking to wait {minimum:.0f} s"
        if fault.retry:
            detail += f" after {attempts} attempt{'s' if attempts > 1 else ''}"
        said = self._secrets.excerpt(fault.said)
        return Reply(
            status=ReplyStatus.FAILED, detail=f"{detail}: {said}" if said else detail, seconds=seconds
        )
