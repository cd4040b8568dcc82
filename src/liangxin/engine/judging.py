"""Ruling: every reply that a judge has not ruled on, each verdict durably appended as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from liangxin.engine.holding import chunks_of
from liangxin.engine.pool import Stop, work
from liangxin.engine.progress import Progress
from liangxin.judges import Judge
from liangxin.protocols import history
from liangxin.records import Case, Exchange, VerdictStatus
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

    def __init__(self, run: RunRecord, judge: Judge, record: JudgeRecord) -> None:
        self._run = run
        self._judge = judge
        self._record = record

    async def rule(self, writer: Writer, progress: Progress, stop: Stop) -> None:
        """Rule on everything judgeable that has no verdict yet; failed verdicts are tried again.

        Raises:
            AccessDenied: the judge's provider refused the key.
            StoreError: the store cannot be written.
        """

        async def handle(batch: Sequence[Pending]) -> None:
            await writer.room()
            if stop.requested:
                return
            verdicts = await self._judge.rule([pending.case for pending in batch])
            for pending, verdict in zip(batch, verdicts, strict=True):
                if verdict is not None:
                    writer.judgement(pending.at, self._record.key, self._judge.annotator, verdict)
                    progress.advance(failed=verdict.status is VerdictStatus.FAILED)

        await work(self._batches(writer, progress), handle, self._judge.connections, stop)
        await writer.saved()

    async def _batches(self, writer: Writer, progress: Progress) -> AsyncIterator[list[list[Pending]]]:
        rest: list[Pending] = []
        size = self._judge.batch
        async for chunk in chunks_of(writer, self._run):
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
            ruling = stored.rulings.get((self._record.key, exchange.turn, self._judge.annotator))
            if ruling is not None and ruling.verdict.status is not VerdictStatus.FAILED:
                progress.skip()
                continue
            attempt = 1 if ruling is None else ruling.attempt + 1
            at = AttemptKey(self._run.key, stored.rank, stored.dialogue.trial, exchange.turn, attempt)
            yield Pending(case=case_of(self._judge, stored, exchange), at=at)


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
