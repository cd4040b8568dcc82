"""A model that people attack in a chat, and a judge's verdict on what it said, outside any run.

The site reaches models and judges through this module alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from liangxin.errors import UsageError
from liangxin.judges import JUDGES, Judge, JudgeContext, judge_traits, open_judges
from liangxin.models import (
    MODELS,
    ChatModel,
    Preparing,
    Recorded,
    model_traits,
    open_model,
    stream_or_reply,
)
from liangxin.protocols import history
from liangxin.records import Case, Exchange, Message, Reply, Scale, Verdict
from liangxin.registry import kind_and_name
from liangxin.specs import Benchmark, Endpoint, Generation

__all__ = [
    "DEFAULT_JUDGE",
    "Attacked",
    "ChatVerdict",
    "Referee",
    "RefereeSettings",
    "asks_models",
    "judge_kinds",
    "model_kinds",
    "open_attacked",
]

DEFAULT_JUDGE = "rule"

T = TypeVar("T")


def model_kinds() -> tuple[str, ...]:
    """The kinds that a model's SPEC may begin with."""
    return tuple(one.name for one in MODELS.entries() if one.thing is not None)


def judge_kinds() -> tuple[str, ...]:
    """The kinds of judges that can rule on one exchange of a chat."""
    return tuple(one.name for one in JUDGES.entries() if one.thing is not None and one.thing.can_chat)


def asks_models(judge: str) -> bool:
    """Whether the judge of that SPEC asks a model, and so may want to know whom it judges."""
    return bool(judge_traits(judge).asks)


def open_attacked(
    spec: str, endpoint: Endpoint, generation: Generation = Generation(), system: str | None = None
) -> Attacked:
    """The model that `spec` names, to be attacked; opened once, it serves many people at the same time.

    Args:
        system: a system prompt that opens every conversation.

    Raises:
        UnknownName: no such kind of model.
        UsageError: the SPEC lacks its name, or the model cannot hold a conversation.
        DataError, ModelError: the file or endpoint cannot be used.
    """
    model = open_model(spec, endpoint)
    if isinstance(model, Recorded):
        raise UsageError(f"{spec} holds recorded answers to a benchmark's items: nobody can chat with it")
    return Attacked(model, spec, generation, system)


class Attacked:
    """One model that people chat with. Its connections belong to the loop of the first request."""

    def __init__(
        self, model: ChatModel, spec: str, generation: Generation = Generation(), system: str | None = None
    ) -> None:
        """Take over an opened model; `aclose` closes it."""
        self.spec = spec
        self.identity = model.identity
        """What makes two models the same one, as in a run."""
        self.generation = generation
        self.system = system
        self._model = model

    def __repr__(self) -> str:
        return f"Attacked({self.identity!r})"

    async def ready(self) -> None:
        """Load a local model now; a server waits for it before it takes requests. Others need nothing.

        Raises:
            ModelError: the model cannot be loaded.
        """
        if isinstance(self._model, Preparing):
            await self._model.ready()

    async def turns(self, exchanges: Sequence[Exchange], prompt: str) -> AsyncGenerator[str | Reply, None]:
        """The answer to a prompt: pieces as they come, and last the whole reply.

        The pieces are for the eye: at the end the reply's text takes their place (see `models.Streaming`).
        Closing the generator ends the request.

        Args:
            exchanges: what was said before; a turn without an answer (blocked, failed, empty) is left out, so
                that a person may go on after it.

        Raises:
            AccessDenied: the provider refused the key.
            ModelError: the model cannot be used at all.
        """
        messages = conversation(exchanges, prompt, self.system)
        async with aclosing(stream_or_reply(self._model, messages, self.generation)) as pieces:
            async for piece in pieces:
                yield piece

    async def aclose(self) -> None:
        """Release connections and memory."""
        await self._model.aclose()


