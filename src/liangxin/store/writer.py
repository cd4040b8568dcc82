"""Durable appending: one writer thread, a transaction for every 64 rows or 100 ms; the store pushes back on asking."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Table

from liangxin.errors import LeaseLost, LiangxinError, StoreError, StoreUnavailable
from liangxin.records import Reply, Verdict
from liangxin.store.database import Database
from liangxin.store.judgements import AttemptKey, judgement_row
from liangxin.store.patience import StorePatience
from liangxin.store.schema import JUDGEMENTS, TURNS
from liangxin.store.spill import Spill, StoredRow

BATCH_ROWS = 64
BATCH_SECONDS = 0.1
FREE_ROWS = 16 * BATCH_ROWS
"""How many may be unsaved where nothing is lost with them: a file answers as often as it is asked."""


class Writer:
    """Appends replies and verdicts; leaving the context commits what is still queued.

    Who awaits `room` before each request has, at any moment, no more rows unsaved than requests at a time and one
    batch. What may pass (another program's lock, a full disk, a server that restarts) is waited out with the
    patience given. What the store does not take in the end goes to the spill file; the failure is raised then at the
    next call.

    Args:
        guard: looks, before each commit, whether these rows are still this process's to write; it raises where not.
        patience: None waits for nothing.
        spill: None lets the rows of a failed transaction go: they are asked for again by the next run.
    """

    def __init__(
        self,
        database: Database,
        guard: Callable[[Connection], object] | None = None,
        patience: StorePatience | None = None,
        spill: Spill | None = None,
    ) -> None:
        self.database = database
        self.patience = patience or StorePatience(lambda _: None, 0.0)
        self._guard = guard
        self._spill = spill
        self._rows: queue.SimpleQueue[StoredRow | None] = queue.SimpleQueue()
        self.put_rows = self.saved_rows = 0
        # Each is counted by one thread alone, and read by both.
        self._waiting: dict[asyncio.Event, Callable[[], bool]] = {}
        """What wakes who waits, and whether they still have to."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: LiangxinError | None = None
        self._unsaved: list[StoredRow] = []
        """What was refused; in hand until the context ends."""
        self._ending = False
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._work, name="liangxin-writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        if kind is not None:
            self._hurry.set()
        self._rows.put(None)
        self._thread.join()
        # Whose work is another's by now keeps nothing: the other has asked for the same anew.
        if self._unsaved and self._spill is not None and not isinstance(self._failure, LeaseLost):
            self._keep(self._spill)
        if kind is None:
            self._check()

    def turn(self, at: AttemptKey, reply: Reply) -> None:
        """Append one reply."""
        self._put(
            TURNS,
            {
                **at._asdict(),
                "status": str(reply.status),
                "text": reply.text,
                "reasoning": reply.reasoning,
                "detail": reply.detail,
                "prompt_tokens": reply.usage.prompt_tokens,
                "completion_tokens": reply.usage.completion_tokens,
                "seconds": reply.seconds,
                "created": time.time(),
            },
        )

    def judgement(self, at: AttemptKey, judge: int, annotator: str, verdict: Verdict) -> None:
        """Append one verdict of the judge with that key."""
        self._put(JUDGEMENTS, judgement_row(at, judge, annotator, verdict, time.time()))

    async def room(self, unsaved: int = BATCH_ROWS) -> None:
        """Wait until no more than so many rows are unsaved: to be awaited before anything new is asked.

        Raises:
            StoreError: the store takes nothing any more.
        """
        await self._while(lambda: self.put_rows - self.saved_rows > unsaved)

    async def stored(self, rows: int) -> None:
        """Wait until the first so many rows are committed; errors as `room`."""
        await self._while(lambda: self.saved_rows < rows)

    async def saved(self) -> None:
        """Wait until everything is committed; errors as `room`."""
        if self.put_rows > self.saved_rows:
            self._rows.put(None)
        await self.room(0)

    async def _while(self, early: Callable[[], bool]) -> None:
        while early() and self._failure is None:
            self._loop = asyncio.get_running_loop()
            woken = asyncio.Event()
            self._waiting[woken] = early
            # Between the look and the entry the thread may have saved the last of it.
            if early() and self._failure is None:
                await woken.wait()
        self._check()

    def _put(self, table: Table, values: dict[str, object]) -> None:
        self.put_rows += 1
        self._rows.put(StoredRow(table, values))
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._gather()
            if batch and self._failure is None:
                try:
                    self._commit(batch)
                    self.saved_rows += len(batch)
                except LiangxinError as error:
                    self._failure = error
                except Exception as error:
                    self._failure = StoreError(f"the store could not be written: {error}")
            if self._failure is not None:
                self._unsaved.extend(batch)
            self._wake()

    def _gather(self) -> tuple[list[StoredRow], bool]:
        """The next batch, and whether the end was reached; waits for a first row."""
        batch: list[StoredRow] = []
        until = float("inf")
        while len(batch) < BATCH_ROWS:
            try:
                row = self._rows.get(timeout=None if not batch else max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if row is None:
                return batch, self._ending and self._rows.empty()
            if not batch:
                until = time.monotonic() + BATCH_SECONDS
            batch.append(row)
        return batch, False

    def _commit(self, batch: list[StoredRow]) -> None:
        outage = self.patience.outage()
        while True:
            try:
                self._insert(batch)
                return
            except StoreUnavailable as error:
                if self._hurry.is_set() or self._hurry.wait(outage.pause(error)):
                    raise

    def _insert(self, batch: list[StoredRow]) -> None:
        rows: dict[Table, list[dict[str, object]]] = {}
        for table, values in batch:
            rows.setdefault(table, []).append(values)
        with self.database.hurried() as connection:
            for table, added in rows.items():
                connection.execute(self.database.insert_new(table), added)
            if self._guard is not None:
                self._guard(connection)

    def _wake(self) -> None:
        """Wake who can go on, in one message to the loop: several hundred may wait."""
        over = self._failure is not None
        ready = [woken for woken, early in self._waiting.copy().items() if over or not early()]
        if ready and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it who waited
                self._loop.call_soon_threadsafe(self._woken, ready)

    def _woken(self, ready: list[asyncio.Event]) -> None:
        for woken in ready:
            self._waiting.pop(woken, None)
            woken.set()

    def _keep(self, spill: Spill) -> None:
        """Write what was refused to the spill file, and say so."""
        try:
            place = spill.write(self._unsaved)
        except StoreError as error:
            self.patience.tell(str(error))
            return
        self.patience.tell(
            f"{len(self._unsaved)} answers that the store did not take are kept in {place}; the next run or judge "
            "command on this store takes them in"
        )
