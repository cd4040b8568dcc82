"""An endpoint's answer shown while it arrives: the patience of `Asker`, up to the first piece that was shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from liangxin.models.faults import Fault
from liangxin.models.http.attempts import OpenedAnswer, StreamingTransport, Unreachable
from liangxin.models.http.gathering import ChatGathering, Gathering
from liangxin.models.http.sse import Events
from liangxin.models.http.transport import LONGEST_WAIT, Asker, Heard, Outcome, unreachable_fault
from liangxin.models.visible import Visible
from liangxin.records import Reply

_PLAIN = (b"{", b"[", b"<", b'"')
"""How a body begins that is no stream: JSON, or a page of HTML."""


class StreamingAsker(Asker):
    """Asks one endpoint for a whole answer or for a streamed one."""

    def __init__(self, transport: StreamingTransport, **settings: Any) -> None:
        """See `Asker`."""
        super().__init__(transport, **settings)
        self._streams = transport
        self._template_thinks = False
        """Whether an answer closed a think block that it had not opened: later ones are shown after theirs."""

    @staticmethod
    def gathering() -> Gathering:
        """A new answer of the endpoint's protocol."""
        return ChatGathering()

    async def ask_streamed(self, payload: bytes, heard: Heard | None = None) -> Reply:
        """As `ask`, of an endpoint that answers by stream: nothing is shown, so a broken stream is asked again."""
        return await self._until_told(payload, self._gather, heard)

    async def _gather(self, payload: bytes) -> Outcome:
        found: Outcome | None = None
        async with aclosing(self._stream_once(payload, Visible())) as pieces:
            async for piece in pieces:
                found = found if isinstance(piece, str) else piece
        assert found is not None
        return found

    async def stream(self, payload: bytes, heard: Heard | None = None) -> AsyncGenerator[str | Reply, None]:
        """Pieces of the answer as they come, then the reply as `ask` would have returned it.

        Nothing is asked again once a piece was shown. Closing the generator ends the request at the provider.

        Args:
            heard: as in `ask`.

        Raises:
            AccessDenied: as `ask`.
        """
        attempt = 0
        while True:
            attempt += 1
            started = time.perf_counter()
            visible = Visible(self._secrets, waits=self._template_thinks)
            outcome: Outcome | None = None
            async with aclosing(self._stream_once(payload, visible)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, str):
                        yield piece
                    else:
                        outcome = piece
            assert outcome is not None
            found, wait = outcome
            if heard is not None and (other := heard(found)) is not None:
                payload, attempt = other, attempt - 1
                continue
            self._template_thinks = self._template_thinks or visible.lone_close
            if isinstance(found, Fault) and visible.shown:
                found = replace(found, retry=False)
            told = self._told(found, wait, attempt, time.perf_counter() - started)
            if isinstance(told, Reply):
                if rest := visible.rest(told.text):
                    yield rest
                yield told
                return
            await asyncio.sleep(told)

    async def _stream_once(self, payload: bytes, visible: Visible) -> AsyncGenerator[str | Outcome, None]:
        """One attempt in its turn: the pieces to show, then what it came to."""
        pacer = self._lane.pacer
        began = await self._lane.enter(len(payload))
        entered = pacer.entered
        opened: OpenedAnswer | None = None
        wait: float | None = None
        try:
            found: Reply | Fault
            try:
                opened = await self._streams.open(payload)
                wait = opened.retry_after
                if opened.left is not None:
                    pacer.told(opened.left, entered)
                found = Fault(what="")
                async with aclosing(self._arriving(opened, visible)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, str):
                            yield piece
                        else:
                            found = piece
            except Unreachable as error:
                found = unreachable_fault(error)
            if isinstance(found, Reply):
                pacer.answered(found.usage)
            elif found.limited and (wait or 0.0) <= LONGEST_WAIT:
                pacer.rejected(began, wait)
            yield found, wait
        finally:
            if opened is not None:
                opened.close()
            self._lane.leave()

    async def _arriving(
        self, opened: OpenedAnswer, visible: Visible
    ) -> AsyncGenerator[str | Reply | Fault, None]:
        """The pieces of an answer that arrives, then what it says; one that comes whole is read whole."""
        gathering, events, whole = self.gathering(), Events(), bytearray()
        plain: bool | None = None if 200 <= opened.status <= 299 else True
        async for chunk in opened.chunks():
            if plain is None and (start := (bytes(whole) + chunk).lstrip()):
                plain = start.startswith(_PLAIN)
            if plain is not False:
                whole += chunk
                continue
            for data in events.feed(bytes(whole) + chunk):
                if not gathering.ended:
                    piece = visible.take(gathering.take(data), thinks_apart=gathering.thinks_apart)
                    if piece:
                        yield piece
            whole.clear()
            if gathering.ended:
                break
        if plain is not False:
            yield self.read(opened.status, bytes(whole))
            return
        for data in events.end():
            if not gathering.ended:
                visible.take(gathering.take(data), thinks_apart=gathering.thinks_apart)
        yield gathering.outcome()
