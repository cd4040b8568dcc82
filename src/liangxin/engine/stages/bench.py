"""The judges of one run at work: all at once, and beside the asking where the model is asked too."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from liangxin.correction.sources import sources_text
from liangxin.engine.holding import at_work, chunks_of, patiently
from liangxin.engine.hosts.outages import HostPatience
from liangxin.engine.hosts.trial import Destinations, models_of
from liangxin.engine.pool import Stop
from liangxin.engine.progress import Progress, ProgressLine
from liangxin.engine.session import Session
from liangxin.engine.stages.following import Audience, Following
from liangxin.engine.stages.judging import Ruler
from liangxin.errors import LiangxinError
from liangxin.judges import (
    NO_JUDGE,
    Judge,
    JudgeContext,
    MeasuredJudge,
    judge_traits,
    judge_versions,
    open_judges,
)
from liangxin.models import ChatModel
from liangxin.specs import Benchmark, RunSpec, scales_of
from liangxin.store import (
    Database,
    JudgeRecord,
    Lease,
    RunRecord,
    Runs,
    Spill,
    StoredDialogue,
    StorePatience,
    Work,
    Writer,
    take_in,
)

GRACE_SECONDS = 5.0
"""How long what is under way may take once nothing new is taken up: it may be paid for."""


def default_judges(benchmark: Benchmark) -> tuple[str, ...]:
    """The judges where none is named: `choice` for choice items, else `rule` and `scorer`, which ask nobody anything."""
    return ("choice",) if benchmark.kind == "choice" else ("rule", "scorer")


class _OpenedJudge(NamedTuple):
    spec: str
    judge: Judge


class _Seat:
    """Judges of one identity, the annotators of a file of labels, who rule one after the other; and how far they are."""

    def __init__(self, judges: Sequence[_OpenedJudge]) -> None:
        self.judges = judges
        self.identity = judges[0].judge.identity
        self.following: Following | None = None
        """None: the model is asked nothing, and all that is ruled on is in the store."""
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once asking may go on: they were tried, or somebody else has their lease."""
        self.begun.add_done_callback(lambda begun: begun.cancelled() or begun.exception())
        self.task: asyncio.Task[None] | None = None

    @property
    def still_asked(self) -> bool:
        """Whether the model is asked meanwhile."""
        return self.following is not None and not self.following.ended

    def be_late(self) -> None:
        """Somebody else has the lease: asking doesn't wait for that."""
        if self.following is not None:
            self.following.be_late()
        self.begin()

    def begin(self, error: Exception | None = None) -> None:
        """Let asking go on, or say why it must not."""
        if self.begun.done():
            return
        if error is None:
            self.begun.set_result(None)
        else:
            self.begun.set_exception(error)


