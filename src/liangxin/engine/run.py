"""The main job: prepare, collect, judge, count. Interrupts are clean, and what was paid for is kept."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TextIO, TypeVar

from liangxin.correction.sources import sources_text
from liangxin.engine.collect import Collector
from liangxin.engine.holding import at_work, chunks_of, patiently, take_in_left
from liangxin.engine.hosts.outages import HostPatience
from liangxin.engine.hosts.trial import Confirm, Destinations, models_of
from liangxin.engine.judging import Ruler
from liangxin.engine.likelihood_choice import check_benchmarks, settled, weigher
from liangxin.engine.pool import Stop
from liangxin.engine.prepare import identify, prepare
from liangxin.engine.progress import Progress
from liangxin.engine.results import RunResult, run_result
from liangxin.interrupts import Interrupted
from liangxin.judges import (
    NO_JUDGE,
    Judge,
    JudgeContext,
    MeasuredJudge,
    judge_traits,
    judge_versions,
    open_judges,
)
from liangxin.models import ChatModel, Recorded, Templated, open_model
from liangxin.specs import Benchmark, RunSpec, scales_of
from liangxin.store import (
    ASKING,
    Database,
    JudgeRecord,
    Lease,
    RunRecord,
    Runs,
    Spill,
    StorePatience,
    Work,
    Writer,
    take_in,
)

T = TypeVar("T")

GRACE_SECONDS = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one command works with."""

    database: Database
    tell: Callable[[str], None]
    """Says a sentence to the user."""
    progress: TextIO | None = None
    """Where progress is shown; None shows none."""
    model: ChatModel | None = None
    """The model itself, where `spec.model` is only its name; whoever made it closes it."""
    confirm: Confirm | None = None
    """Asks the user a question; None where there is nobody to answer."""
    control: Callable[[Callable[[], object]], None] | None = None
    """Is handed a function that interrupts the work from another thread, as a signal would."""


def run_benchmark(session: Session, spec: RunSpec, benchmark: Benchmark, sample: str) -> RunResult:
    """Ask, judge and score one benchmark; the same call continues the same run.

    Args:
        sample: path of the benchmark's embedded sample.

    Raises:
        LiangxinError: a stated failure; everything committed stays.
        Interrupted: SIGINT or SIGTERM; everything answered stays.
    """
    return drive(lambda stop: _run(session, spec, benchmark, sample, stop), session)


def judge_run(session: Session, run: RunRecord, spec: RunSpec, benchmark: Benchmark) -> RunResult:
    """Rule on a stored run with `spec.judges`, asking the model nothing."""

    async def ruled(stop: Stop) -> RunResult:
        patience = StorePatience(session.tell)
        await take_in_left(session.database, patience)
        async with contextlib.aclosing(_Bench(session, run, spec, benchmark, patience)) as bench:
            await bench.look(None)
            await bench.try_first(stop)
            judges = await bench.rule(stop)
        return await patiently(patience, lambda: run_result(session.database, run, benchmark, judges))

    return drive(ruled, session)


def default_judges(benchmark: Benchmark) -> tuple[str, ...]:
    """The judges where none is named: `choice` for choice items, else `rule` and `scorer`, which ask nobody anything."""
    return ("choice",) if benchmark.kind == "choice" else ("rule", "scorer")


class _OpenedJudge(NamedTuple):
    spec: str
    judge: Judge


