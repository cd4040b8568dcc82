"""Work that may be called from anywhere: a script, a thread, a notebook whose event loop is running."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from liangxin.engine.session import Session
from liangxin.interrupts import Interrupted
from liangxin.models import ChatModel
from liangxin.store import StorePatience, opened
from liangxin.text import remark

T = TypeVar("T")
LOG = logging.getLogger("liangxin")
_WAIT = 0.2
"""Seconds between two looks at the keyboard: a wait without end would hear no signal on some systems."""


class CallWork(Generic[T]):
    """One call's work with the store and what is said during it."""

    def __init__(self, store: str, *, create: bool, progress: bool, model: ChatModel | None = None) -> None:
        self.said: list[str] = []
        self._store = store
        self._create = create
        self._progress = progress
        self._model = model
        self._interrupt: Callable[[], object] | None = None
        self._stopped = False

    def do(self, job: Callable[[Session], T]) -> T:
        """Let `job` use the store to its end; in a thread of its own where an event loop runs here.

        Raises:
            KeyboardInterrupt: Ctrl-C (or SIGTERM); what was answered is stored, and the same call goes on.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._inside(job)
        return self._in_thread(job)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        database = opened(self._store, StorePatience(self._tell), create=self._create)
        try:
            yield Session(
                database=database,
                tell=self._tell,
                progress=sys.stderr if self._progress else None,
                model=self._model,
                control=self._control,
            )
        finally:
            database.close()

    def _inside(self, job: Callable[[Session], T]) -> T:
        try:
            with self._session() as session:
                return job(session)
        except Interrupted:
            raise KeyboardInterrupt from None

    def _in_thread(self, job: Callable[[Session], T]) -> T:
        results: list[T] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                results.append(self._inside(job))
            except BaseException as error:
                errors.append(error)

        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(work,), name="liangxin-run")
        with self._ctrl_c_here():
            thread.start()
            while thread.is_alive():
                thread.join(_WAIT)
        if errors:
            raise errors[0]
        return results[0]

    @contextmanager
    def _ctrl_c_here(self) -> Iterator[None]:
        """Hear Ctrl-C for the thread, which cannot; the loop that runs here would only note it for later."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, lambda *_: self._stop())
        try:
            yield
        finally:
            if before is not None:
                signal.signal(signal.SIGINT, before)

    def _control(self, interrupt: Callable[[], object]) -> None:
        self._interrupt = interrupt
        if self._stopped:  # Ctrl-C came before there was anything to interrupt
            interrupt()

    def _stop(self) -> None:
        self._stopped = True
        if self._interrupt is not None:
            with suppress(RuntimeError):  # the loop has just ended, so there is nothing left to interrupt
                self._interrupt()

    def _tell(self, sentence: str) -> None:
        self.said.append(sentence)
        LOG.info("%s", sentence)
        if self._progress:
            remark(sys.stderr, sentence + "\n")
