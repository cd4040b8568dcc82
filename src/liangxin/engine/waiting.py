"""What a run asks of its store, tried again while the store is locked, full or restarting; the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

from liangxin.errors import StoreUnavailable
from liangxin.store import RunRecord, StoredDialogue, StorePatience, Writer
from liangxin.store.dialogues import CHUNK, chunk_at

T = TypeVar("T")


async def patiently(patience: StorePatience, work: Callable[[], T]) -> T:
    """What `work` returns, called again as often as the store was not to be had.

    Raises:
        StoreError: it was not to be had for as long as patience lasts.
    """
    outage = patience.outage()
    while True:
        try:
            return work()
        except StoreUnavailable as error:
            pause = outage.pause(error)
        await asyncio.sleep(pause)


async def chunks_of(writer: Writer, run: RunRecord) -> AsyncIterator[list[StoredDialogue]]:
    """A run's planned dialogues from the store that `writer` fills, a few hundred at a time."""
    start = 0
    while found := await patiently(
        writer.patience, partial(chunk_at, writer.database, run, start, run.units)
    ):
        yield found
        start += CHUNK
