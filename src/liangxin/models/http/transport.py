"""The way to an endpoint: one POST at a time over a kept-alive connection, and the patience around it.

A `Transport` is the replaceable part: it makes one attempt and knows nothing of chat. `Asker` reads what
came back, asks again where that may help, and always comes to an end.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

import aiohttp
from yarl import URL

from liangxin.errors import AccessDenied
from liangxin.models.faults import Fault
from liangxin.models.http.allowance import allowance
from liangxin.models.http.attempts import HttpAnswer, OpenedAnswer, Transport, Unreachable
from liangxin.models.http.bodies import BodyBudget, shared_budget
from liangxin.models.http.pacing import Lane
from liangxin.models.http.waiting import Patience, retry_after
from liangxin.models.reading import read_answer
from liangxin.models.scrub import Secrets
from liangxin.records import Reply, ReplyStatus

LARGEST_BODY = 64 << 20
"""Bytes; a longer answer is no answer."""

LONGEST_WAIT = 900.0
"""Seconds; an endpoint that asks to wait longer is not waited for: the item is asked again another day."""

CONNECT_SECONDS = 20.0
"""The longest that finding, reaching and greeting a host may take, however long its answer may."""

MOST_PAGES = 16
"""Items refused with a page of HTML, and nothing answered: then it is not about single prompts."""

_CHUNK = 1 << 18

Outcome = tuple[Reply | Fault, float | None]
"""What an attempt came to, and the wait that the endpoint asks for."""
MakeAttempt = Callable[[bytes], Awaitable[Outcome]]
Heard = Callable[[Reply | Fault], bytes | None]
"""Is told what an attempt came to; may return another body to be asked at once."""


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
            timeout=aiohttp.ClientTimeout(total=timeout, connect=min(timeout, CONNECT_SECONDS)),
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
                body = await self._body(response)
                status = response.status
                waits = None if status == 200 else retry_after(response.headers)
                left = allowance(response.headers)
                return HttpAnswer(status=status, body=body, retry_after=waits, left=left)
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
        return AiohttpOpened(response, self._unreachable, shared_budget())

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        length = response.content_length
        body = bytearray()
        async with shared_budget().share() as share:
            if length is not None and length < _CHUNK and "Content-Encoding" not in response.headers:
                await share.grow(length)
                return await response.read()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > LARGEST_BODY:
                    response.close()
                    raise _too_long()
                await share.grow(len(chunk))
            return bytes(body)

    def _unreachable(self, error: Exception) -> Unreachable:
        """What a failed attempt is called; an error of a session that was closed is the caller's own."""
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            within = min(self._timeout, CONNECT_SECONDS)
            return Unreachable(f"no connection within {within:g} s", absent=True)
        if isinstance(error, TimeoutError):
            return Unreachable(f"no answer within {self._timeout:g} s")
        if self._session.closed:
            raise error
        absent = isinstance(error, aiohttp.ClientConnectorError)
        return Unreachable("connection failed", f"{type(error).__name__}: {error}", absent=absent)

    async def aclose(self) -> None:
        """See `Transport`."""
        await self._session.close()


class AiohttpOpened:
    """A response of aiohttp that is being read."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        unreachable: Callable[[Exception], Unreachable],
        budget: BodyBudget,
    ) -> None:
        self._response = response
        self._unreachable = unreachable
        self._share = budget.share()
        self.status = response.status
        self.retry_after = None if response.status == 200 else retry_after(response.headers)
        self.left = allowance(response.headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `OpenedAnswer`."""
        length = 0
        try:
            async for chunk in self._response.content.iter_any():
                length += len(chunk)
                if length > LARGEST_BODY:
                    raise _too_long()
                await self._share.grow(len(chunk))
                yield chunk
        except _BROKEN as error:
            raise self._unreachable(error) from None

    def close(self) -> None:
        """See `OpenedAnswer`. What has not been read makes aiohttp close the connection."""
        self._share.give_back()
        self._response.release()


def unreachable_fault(error: Unreachable) -> Fault:
    """The fault of an attempt that brought nothing back."""
    return Fault(what=error.what, said=error.said, retry=error.retry, absent=error.absent)


def _too_long() -> Unreachable:
    return Unreachable(f"the answer is longer than {LARGEST_BODY >> 20} MB", retry=False)