class Bench:
    """The judges of one run; each has its lease, its writer and its place in the store."""

    def __init__(
        self, session: Session, run: RunRecord, spec: RunSpec, benchmark: Benchmark, patience: StorePatience
    ) -> None:
        """Open them.

        Raises:
            JudgeError, DataError, ModelError, UsageError: one cannot be used.
        """
        self._session = session
        self._run = run
        self._spec = spec
        self._benchmark = benchmark
        self._patience = patience
        self._judges = _open(session, run, spec, benchmark)
        together: dict[str, list[_OpenedJudge]] = {}
        for one in self._judges:
            together.setdefault(one.judge.identity, []).append(one)
        self._seats = [_Seat(judges) for judges in together.values()]
        self._records: dict[str, JudgeRecord] = {}
        self._stop: Stop | None = None
        self.line = ProgressLine()
        """Where all stages that are under way show their progress."""

    async def look(self, model: ChatModel | None) -> None:
        """Say where questions and verdicts go, where a host is asked.

        Args:
            model: None where it is asked nothing more.

        Raises:
            UsageError: the answers would leave this machine for a host that the user did not name.
        """
        going = await self._counted(model)
        if line := going.line():
            self._session.tell(line)
        going.check_agreed(self._session.confirm)

    async def left(self, model: ChatModel | None, stop: Stop) -> int:
        """How many calls a budget leaves unmade; `model` is None where it is asked nothing more."""
        return (await self._counted(model)).calls if stop.spent() else 0

    async def _counted(self, model: ChatModel | None) -> Destinations:
        """The calls that are still to be made, and where they go."""
        judges = [one.judge for one in self._judges]
        going = Destinations(model, self._run.manifest["identity"]["model"], judges)
        if going.any:
            database = self._session.database
            known = await patiently(self._patience, lambda: Runs(database).judges(self._run))
            keys = {record.identity: record.key for record in known}
            await going.count(chunks_of(database, self._patience, self._run), keys)
        return going

    def follow(self, asked: Writer) -> Audience:
        """Let all follow what is asked from now on.

        Args:
            asked: appends the replies.
        """
        followings = [Following(self._run, asked) for _ in self._seats]
        for seat, following in zip(self._seats, followings, strict=True):
            seat.following = following
        return Audience(followings)

    async def begin(self, stop: Stop) -> None:
        """Let all begin to rule; returns once each that asks a model has ruled on the first reply that waits for it.

        Raises:
            ModelError: nothing that can answer one of them is there.
        """
        self._stop = stop
        if stop.interrupted:
            return
        database, run = self._session.database, self._run
        planned = await patiently(self._patience, lambda: Runs(database).planned_items(run))
        for seat in self._seats:
            entering = partial(_entered, Runs(database), run, self._benchmark, seat.judges[0])
            self._records[seat.identity] = await patiently(self._patience, entering)
        for seat in self._seats:
            asks = models_of(seat.judges[0].judge)
            seat.task = asyncio.create_task(
                self._sit(seat, planned * run.trials, stop if asks else stop.of_user())
            )
        for seat in self._seats:
            await seat.begun

    async def end(self) -> list[JudgeRecord]:
        """Wait until all have ruled on whatever waits for them.

        Raises:
            ModelError: a judge's host has answered nothing for as long as patience lasts.
            RunAtWork: another command lets one of them rule on this run.
            Interrupted: the user ended the waiting for that.
        """
        tasks = [seat.task for seat in self._seats if seat.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            task.result()
        for notice in dict.fromkeys(notice for one in self._judges for notice in one.judge.notices()):
            self._session.tell(notice)
        return list(self._records.values())

    async def aclose(self) -> None:
        """Release them; who still rules takes up nothing new, and ends."""
        tasks = [seat.task for seat in self._seats if seat.task is not None]
        for seat in self._seats:
            if seat.following is not None:
                seat.following.end()
        try:
            if (
                self._stop is not None
                and not self._stop.interrupted
                and not all(task.done() for task in tasks)
            ):
                self._stop.interrupt()
                await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in self._judges:
                await one.judge.aclose()

    async def _sit(self, seat: _Seat, total: int, stop: Stop) -> None:
        """Let the judges of one identity rule on the run."""
        try:
            async with self._writing(seat, stop) as writer:
                rulers = [self._ruler(one.judge) for one in seat.judges]
                for ruler in rulers:
                    await ruler.try_first(writer, stop)
                seat.begin()
                waiting = seat.following.chunks() if seat.following else self._stored()
                for ruler in rulers:
                    label, brief = f"judged by {seat.identity}", seat.identity.partition("@")[0]
                    with Progress(self._session.progress, label, total, self.line, brief) as progress:
                        await ruler.rule(waiting, writer, progress, stop)
                    # Others of the same identity may rule on the same: they read it once that is stored.
                    waiting = self._stored()
        except Exception as error:
            if isinstance(error, LiangxinError) and seat.still_asked and seat.begun.done():
                self._session.tell(f"{error}; the model is asked on meanwhile")
            seat.begin(error)
            raise
        finally:
            seat.begin()

    def _ruler(self, judge: Judge) -> Ruler:
        waits = HostPatience(self._spec.give_up, self._session.tell, self._spec.judge_endpoint.retries)
        return Ruler(self._run, judge, self._records[judge.identity], waits)

    def _stored(self) -> AsyncIterator[Sequence[StoredDialogue]]:
        return chunks_of(self._session.database, self._patience, self._run)

    @contextlib.asynccontextmanager
    async def _writing(self, seat: _Seat, stop: Stop) -> AsyncIterator[Writer]:
        database, patience = self._session.database, self._patience
        judging = Work(self._run.id, seat.identity)
        async with (
            at_work(database, judging, stop, patience, wait=self._spec.wait, held=seat.be_late) as lease,
            writing(database, judging, lease, patience) as writer,
        ):
            yield writer


@contextlib.asynccontextmanager
async def writing(
    database: Database, work: Work, lease: Lease, patience: StorePatience
) -> AsyncIterator[Writer]:
    """What that work's holder appends with, once what earlier commands could not store of it is in the store."""
    await patiently(patience, lambda: take_in(database, work, lease, patience.tell))
    with Writer(database, lease.confirm, patience, Spill(database, work)) as writer:
        yield writer


def _open(session: Session, run: RunRecord, spec: RunSpec, benchmark: Benchmark) -> list[_OpenedJudge]:
    judges: list[_OpenedJudge] = []
    for judge_spec in spec.judges or default_judges(benchmark):
        if judge_spec == NO_JUDGE:
            continue
        needs_items = judge_traits(judge_spec).needs_items
        context = _context(session, run, spec, benchmark, needs_items=needs_items)
        judges.extend(_OpenedJudge(judge_spec, judge) for judge in open_judges(judge_spec, context))
    return judges


def _context(
    session: Session, run: RunRecord, spec: RunSpec, benchmark: Benchmark, *, needs_items: bool
) -> JudgeContext:
    prompts: dict[str, str] = {}
    categories: dict[str, tuple[str, ...]] = {}
    if needs_items:
        for item in Runs(session.database).items(run.dataset):
            categories[item.id] = item.category
            prompts.setdefault(item.turns[0], item.id)
    return JudgeContext(
        benchmark=benchmark,
        endpoint=spec.judge_endpoint,
        generation=spec.judge_generation,
        run_model=run.model,
        run_traits=run.traits,
        item_ids=frozenset(categories),
        item_prompts=prompts,
        item_categories=categories,
        refusal=spec.refusal and benchmark.kind == "open",
        entered=tuple(Runs(session.database).judges(run)),
    )


def _entered(runs: Runs, run: RunRecord, benchmark: Benchmark, opened: _OpenedJudge) -> JudgeRecord:
    """The judge's row in the store.

    The versions of the packages that bring it and the sets that its error was measured on stand there, not in its
    identity.
    """
    spec, judge = opened.spec, opened.judge
    versions = judge_versions(spec)
    manifest = {**judge.manifest(), **({"versions": versions} if versions else {})}
    record = runs.add_judge(run, judge.identity, spec, judge.subject, manifest, judge_traits(spec))
    if not isinstance(judge, MeasuredJudge):
        return record
    scales = {scale.name: scale for scale in scales_of(judge.subject, benchmark)}
    told = [replace(one, scale=name) for name in scales for one in judge.sources(name)]
    trained = judge.trained_on()
    return runs.set_sources(record, sources_text(told, trained) if told or trained.digests else None)
