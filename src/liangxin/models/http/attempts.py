"""One attempt at an endpoint: what makes it, and what it brings back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from liangxin.models.http.allowance import Allowance


class Unreachable(Exception):
    """One attempt brought nothing back. The message may quote the endpoint: scrub it before showing."""

    def __init__(self, what: str, said: str = "", *, retry: bool = True, absent: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.said = said
        self.retry = retry
        self.absent = absent
        """Not even a connection came about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What one attempt brought back."""

    status: int
    body: bytes
    retry_after: float | None = None
    """Seconds, where the endpoint named them."""
    left: Allowance | None = None
    """What the endpoint says is left of its limits."""


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
    left: Allowance | None

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