class Asker:
    """Asks one endpoint until there is a reply or the patience ends."""

    def __init__(
        self,
        transport: Transport,
        *,
        lane: Lane,
        patience: Patience,
        secrets: Secrets,
        denied: str,
        source: random.Random | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            lane: its way to the endpoint, perhaps shared.
            denied: the sentence for a refused key: the host, `refused access: ` and what to check.
            source: of the jitter; seeded by tests.
        """
        self._transport = transport
        self._lane = lane
        self._patience = patience
        self._secrets = secrets
        self._denied = denied
        self._random = source or random.Random()
        self._answered = False
        """Whether the endpoint has ever answered: then its key is good."""
        self._spared = 0
        """How many want one attempt a request just now."""
        self._pages = 0
        """Items for which a page of HTML came under 403, while nothing was answered."""

    async def ask(self, payload: bytes, heard: Heard | None = None) -> Reply:
        """The reply to one request; `failed` with the reason where every attempt failed.

        Args:
            heard: is told what each attempt came to; it may return another body to be asked at once instead.

        Raises:
            AccessDenied: the endpoint refused the key, or the account can pay for nothing more.
        """
        return await self._until_told(payload, self._attempt, heard)

    async def _until_told(self, payload: bytes, make_attempt: MakeAttempt, heard: Heard | None) -> Reply:
        attempt = 0
        while True:
            attempt += 1
            started = time.perf_counter()
            outcome, wait = await make_attempt(payload)
            if heard is not None and (other := heard(outcome)) is not None:
                payload, attempt = other, attempt - 1
                continue
            seconds = time.perf_counter() - started
            told = self._told(outcome, wait, attempt, seconds)
            if isinstance(told, Reply):
                return told
            await asyncio.sleep(told)

    @contextmanager
    def sparing(self) -> Iterator[None]:
        """While it is open, nothing is asked again."""
        self._spared += 1
        try:
            yield
        finally:
            self._spared -= 1

    async def aclose(self) -> None:
        """Release connections."""
        await self._transport.aclose()

    @staticmethod
    def read(status: int, body: bytes) -> Reply | Fault:
        """What an answer says; another protocol's asker reads it its own way."""
        return read_answer(status, body)

    async def _attempt(self, payload: bytes) -> Outcome:
        """One attempt in its turn: the outcome, and the wait that the endpoint asks for."""
        pacer = self._lane.pacer
        began = await self._lane.enter(len(payload))
        entered = pacer.entered
        try:
            answer = await self._transport.post(payload)
            if answer.left is not None:
                pacer.told(answer.left, entered)
            outcome = self.read(answer.status, answer.body)
            if isinstance(outcome, Reply):
                pacer.answered(outcome.usage)
            elif outcome.limited and (answer.retry_after or 0.0) <= LONGEST_WAIT:
                # A longer wait is sat out by nobody, so it holds nobody either.
                pacer.rejected(began, answer.retry_after)
            return outcome, answer.retry_after
        except Unreachable as error:
            return unreachable_fault(error), None
        finally:
            self._lane.leave()

    def _told(
        self, outcome: Reply | Fault, wait: float | None, attempt: int, seconds: float
    ) -> Reply | float:
        """The reply that an attempt comes to, or the seconds to wait before the next one.

        Raises:
            AccessDenied: the endpoint refused the key, or the account can pay for nothing more.
        """
        if isinstance(outcome, Reply):
            self._answered = True
            return self._shown(outcome, seconds)
        if outcome.denied or outcome.spent:
            self._stop(outcome)
        if outcome.page and self._answered and attempt > min(1, self._patience.retries):
            # The key is good and the same prompt was refused again: what stands before the endpoint blocks it.
            said = self._secrets.excerpt(outcome.said)
            return Reply(
                status=ReplyStatus.FILTERED, detail=f"input: firewall {outcome.what}: {said}", seconds=seconds
            )
        minimum = wait or 0.0
        retries = 0 if self._spared else self._patience.retries
        if not outcome.retry or attempt > retries or minimum > LONGEST_WAIT:
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
            unknown_finish=secrets.excerpt(reply.unknown_finish) if reply.unknown_finish else "",
            seconds=seconds,
        )

    def _stop(self, fault: Fault) -> NoReturn:
        said = self._secrets.excerpt(fault.said)
        told = f"({fault.what}{': ' if said else ''}{said})"
        if fault.spent:
            host = self._denied.partition(" refused access")[0]
            raise AccessDenied(
                f"{host} answers that the quota or balance is spent: top it up, then the same command goes on {told}"
            )
        if fault.page:
            raise AccessDenied(
                f"{self._denied}, or what stands before it, a firewall or proxy: {self._pages} requests, and none was "
                f"answered {told}"
            )
        raise AccessDenied(f"{self._denied} {told}")

    def _failed(self, fault: Fault, attempts: int, minimum: float, seconds: float) -> Reply:
        if fault.page:
            self._pages += 1
            if self._pages >= MOST_PAGES and not self._answered:
                self._stop(fault)
        detail = fault.what
        if minimum > LONGEST_WAIT:
            detail += f" asking to wait {minimum:.0f} s"
        if fault.retry:
            detail += f" after {attempts} attempt{'s' if attempts > 1 else ''}"
        said = self._secrets.excerpt(fault.said)
        detail = f"{detail}: {said}" if said else detail
        return Reply(status=ReplyStatus.FAILED, detail=detail, seconds=seconds, cause=fault.cause)
