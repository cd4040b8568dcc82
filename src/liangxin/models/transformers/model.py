"""A causal language model on disk, in process through transformers: `hf:PATH`.

Requests that wait together share a batch, in one thread, so that the event loop stays alive. No code of the
folder is run, nothing is fetched, weights are read from safetensors only.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Generic, TypeVar

from liangxin.errors import LiangxinError, ModelError
from liangxin.models.base import Likelihood, NotWeighed
from liangxin.models.channel import Channel, Tell
from liangxin.models.threads import threads_wanted
from liangxin.models.transformers.files import Folder, open_folder
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation
from liangxin.text import short

if TYPE_CHECKING:
    from liangxin.models.transformers.work import ModelWork

ROWS = 16
"""Answers that are written in one batch."""
INSTALL = "install it with: pip install 'liangxin[hf]'"

Asked = TypeVar("Asked")
Given = TypeVar("Given")


def open_hf(name: str, endpoint: Endpoint) -> HfModel:
    """The model in the folder `name`.

    Raises:
        UsageError: LIANGXIN_THREADS is no number.
        ModelError: the extra is not installed, or the folder holds no model in safetensors.
        DataError: there is no such folder.
    """
    threads = threads_wanted()
    missing = [one for one in ("torch", "transformers") if find_spec(one) is None]
    if missing:
        raise ModelError(f"hf:PATH needs {' and '.join(missing)}, not installed here: {INSTALL}")
    return HfModel(open_folder(name), threads=threads, timeout=endpoint.timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting(Generic[Asked, Given]):
    asked: Asked
    answer: asyncio.Future[Given]


_Question = tuple[tuple[Message, ...], Generation, Tell | None]
_Choice = tuple[tuple[Message, ...], tuple[str, ...]]


class HfModel:
    """One model in memory. The first request loads it, in a thread of its own."""

    whole_texts = True
    window = 512

    def __init__(self, folder: Folder, *, threads: int = 1, timeout: float = 120.0) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            timeout: seconds for one batch of answers once it is being worked on.
        """
        self._folder = folder
        self.identity = folder.identity
        self.has_chat_template = folder.chat_template is not None
        self.template = folder.template
        """How a question becomes a prompt, for the manifest."""
        self.threads = threads
        self._timeout = timeout
        self._questions: list[_Waiting[_Question, Reply]] = []
        self._choices: list[_Waiting[_Choice, tuple[Likelihood, ...]]] = []
        self._working: asyncio.Task[None] | None = None
        self._closed = threading.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="liangxin-hf")
        self._work: ModelWork | None = None

    def __repr__(self) -> str:
        return f"HfModel({self.identity!r})"

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """Continue the conversation. Temperature is 0 where the run names none.

        Raises:
            ModelError: the model cannot be loaded, or its chat template refuses the messages.
        """
        return await self._ask(messages, generation, None)

    async def stream(
        self, messages: Sequence[Message], generation: Generation
    ) -> AsyncGenerator[str | Reply, None]:
        """The same text while it is written; see `Streaming`.

        Raises:
            ModelError: as `reply`.
        """
        channel = Channel()
        async with aclosing(channel.shown(self._ask(messages, generation, channel.tell))) as pieces:
            async for piece in pieces:
                yield piece

    async def ready(self) -> None:
        """Load the model now, not with the first request.

        Raises:
            ModelError: the model cannot be loaded.
        """
        await asyncio.get_running_loop().run_in_executor(self._worker, self._loaded)

    async def loglikelihoods(
        self, messages: Sequence[Message], continuations: Sequence[str]
    ) -> Sequence[Likelihood]:
        """Weigh each continuation as what the assistant says next; see `models/hf_likelihood.py`.

        Raises:
            NotWeighed: the options are the same to the tokenizer, or too long.
            ModelError: the model cannot be loaded, or its chat template refuses the messages.
        """
        answer: asyncio.Future[tuple[Likelihood, ...]] = asyncio.get_running_loop().create_future()
        self._choices.append(_Waiting(asked=(tuple(messages), tuple(continuations)), answer=answer))
        self._start()
        return await answer

    async def aclose(self) -> None:
        """Stop what is being written and free the model's memory."""
        self._closed.set()
        if self._working is not None and self._working.get_loop() is asyncio.get_running_loop():
            await asyncio.gather(self._working, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(None, self._free)

    def _free(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._work = None

    def _ask(
        self, messages: Sequence[Message], generation: Generation, tell: Tell | None
    ) -> asyncio.Future[Reply]:
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._questions.append(_Waiting(asked=(tuple(messages), generation, tell), answer=answer))
        self._start()
        return answer

    def _start(self) -> None:
        if self._working is None or self._working.done():
            self._working = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        """Work until nothing waits; what arrives meanwhile is taken in the next round, together."""
        loop = asyncio.get_running_loop()
        # Whoever is about to ask may do so first, and whoever was just answered may ask again.
        await asyncio.sleep(0)
        while self._questions or self._choices:
            choices, self._choices = self._choices, []
            questions, self._questions = self._questions[:ROWS], self._questions[ROWS:]
            reason: Exception | str = "stopped before its end"
            try:
                await loop.run_in_executor(self._worker, self._round, loop, choices, questions)
            except LiangxinError as error:
                reason = error
            except Exception as error:  # out of memory, mostly: what a library raises is not foreseen
                reason = f"{type(error).__name__}: {short(str(error))}"
            for choice in choices:
                _settle(choice.answer, reason if isinstance(reason, Exception) else NotWeighed(reason))
            for question in questions:
                failed = Reply(status=ReplyStatus.FAILED, detail=str(reason))
                _settle(question.answer, reason if isinstance(reason, Exception) else failed)
            await asyncio.sleep(0)

    def _round(
        self,
        loop: asyncio.AbstractEventLoop,
        choices: Sequence[_Waiting[_Choice, tuple[Likelihood, ...]]],
        questions: Sequence[_Waiting[_Question, Reply]],
    ) -> None:
        """One round, in the worker's thread; each answer is handed over as soon as it is there."""
        work = self._loaded()

        def weighed(number: int, found: tuple[Likelihood, ...] | Exception) -> None:
            loop.call_soon_threadsafe(_settle, choices[number].answer, found)

        def written(number: int, reply: Reply | Exception) -> None:
            loop.call_soon_threadsafe(_settle, questions[number].answer, reply)

        if choices:
            work.weigh([one.asked for one in choices], weighed, self._closed.is_set)
        if questions:
            asked = [one.asked for one in questions]
            work.write(asked, self._timeout, written, self._closed.is_set)

    def _loaded(self) -> ModelWork:
        """The model in memory; for the worker's thread."""
        if self._work is None:
            try:
                from liangxin.models.transformers.work import ModelWork
            except ImportError as error:  # installed, but made for another system
                raise ModelError(f"torch or transformers cannot be used here ({short(str(error))})") from None
            self._work = ModelWork(self._folder, self.threads)
        return self._work


def _settle(answer: asyncio.Future[Given], value: Given | Exception) -> None:
    """Answer once; who asked may have gone."""
    if answer.done():
        return
    if isinstance(value, Exception):
        answer.set_exception(value)
    else:
        answer.set_result(value)
