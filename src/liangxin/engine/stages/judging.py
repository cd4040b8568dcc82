"""Ruling: every reply that a judge has not ruled on, each verdict durably appended as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from liangxin.engine.holding import chunks_of
from liangxin.engine.hosts.outages import HostPatience, HostWatch, Unanswered
from liangxin.engine.hosts.trial import check_usable, models_of, sparing
from liangxin.engine.pool import Stop, work
from liangxin.engine.progress import Progress
from liangxin.judges import Judge
from liangxin.models import Hosted
from liangxin.protocols import history
from liangxin.records import Case, Exchange, FailureCause, Verdict, VerdictStatus
from liangxin.store import RunRecord, StoredDialogue, Writer
from liangxin.store.judgements import AttemptKey
from liangxin.store.runs import JudgeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A case with where its verdict goes."""

    case: Case
    at: AttemptKey


class Ruler:
    """Lets one judge (or one annotator) rule on a run."""

    def __init__(self, run: RunRecord, judge: Judge, record: JudgeRecord, patience: HostPatience) -> None:
        self._run = run
        self._judge = judge
        self._record = record
        self._patience = patience
        self._tried: set[tuple[int, int, int]] = set()
        """Rank, trial and turn of what was tried before the others and is done with."""
        self._failed_first: Unanswered[list[Pending]] | None = None
        """Of that, what a host gave no answer to."""
        self._hosts = [one for one in models_of(judge) if isinstance(one, Hosted)]

    async def try_first(self, writer: Writer, stop: Stop) -> None:
        """Rule on the first reply that waits for it, one attempt a request, where a host is asked.

        Raises:
            ModelError: nothing that can answer is there, or the provider refused the key (AccessDenied).
            StoreError: the store cannot be written.
        """
        if not self._hosts or stop.requested:
            return
        waiting = chunks_of(writer.database, writer.patience, self._run)
        async for batches in self._batches(waiting, Progress(None, "", 0)):
            for batch in batches:
                with sparing(self._hosts):
                    verdicts = await self._judge.rule([pending.case for pending in batch])
                for verdict in verdicts:
                    if verdict is not None and verdict.cause is not None:
                        check_usable(verdict.cause, models_of(self._judge), verdict.reason)
                if self._patience.retries and any(one is not None and _passing(one) for one in verdicts):
                    return
                self._failed_first = self._stored(batch, verdicts, writer, Progress(None, "", 0))
                self._tried = {pending.at[1:4] for pending in batch}
                await writer.saved()
                return

    async def rule(
        self,
        dialogues: AsyncIterator[Sequence[StoredDialogue]],
        writer: Writer,
        progress: Progress,
        stop: Stop,
    ) -> None:
        """Rule on everything judgeable that has no verdict yet; failed verdicts are tried again.

        Args:
            dialogues: some at a time, with the verdicts that the store has; all their replies are stored.

        Raises:
            ModelError: its host has answered nothing for as long as patience lasts, or refused the key (AccessDenied).
            StoreError: the store cannot be written.
        """

        async def rule(batch: list[Pending]) -> Unanswered[list[Pending]] | None:
            await writer.room()
            if stop.requested:
                return None
            verdicts = await self._judge.rule([pending.case for pending in batch])
            return self._stored(batch, verdicts, writer, progress)

        watch = HostWatch(rule, self._hosts, self._patience, progress, self._judge.connections)
        handle = partial(watch.handle, stop)
        watch.note(self._failed_first)
        await work(self._batches(dialogues, progress), handle, self._judge.connections, stop)
        await writer.saved()

    def _stored(
        self, batch: list[Pending], verdicts: Sequence[Verdict | None], writer: Writer, progress: Progress
    ) -> Unanswered[list[Pending]] | None:
        """Append a batch's verdicts; what is to be ruled on again where a host gave no answer."""
        again: list[Pending] = []
        cause: FailureCause | None = None
        for pending, verdict in zip(batch, verdicts, strict=True):
            if verdict is None:
                continue
            writer.judgement(pending.at, self._record.key, self._judge.annotator, verdict)
            failed = verdict.status is VerdictStatus.FAILED
            progress.advance(failed=failed)
            if failed and verdict.cause is not None:
                cause = cause or verdict.cause
                again.append(replace(pending, at=pending.at._replace(attempt=pending.at.attempt + 1)))
        return None if cause is None else Unanswered(again=again, cause=cause)

    async def _batches(
        self, dialogues: AsyncIterator[Sequence[StoredDialogue]], progress: Progress
    ) -> AsyncIterator[list[list[Pending]]]:
        rest: list[Pending] = []
        size = self._judge.batch
        async for chunk in dialogues:
            rest.extend(pending for stored in chunk for pending in self._of(stored, progress))
            whole = len(rest) - len(rest) % size
            yield [rest[at : at + size] for at in range(0, whole, size)]
            rest = rest[whole:]
        if rest:
            yield [rest]

    def _of(self, stored: StoredDialogue, progress: Progress) -> Iterator[Pending]:
        for exchange in stored.dialogue.exchanges:
            if not exchange.reply.judgeable:
                continue
            if (stored.rank, stored.dialogue.trial, exchange.turn) in self._tried:
                progress.skip()
                continue
            ruling = stored.rulings.get((self._record.key, exchange.turn, self._judge.annotator))
            if ruling is not None and ruling.verdict.status is not VerdictStatus.FAILED:
                progress.skip()
                continue
            attempt = 1 if ruling is None else ruling.attempt + 1
            at = AttemptKey(self._run.key, stored.rank, stored.dialogue.trial, exchange.turn, attempt)
            yield Pending(case=case_of(self._judge, stored, exchange), at=at)


def _passing(verdict: Verdict) -> bool:
    """Whether it failed by something that may pass."""
    return verdict.status is VerdictStatus.FAILED and verdict.cause is not None


def case_of(judge: Judge, stored: StoredDialogue, exchange: Exchange) -> Case:
    """One turn as a judge sees it."""
    dialogue = stored.dialogue
    return Case(
        item_id=dialogue.item.id,
        category=dialogue.item.category,
        dialogue=dialogue.key,
        trial=dialogue.trial,
        turn=exchange.turn,
        history=history(dialogue.exchanges, exchange.turn),
        prompt=exchange.prompt,
        answer=exchange.reply.text,
        scale=judge.scale_for(dialogue.item.category),
        choices=dialogue.item.choices,
        reference=dialogue.item.reference,
    )
