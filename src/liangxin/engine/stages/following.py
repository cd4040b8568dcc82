"""Judging while the model is still asked: a dialogue goes to every judge once it has ended and its replies are stored.

What is stored decides: a verdict must never be kept of a reply that is not. A judge that falls behind, or comes late
because another command had its lease, reads what it missed from the store once asking has ended; nothing holds asking up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import partial

from liangxin.engine.holding import patiently
from liangxin.store import RunRecord, StoredDialogue, Writer
from liangxin.store.dialogues import CHUNK, chunk_at

AHEAD = 4 * CHUNK
"""Dialogues that may wait for one judge in memory."""


class Following:
    """The dialogues of a run that is being asked, for one of its judges."""

    def __init__(self, run: RunRecord, asked: Writer) -> None:
        """Begin before anything is asked.

        Args:
            asked: appends the replies.
        """
        self._run = run
        self._asked = asked
        self._waiting: deque[tuple[int, StoredDialogue]] = deque()
        """Each with how many rows must be stored before it is ruled on."""
        self._missed: set[int] = set()
        """The first ranks of the chunks of which something did not come this way."""
        self._given = bytearray()
        """Which dialogues were handed on, by their place in the run."""
        self._late = self.ended = False
        self._news = asyncio.Event()

    def offer(self, stored: StoredDialogue) -> None:
        """A dialogue has ended, or had before."""
        if self._late or len(self._waiting) >= AHEAD:
            self.miss(stored.rank)
        else:
            self._waiting.append((self._asked.put_rows, stored))
            self._news.set()

    def miss(self, rank: int) -> None:
        """A dialogue of that item is to be read from the store."""
        self._missed.add(rank - rank % CHUNK)

    def be_late(self) -> None:
        """Somebody else rules at present: what was read of it before they have ended would be old."""
        self._late = True
        while self._waiting:
            self.miss(self._waiting.popleft()[1].rank)

    def end(self) -> None:
        """Nothing more is asked, and all replies are stored."""
        self.ended = True
        self._news.set()

    async def chunks(self) -> AsyncIterator[Sequence[StoredDialogue]]:
        """Every dialogue of the run that has ended, each once.

        Raises:
            StoreError: the store takes no replies any more, or cannot be read.
        """
        while self._waiting or not self.ended:
            await self._news.wait()
            self._news.clear()
            if self._waiting:
                waiting, self._waiting = self._waiting, deque()
                await self._asked.stored(waiting[-1][0])
                yield list(self._handed_on(one for _, one in waiting))
            if self.ended:
                self._news.set()
        for start in sorted(self._missed):
            read = partial(chunk_at, self._asked.database, self._run, start, self._run.units)
            yield list(self._handed_on(await patiently(self._asked.patience, read)))

    def _handed_on(self, dialogues: Iterable[StoredDialogue]) -> Iterator[StoredDialogue]:
        """Those of them that were not yet."""
        for one in dialogues:
            place = one.rank * self._run.trials + one.dialogue.trial - 1
            if place >= len(self._given):
                self._given.extend(bytes(place + 1 - len(self._given) + CHUNK))
            if not self._given[place]:
                self._given[place] = 1
                yield one


class Audience:
    """All who follow one run."""

    def __init__(self, followings: Sequence[Following] = ()) -> None:
        self._followings = tuple(followings)

    def offer(self, stored: StoredDialogue) -> None:
        """See `Following`."""
        for one in self._followings:
            one.offer(stored)

    def miss(self, rank: int) -> None:
        """See `Following`."""
        for one in self._followings:
            one.miss(rank)

    def end(self) -> None:
        """See `Following`."""
        for one in self._followings:
            one.end()