def conversation(
    exchanges: Sequence[Exchange], prompt: str, system: str | None = None
) -> tuple[Message, ...]:
    """The messages of a request: system prompt, answered turns, the new prompt."""
    answered = [exchange for exchange in exchanges if exchange.reply.judgeable]
    opening = (Message(role="system", content=system),) if system else ()
    asked = Message(role="user", content=prompt)
    return (*opening, *history(answered, len(answered) + 1), asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatVerdict:
    """A judge's verdict on one answer of a chat."""

    judge: str
    """The judge's identity, as in a run."""
    subject: Literal["primary", "refusal", "safety"]
    """Which scale it rules on: the benchmark's own, refusal, or safe and unsafe."""
    scale: Scale
    verdict: Verdict

    @property
    def passes(self) -> bool | None:
        """Whether the level is one that passes; None where no level was given."""
        level = self.verdict.level
        return None if level is None else level in self.scale.passing


@dataclass(frozen=True, slots=True, kw_only=True)
class RefereeSettings:
    """Which judge rules, on whose scale, and where it is reached."""

    benchmark: Benchmark
    judge: str = DEFAULT_JUDGE
    """A judge's SPEC."""
    endpoint: Endpoint = Endpoint()
    """The judge's own; nothing of the attacked model's is inherited."""
    generation: Generation = Generation(temperature=0.0)
    model: str = ""
    """The attacked model's SPEC, so that an LLM judge of its family says so; no judge asks by it."""
    refusal: bool = False
    """Let an LLM judge rule on the refusal scale too."""


class Referee:
    """A judge that rules on single exchanges, in a thread with a loop of its own.

    Weights are loaded and texts are read there, so that a server's loop goes on meanwhile.
    """

    def __init__(self, settings: RefereeSettings) -> None:
        """Open the judge.

        Raises:
            UnknownName: no such kind of judge.
            UsageError: it knows runs or choice items only.
            JudgeError, DataError, ModelError: it cannot be used on this benchmark.
        """
        kind = JUDGES.find(kind_and_name(settings.judge)[0])
        if kind is not None and not kind.can_chat:
            known = ", ".join(judge_kinds())
            raise UsageError(
                f"judge {settings.judge!r} rules on a run's items only; for a chat name one of {known}"
            )
        context = JudgeContext(
            benchmark=settings.benchmark,
            endpoint=settings.endpoint,
            generation=settings.generation,
            run_model=settings.model,
            run_traits=model_traits(settings.model),
            refusal=settings.refusal,
        )
        self.settings = settings
        self._judges: Sequence[Judge] = open_judges(settings.judge, context)
        self._work = _Thread()

    async def rule(
        self, exchanges: Sequence[Exchange], turn: int, category: tuple[str, ...], dialogue: str
    ) -> list[ChatVerdict]:
        """The judge's verdicts on one turn, one for each scale that it rules on; a judge's failure is a status.

        Empty where the turn has no answer to rule on.

        Args:
            exchanges: the chat up to this turn at least.
            turn: counted from 1 within `exchanges`.
            category: the path of the benchmark's category; it decides the scale.
            dialogue: a key for the chat, which a judge may keep what it knows under.

        Raises:
            AccessDenied: the judge's provider refused the key.
        """
        asked = exchanges[turn - 1]
        if not asked.reply.judgeable:
            return []
        before = [one for one in exchanges[: turn - 1] if one.reply.judgeable]
        said = history(before, len(before) + 1)
        return await self._work.run(self._rule(asked, said, category, dialogue))

    async def aclose(self) -> None:
        """Close the judge and end its thread."""
        for judge in self._judges:
            await self._work.run(judge.aclose())
        await self._work.aclose()

    async def _rule(
        self, asked: Exchange, said: tuple[Message, ...], category: tuple[str, ...], dialogue: str
    ) -> list[ChatVerdict]:
        found: list[ChatVerdict] = []
        for judge in self._judges:
            scale = judge.scale_for(category)
            case = Case(
                item_id=dialogue,
                category=category,
                dialogue=dialogue,
                trial=1,
                turn=asked.turn,
                history=said,
                prompt=asked.prompt,
                answer=asked.reply.text,
                scale=scale,
            )
            (verdict,) = await judge.rule([case])
            if verdict is not None:
                found.append(
                    ChatVerdict(judge=judge.identity, subject=judge.subject, scale=scale, verdict=verdict)
                )
        return found


class _Thread:
    """An event loop in a thread of its own, begun by its first work."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of work done there; a cancelled caller cancels it."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_serve(self._loop), name="liangxin-referee", daemon=True)
            self._thread.start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def aclose(self) -> None:
        """End it; later work begins another."""
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            await asyncio.to_thread(thread.join)


def _serve(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    def serve() -> None:
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    return serve
