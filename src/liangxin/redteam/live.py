"""Turns while the model is answering: asked once, read by any number of browsers, stored whatever these do.

The answer belongs to a task of its own. A browser that goes away takes nothing with it; one that comes back
reads what there is so far. One object serves one process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from liangxin.errors import LiangxinError
from liangxin.records import Reply, ReplyStatus, Verdict, VerdictStatus
from liangxin.redteam.attack_record import Attack, EngineVerdict
from liangxin.redteam.conversations import AttackRequest, Attacks

Speak = Callable[[AttackRequest], AsyncGenerator[str | Reply, None]]
"""A model asked one turn: pieces of the answer as they come, and last the whole reply, which takes their place."""
Rule = Callable[[Attack], Awaitable[EngineVerdict]]
"""A judge asked about the broken answer of an attack."""

STOPPED = "stopped"
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class LiveTurn:
    """One answer on its way."""

    asked: AttackRequest
    pieces: list[str] = field(default_factory=list)
    reply: Reply | None = None
    """The whole reply, once it is stored."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    began: float = field(default_factory=time.monotonic)

    @property
    def text(self) -> str:
        """What has come so far."""
        return "".join(self.pieces)

    async def read(self) -> AsyncIterator[str]:
        """The pieces from the beginning, until the reply is stored."""
        at = 0
        while True:
            changed = self.changed
            if at < len(self.pieces):
                fresh = "".join(self.pieces[at:])
                at = len(self.pieces)
                yield fresh
            elif self.reply is not None:
                return
            else:
                await changed.wait()

    async def end(self) -> None:
        """Wait until the reply is stored."""
        while self.reply is None:
            await self.changed.wait()

    def tell(self) -> None:
        """Wake those who read."""
        self.changed.set()
        self.changed = asyncio.Event()


class LiveAttacks:
    """The answers and verdicts that are on their way in one process."""

    def __init__(self, attacks: Attacks, speak: Speak, rule: Rule) -> None:
        self._attacks = attacks
        self._speak = speak
        self._rule = rule
        self._turns: dict[int, tuple[LiveTurn, asyncio.Task[None]]] = {}
        self._rulings: dict[int, asyncio.Task[None]] = {}

    async def ask(self, key: int, account: int, prompt: str, *, again: bool = False) -> LiveTurn:
        """Ask one turn; it goes on by itself. Errors as `Attacks.ask`."""
        asked = await asyncio.to_thread(self._attacks.ask, key, account, prompt, again=again)
        live = LiveTurn(asked)
        self._turns[key] = (live, _task(self._answer(live)))
        return live

    def running(self, key: int) -> LiveTurn | None:
        """The answer that is on its way in this process, or None."""
        found = self._turns.get(key)
        return found[0] if found else None

    async def stop(self, key: int, account: int) -> bool:
        """Stop the answer that is on its way; what has come is kept as truncated. False where there was none.

        Raises:
            NotThere, NotAllowed: no such attack, or another person's.
        """
        await asyncio.to_thread(self._attacks.own, key, account)
        found = self._turns.get(key)
        if found is None:
            return await asyncio.to_thread(self._attacks.settle, key, account)
        live, task = found
        if live.reply is None:
            task.cancel()
        await live.end()
        return True

    def judge(self, key: int) -> None:
        """Let the judge rule on an attack that was handed in, once; the verdict is stored when it comes."""
        if key not in self._rulings:
            self._rulings[key] = _task(self._judge(key))

    def judging(self, key: int) -> bool:
        """Whether the judge's verdict on that attack is on its way."""
        return key in self._rulings

    async def aclose(self) -> None:
        """End what is on its way; answers so far are stored as truncated."""
        tasks = [task for _, task in self._turns.values()] + list(self._rulings.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, live: LiveTurn) -> None:
        asked = live.asked
        reply = Reply(status=ReplyStatus.FAILED, detail=STOPPED)
        try:
            try:
                reply = await self._spoken(live)
            except asyncio.CancelledError:
                # Somebody pressed Stop, or the server is going down: what has come was paid for.
                status = ReplyStatus.TRUNCATED if live.text else ReplyStatus.FAILED
                seconds = time.monotonic() - live.began
                reply = Reply(text=live.text, status=status, detail=STOPPED, seconds=seconds)
            await asyncio.to_thread(self._attacks.answered, asked, reply)
        finally:
            self._turns.pop(asked.attack, None)
            live.reply = reply
            live.tell()

    async def _spoken(self, live: LiveTurn) -> Reply:
        try:
            async with aclosing(self._speak(live.asked)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Reply):
                        return piece
                    live.pieces.append(piece)
                    live.tell()
        except LiangxinError as error:
            return Reply(text="", status=ReplyStatus.FAILED, detail=str(error))
        except Exception:
            # A defect must not leave a person before a page that waits for ever.
            _LOG.exception("attack %s turn %s", live.asked.attack, live.asked.turn)
            return Reply(status=ReplyStatus.FAILED, detail="internal error")
        return Reply(text=live.text, status=ReplyStatus.OK if live.text else ReplyStatus.EMPTY)

    async def _judge(self, key: int) -> None:
        try:
            attack = await asyncio.to_thread(self._attacks.find, key)
            try:
                ruled = await self._rule(attack)
            except LiangxinError as error:
                ruled = _unruled(str(error))
            except Exception:
                _LOG.exception("judging attack %s", key)
                ruled = _unruled("internal error")
            await asyncio.to_thread(self._attacks.ruled, key, ruled)
        finally:
            self._rulings.pop(key, None)


def _unruled(reason: str) -> EngineVerdict:
    return EngineVerdict(judge="", verdict=Verdict(status=VerdictStatus.FAILED, reason=reason))


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)
