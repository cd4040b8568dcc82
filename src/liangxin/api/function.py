"""A model of one's own as a function: a model in memory, a pipeline, a whole system."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from liangxin.errors import LiangxinError, UsageError
from liangxin.models.reading import overrule, read_recorded
from liangxin.models.scrub import Secrets
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Generation
from liangxin.zh import clean_text

Answer = str | Reply
"""What a function may give back: the answer's text, or a whole `Reply` with its status."""
Function = Callable[[list[dict[str, str]]], Answer | Awaitable[Answer]]


class FunctionModel:
    """A model that a Python function answers for: `run("flames", model=FunctionModel("my-7b", answer))`.

    The function is given the conversation as a list of `{"role": …, "content": …}` (the system prompt first,
    if there is one; the user's turn last) and returns the answer's text, or a `Reply` where it can say more
    (filtered, truncated). A `<think>…</think>` block at the beginning is kept apart as reasoning. An exception
    is a failed reply: it is stored, listed, and asked again by the next run.

    An `async` function is called for up to `connections` conversations at once, on an event loop that is not
    the caller's. An ordinary function is called in a thread, one call at a time, since models in memory are
    seldom safe to share; batch inside an `async` function where that is too slow.

    Args:
        name: what makes two such models the same one. It is part of the run's identity, `function:NAME`: a run
            continues where the name is the same, so change it when weights, prompt or settings change.
        function: the function, plain or async.

    Raises:
        UsageError: the name is empty, or not one line.
    """

    def __init__(self, name: str, function: Function) -> None:
        if not name.strip() or name != name.strip() or not name.isprintable():
            raise UsageError(
                f"a FunctionModel's name is one line that says what the model is; found {name!r}"
            )
        self.identity = f"function:{name}"
        self._function = function
        called = getattr(function, "__call__", None)  # noqa: B004  an object with an async __call__ counts
        self._asynchronous = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
        # One worker is one call at a time, in whichever event loop a run has.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="liangxin-model")

    def __repr__(self) -> str:
        return f"FunctionModel({self.identity.removeprefix('function:')!r})"

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """The function's answer; what it raises is a failed reply.

        Raises:
            UsageError: it returned something else than a text or a `Reply`.
        """
        del generation  # run() has refused settings that a function could not follow
        said = [{"role": message.role, "content": message.content} for message in messages]
        try:
            answer = await self._call(said)
        except LiangxinError:
            raise
        except Exception as error:
            detail = Secrets(()).excerpt(f"{type(error).__name__}: {error}")
            return Reply(status=ReplyStatus.FAILED, detail=detail)
        if isinstance(answer, Reply):
            return _finished(answer, self.identity)
        if not isinstance(answer, str):
            raise UsageError(f"{self.identity} returned {type(answer).__name__}; return a str or a Reply")
        return read_recorded(answer, None, "")

    async def aclose(self) -> None:
        """Nothing to release: the function is the caller's."""

    async def _call(self, said: list[dict[str, str]]) -> object:
        if self._asynchronous:
            answer = self._function(said)
        else:
            loop = asyncio.get_running_loop()
            context = contextvars.copy_context()
            answer = await loop.run_in_executor(self._worker, context.run, self._function, said)
        return await answer if inspect.isawaitable(answer) else answer


def _finished(reply: Reply, identity: str) -> Reply:
    """A reply of the caller's own making as the store can keep it."""
    if reply.status is ReplyStatus.NOT_ASKED:
        raise UsageError(
            f"{identity} returned a Reply with status not_asked; use failed where there is no answer"
        )
    clean = replace(
        reply,
        text=clean_text(reply.text),
        reasoning=clean_text(reply.reasoning),
        detail=clean_text(reply.detail),
    )
    if clean.status is ReplyStatus.OK and not clean.text:
        return replace(clean, status=ReplyStatus.EMPTY)
    return overrule(clean, clean.status, clean.detail)