async def _run(session: Session, spec: RunSpec, benchmark: Benchmark, sample: str, stop: Stop) -> RunResult:
    check_benchmarks(spec, [benchmark])
    runs = Runs(session.database)
    model = session.model or open_model(spec.model, spec.endpoint)
    async with contextlib.AsyncExitStack() as closing:
        if session.model is None:
            closing.push_async_callback(model.aclose)
        unsaid = spec.choose_by is None
        spec = settled(runs, spec, benchmark, sample, model)
        weigher(spec, model)
        template = model.template if isinstance(model, Templated) else None
        known = identify(spec, benchmark, sample, model.identity)
        asking = Work(known.id, ASKING)
        patience = StorePatience(session.tell)
        await take_in_left(session.database, patience)
        async with at_work(session.database, asking, stop, patience, wait=spec.wait) as lease:
            run, notices = await patiently(
                patience, lambda: prepare(runs, spec, benchmark, sample, known, template)
            )
            for notice in [*notices, *_beginning(run, spec, benchmark, unsaid=unsaid)]:
                session.tell(notice)
            # A judge that cannot be used must say so before the model is paid.
            bench = _Bench(session, run, spec, benchmark, patience)
            closing.push_async_callback(bench.aclose)
            await bench.look(model)
            planned = await patiently(patience, lambda: runs.planned_items(run))
            progress = Progress(session.progress, "asked", planned * run.trials)
            async with _writing(session.database, asking, lease, patience) as writer:
                collector = Collector(run, model, spec, benchmark.scale_for, session.tell)
                await collector.try_first(writer, progress, stop)
                await bench.try_first(stop)
                await collector.collect(writer, progress, stop)
            progress.finish()
            for notice in collector.odd.notices():
                session.tell(notice)
        # Rows of an earlier command's items count as used, so only a run asked whole in one go can tell.
        fresh = spec.limit is None and not progress.skipped
        if isinstance(model, Recorded) and fresh and (unused := model.unused()):
            session.tell(
                f"{unused} recorded answers belong to no item of {benchmark.name}; they were not used"
            )
        records = await bench.rule(stop)
    return await patiently(patience, lambda: run_result(session.database, run, benchmark, records))


def _beginning(run: RunRecord, spec: RunSpec, benchmark: Benchmark, *, unsaid: bool) -> Iterator[str]:
    """What a run says of itself when it begins."""
    yield f"run {run.id}" + (f" ({run.name})" if run.name else "") + f": {benchmark.name}, {spec.model}"
    if unsaid and spec.choose_by == "label":
        yield (
            f"{spec.model} has no chat template and cannot follow a format: it chooses by the likelihood of the "
            "labels (--choose-by generation lets it write)"
        )


