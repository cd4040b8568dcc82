"""Durable appending: one writer thread, a transaction for every 64 rows or 100 ms."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Table

from liangxin.errors import LiangxinError, StoreError
from liangxin.records import Reply, Verdict
from liangxin.store.database import Database
from liangxin.store.judgements import AttemptKey, judgement_row
from liangxin.store.schema import JUDGEMENTS, TURNS

BATCH_ROWS = 64
BATCH_SECONDS = 0.1
_CAPACITY = 4096


class Writer:
    """Appends replies and verdicts; leaving the context commits what is still queued.

    A failure of the database (a full disk) is raised at the next call, and the rows of the failed
    transaction are asked for again by the next run: nothing is half-written.

    Args:
        guard: looks, before each commit, whether these rows are still this process's to write; it raises where not.
    """

    def __init__(self, database: Database, guard: Callable[[Connection], object] | None = None) -> None:
        self._database = database
        self._guard = guard
        self._rows: queue.Queue[tuple[Table, dict[str, object]] | None] = queue.Queue(_CAPACITY)
        self._failure: LiangxinError | None = None
        self._thread = threading.Thread(target=self._work, name="liangxin-writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.put(None)
        self._thread.join()
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

    def _put(self, table: Table, row: dict[str, object]) -> None:
        self._check()
        self._rows.put((table, row))

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
                except LiangxinError as error:
                    self._failure = error
                except Exception as error:
                    self._failure = StoreError(f"the store could not be written: {error}")

    def _gather(self) -> tuple[dict[Table, list[dict[str, object]]], bool]:
        """The next batch by table, and whether the end was reached; waits for a first row."""
        batch: dict[Table, list[dict[str, object]]] = {}
        until = float("inf")
        for count in range(BATCH_ROWS):
            try:
                wait = None if count == 0 else max(0.0, until - time.monotonic())
                row = self._rows.get(timeout=wait)
            except queue.Empty:
                break
            if row is None:
                return batch, True
            if count == 0:
                until = time.monotonic() + BATCH_SECONDS
            batch.setdefault(row[0], []).append(row[1])
        return batch, False

    def _commit(self, batch: Mapping[Table, list[dict[str, object]]]) -> None:
        with self._database.begin() as connection:
            for table, rows in batch.items():
                connection.execute(self._database.insert_new(table), rows)
            if self._guard is not None:
                self._guard(connection)
