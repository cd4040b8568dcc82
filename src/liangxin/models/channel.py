"""From the thread in which a local model writes an answer to the loop that shows it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable

from liangxin.models.visible import Visible
from liangxin.records import Reply

Tell = Callable[[str, bool], bool]
"""Takes what content came, and whether thoughts come apart from it; True asks the writer to stop."""


class Channel:
    """The pieces of one answer. Made in the loop; `tell` is for the writing thread."""

    def __init__(self) -> None:
        """Begin an answer; needs a running loop."""
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[tuple[str, bool] | None] = asyncio.Queue()
        self._gone = threading.Event()

    def tell(self, content: str, thinks_apart: bool) -> bool:
        """Hand over what came; True where nobody waits for it any more."""
        if content and not self._gone.is_set():
            try:
                self._loop.call_soon_threadsafe(self._pieces.put_nowait, (content, thinks_apart))
            except RuntimeError:  # the loop has ended
                return True
        return self._gone.is_set()

    async def shown(self, answer: asyncio.Future[Reply]) -> AsyncGenerator[str | Reply, None]:
        """What `Streaming.stream` yields; closing it tells the writer to stop.

        Args:
            answer: the whole reply, settled in the loop after the last piece was told.
        """
        visible = Visible()
        answer.add_done_callback(lambda _: self._pieces.put_nowait(None))
        try:
            while (told := await self._pieces.get()) is not None:
                content, thinks_apart = told
                if piece := visible.take(content, thinks_apart=thinks_apart):
                    yield piece
            reply = await answer
            if rest := visible.rest(reply.text):
                yield rest
            yield reply
        finally:
            self._gone.set()
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # seen, so that nothing is logged of an error that nobody waits for