@contextlib.asynccontextmanager
async def _writing(
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


class _Bench:
    """The judges of one run; each is entered in the store when it first rules."""

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
        self._records: dict[str, JudgeRecord] = {}
        self._rulers: dict[_OpenedJudge, Ruler] = {}

    async def look(self, model: ChatModel | None) -> None:
        """Say where questions and verdicts go, where a host is asked.

        Args:
            model: None where it is asked nothing more.

        Raises:
            UsageError: the answers would leave this machine for a host that the user did not name.
        """
        going = Destinations(
            model, self._run.manifest["identity"]["model"], [one.judge for one in self._judges]
        )
        if not going.any:
            return
        database = self._session.database
        known = await patiently(self._patience, lambda: Runs(database).judges(self._run))
        keys = {record.identity: record.key for record in known}
        await going.count(chunks_of(database, self._patience, self._run), keys)
        if line := going.line():
            self._session.tell(line)
        going.check_agreed(self._session.confirm)

    async def try_first(self, stop: Stop) -> None:
        """Let each judge that asks a model rule on the first reply that waits for it.

        Raises:
            ModelError: nothing that can answer it is there.
        """
        tried = [opened for opened in self._judges if models_of(opened.judge)]
        for opened in self._judges if tried else ():
            await self._enter(opened)  # in the order in which they were named, whoever is tried
        for opened in tried:
            if not stop.requested:
                async with self._ruling(opened, stop) as (ruler, writer):
                    await ruler.try_first(writer, stop)

    async def rule(self, stop: Stop) -> list[JudgeRecord]:
        """Let all rule on whatever waits for them.

        Raises:
            ModelError: a judge's host has answered nothing for as long as patience lasts.
        """
        session, run = self._session, self._run
        planned = await patiently(self._patience, lambda: Runs(session.database).planned_items(run))
        for opened in self._judges:
            if stop.requested:
                break
            async with self._ruling(opened, stop) as (ruler, writer):
                identity = opened.judge.identity
                progress = Progress(session.progress, f"judged by {identity}", planned * run.trials)
                await ruler.rule(writer, progress, stop)
            progress.finish()
        for notice in dict.fromkeys(notice for _, judge in self._judges for notice in judge.notices()):
            session.tell(notice)
        return list(self._records.values())

    async def _enter(self, opened: _OpenedJudge) -> None:
        runs, (spec, judge) = Runs(self._session.database), opened
        if judge.identity not in self._records:
            entering = partial(_entered, runs, self._run, self._benchmark, spec, judge)
            self._records[judge.identity] = await patiently(self._patience, entering)

    @contextlib.asynccontextmanager
    async def _ruling(self, opened: _OpenedJudge, stop: Stop) -> AsyncIterator[tuple[Ruler, Writer]]:
        database, patience, judge = self._session.database, self._patience, opened.judge
        await self._enter(opened)
        if opened not in self._rulers:
            waits = HostPatience(self._spec.give_up, self._session.tell, self._spec.judge_endpoint.retries)
            self._rulers[opened] = Ruler(self._run, judge, self._records[judge.identity], waits)
        judging = Work(self._run.id, judge.identity)
        async with (
            at_work(database, judging, stop, patience, wait=self._spec.wait) as lease,
            _writing(database, judging, lease, patience) as writer,
        ):
            yield self._rulers[opened], writer

    async def aclose(self) -> None:
        """Release them."""
        for _, judge in self._judges:
            await judge.aclose()


def _entered(runs: Runs, run: RunRecord, benchmark: Benchmark, spec: str, judge: Judge) -> JudgeRecord:
    """The judge's row in the store.

    The versions of the packages that bring it and the sets that its error was measured on stand there, not in its
    identity.
    """
    versions = judge_versions(spec)
    manifest = {**judge.manifest(), **({"versions": versions} if versions else {})}
    record = runs.add_judge(run, judge.identity, spec, judge.subject, manifest, judge_traits(spec))
    if not isinstance(judge, MeasuredJudge):
        return record
    scales = {scale.name: scale for scale in scales_of(judge.subject, benchmark)}
    told = [replace(one, scale=name) for name in scales for one in judge.sources(name)]
    trained = judge.trained_on()
    return runs.set_sources(record, sources_text(told, trained) if told or trained.digests else None)


def drive(job: Callable[[Stop], Coroutine[Any, Any, T]], session: Session) -> T:
    """Run a coroutine to its end with clean interrupts.

    The first SIGINT or SIGTERM takes up no new work and gives what is under way a few seconds; the
    second, or the end of that time, abandons it. Whatever was answered is stored in either case.
    """

    async def main() -> T:
        stop = Stop()
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(job(stop))

        def interrupt() -> None:
            if stop.requested:
                task.cancel()
                return
            stop.requested = True
            session.tell(
                f"stopping: finishing what is under way, {GRACE_SECONDS:.0f} s at most; again to stop at once"
            )
            loop.call_later(GRACE_SECONDS, task.cancel)

        if session.control is not None:
            session.control(lambda: loop.call_soon_threadsafe(interrupt))
        handled = list(_listen(loop, interrupt))
        try:
            result = await task
        except asyncio.CancelledError:
            raise Interrupted from None
        finally:
            for number in handled:
                loop.remove_signal_handler(number)
        if stop.requested:
            raise Interrupted
        return result

    with _handlers_kept(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main())


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Put the process's own signal handlers back: the loop leaves the defaults behind."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            # Only the main thread may set one; elsewhere none was changed.
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(number, handler)


def _listen(loop: asyncio.AbstractEventLoop, handler: Callable[[], None]) -> Iterable[signal.Signals]:
    for number in SIGNALS:
        # Only a main thread on a Unix loop can listen; elsewhere Ctrl-C stays Python's own.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, handler)
            yield number


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop
