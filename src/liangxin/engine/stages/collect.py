"""Asking: every planned dialogue that is not finished, each reply durably appended as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial

from liangxin.engine.holding import chunks_of
from liangxin.engine.hosts.outages import HostPatience, HostWatch, Unanswered
from liangxin.engine.hosts.trial import check_usable
from liangxin.engine.likelihood_choice import weigher
from liangxin.engine.pool import Stop, work
from liangxin.engine.progress import Progress
from liangxin.engine.stages.following import Audience
from liangxin.errors import LiangxinError
from liangxin.models import ChatModel, Hosted, Likelihoods, NotWeighed, Recorded
from liangxin.models.metering.cache import in_trial
from liangxin.models.odd_replies import OddReplies
from liangxin.models.reading import split_marked
from liangxin.protocols import likelihood, messages_for, next_turn
from liangxin.records import Exchange, Item, Message, Reply, ReplyStatus, Scale
from liangxin.specs import RunSpec
from liangxin.store import RunRecord, StoredDialogue, Writer
from liangxin.store.judgements import AttemptKey
from liangxin.store.writer import BATCH_ROWS, FREE_ROWS


class Collector:
    """Holds the unfinished dialogues of one run with its model."""

    def __init__(
        self,
        run: RunRecord,
        model: ChatModel,
        spec: RunSpec,
        scale_for: Callable[[tuple[str, ...]], Scale] | None = None,
        tell: Callable[[str], object] = lambda _: None,
        audience: Audience | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            scale_for: the scale of a category, whose levels name the options where likelihoods choose.
            tell: says a sentence to the user.
            audience: who rules meanwhile on what has ended.

        Raises:
            UsageError: likelihoods are to choose, and the model gives none.
        """
        self._run = run
        self._model = model
        self._recorded = model if isinstance(model, Recorded) else None
        self._ahead = BATCH_ROWS if self._recorded is None else FREE_ROWS
        self._spec = spec
        self.odd = OddReplies()
        """Of the replies of this command."""
        self._weigher = weigher(spec, model)
        self._scale_for = scale_for
        self._tell = tell
        self._audience = audience or Audience()
        self._tried: tuple[int, int] | None = None
        """Rank and trial of the dialogue that was tried before the others and is done with."""
        self._failed_first: Unanswered[StoredDialogue] | None = None
        """That dialogue, where the host gave no answer."""

    async def try_first(self, writer: Writer, progress: Progress, stop: Stop) -> None:
        """Hold the first dialogue that is not finished alone, one attempt a request, where a host is asked.

        What fails in passing is not stored where it may be asked again: `collect` asks it with all patience.

        Raises:
            ModelError: nothing that can answer is there, or the provider refused the key (AccessDenied).
            StoreError: the store cannot be written.
        """
        if not isinstance(self._model, Hosted):
            return
        async for pending in self._pending(writer, Progress(None, "", 0), Audience()):
            for stored in pending:
                with self._model.sparing():
                    failed = await self._hold(stored, writer, progress, stop, trial=True)
                if failed is None or failed.again is not stored:
                    self._tried, self._failed_first = (stored.rank, stored.dialogue.trial), failed
                await writer.saved()
                return

    async def collect(self, writer: Writer, progress: Progress, stop: Stop) -> None:
        """Ask everything that has not been answered, as fast as it can be stored; what failed before is asked again.

        Raises:
            ModelError: the host has answered nothing for as long as patience lasts, or refused the key (AccessDenied).
            StoreError: the store cannot be written.
        """

        async def hold(stored: StoredDialogue) -> Unanswered[StoredDialogue] | None:
            return await self._hold(stored, writer, progress, stop)

        connections = self._spec.endpoint.connections
        if self._weigher is not None:
            connections = max(connections, self._weigher.window)
        hosts = [self._model] if isinstance(self._model, Hosted) else []
        patience = HostPatience(self._spec.give_up, self._tell)
        watch = HostWatch(hold, hosts, patience, progress, connections)
        watch.note(self._failed_first)
        pending = self._pending(writer, progress, self._audience)
        await work(pending, partial(watch.handle, stop), connections, stop)
        await writer.saved()

    async def _pending(
        self, writer: Writer, progress: Progress, audience: Audience
    ) -> AsyncIterator[list[StoredDialogue]]:
        async for chunk in chunks_of(writer.database, writer.patience, self._run):
            others = [one for one in chunk if (one.rank, one.dialogue.trial) != self._tried]
            pending = []
            for one in others:
                if next_turn(one.dialogue.exchanges) is None:
                    audience.offer(one)
                else:
                    pending.append(one)
            progress.skip(len(others) - len(pending))
            yield pending
            await asyncio.sleep(0)  # where nothing is left to ask, those who rule get their turn

    async def _hold(
        self, stored: StoredDialogue, writer: Writer, progress: Progress, stop: Stop, *, trial: bool = False
    ) -> Unanswered[StoredDialogue] | None:
        """Hold a dialogue to its end; what is to be held again where the host gave no answer."""
        exchanges = list(stored.dialogue.exchanges)
        reply = None
        while (ask := next_turn(exchanges)) is not None:
            await writer.room(self._ahead)
            if stop.requested:
                return None
            reply = split_marked(
                await self._ask(stored, exchanges, ask.turn), self._spec.endpoint.reasoning_marks
            )
            if trial and reply.cause is not None:
                check_usable(reply.cause, [self._model], reply.detail)
                if self._spec.endpoint.retries:
                    return Unanswered(again=stored, cause=reply.cause)
            self.odd.take(reply)
            attempt = ask.attempt + 1
            at = AttemptKey(self._run.key, stored.rank, stored.dialogue.trial, ask.turn, attempt)
            writer.turn(at, reply)
            exchanges[ask.turn - 1] = replace(ask, reply=reply, attempt=attempt)
            if reply.status is ReplyStatus.FAILED:
                break
        failed = reply is not None and reply.status is ReplyStatus.FAILED
        progress.advance(failed=failed)
        held = replace(stored, dialogue=replace(stored.dialogue, exchanges=tuple(exchanges)))
        if not failed or reply is None or reply.cause is None:
            self._audience.offer(held)
            return None
        # It may be held again, and is ruled on once it has ended for good.
        self._audience.miss(stored.rank)
        return Unanswered(again=held, cause=reply.cause)

    async def _ask(self, stored: StoredDialogue, exchanges: list[Exchange], turn: int) -> Reply:
        trial = stored.dialogue.trial
        if self._recorded is not None:
            return self._recorded.recorded(stored.dialogue.item, turn, trial)
        generation = self._spec.generation
        if generation.seed is not None and trial > 1:
            generation = replace(generation, seed=generation.seed + trial - 1)
        messages = messages_for(exchanges, turn, self._spec.system)
        try:
            if self._weigher is not None:
                return await self._choose(self._weigher, stored.dialogue.item, messages)
            with in_trial(trial):
                return await self._model.reply(messages, generation)
        except NotWeighed as error:
            return Reply(status=ReplyStatus.FAILED, detail=str(error))
        except LiangxinError:
            raise
        except Exception as error:  # a defect in one adapter must not lose the rest of a paid run
            return Reply(status=ReplyStatus.FAILED, detail=f"adapter error: {type(error).__name__}")

    async def _choose(self, model: Likelihoods, item: Item, messages: tuple[Message, ...]) -> Reply:
        how = self._spec.choose_by
        if self._scale_for is None or how is None:
            raise ValueError("a choice by likelihood needs the benchmark's scale and a way")
        asked = likelihood.choice(how, item, self._scale_for(item.category), messages)
        started = time.perf_counter()
        found = await model.loglikelihoods(asked.messages, asked.continuations)
        return likelihood.decide(how, asked, found, time.perf_counter() - started)
