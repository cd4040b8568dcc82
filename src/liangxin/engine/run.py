"""The main job: prepare, collect, judge, count. Interrupts are clean, and what was paid for is kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from liangxin.engine.holding import at_work, patiently, take_in_left
from liangxin.engine.hosts.spending import Purse
from liangxin.engine.likelihood_choice import check_benchmarks, settled, weigher
from liangxin.engine.pool import Stop
from liangxin.engine.prepare import identify, prepare
from liangxin.engine.progress import Progress
from liangxin.engine.results import RunResult, run_result
from liangxin.engine.session import Session
from liangxin.engine.stages.bench import GRACE_SECONDS, Bench, writing
from liangxin.engine.stages.collect import Collector
from liangxin.interrupts import Interrupted, handlers_kept, listen, loop_factory
from liangxin.models import Recorded, Templated, open_model
from liangxin.specs import Benchmark, RunSpec
from liangxin.store import ASKING, RunRecord, Runs, StorePatience, Work

T = TypeVar("T")


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
        async with contextlib.aclosing(Purse(spec.spending, session.database, session.tell)) as purse:
            bench = Bench(session, run, purse.metered(spec), benchmark, patience)
            async with contextlib.aclosing(bench):
                await patiently(patience, lambda: purse.take_up(run))
                stop.spent = purse.spent
                await bench.look(None)
                await bench.begin(stop)
                judges = await bench.end()
                left = await bench.left(None, stop)
        result = await patiently(patience, lambda: run_result(session.database, run, benchmark, judges))
        return purse.ended(result, left)

    return drive(ruled, session)


async def _run(session: Session, spec: RunSpec, benchmark: Benchmark, sample: str, stop: Stop) -> RunResult:
    check_benchmarks(spec, [benchmark])
    runs = Runs(session.database)
    async with contextlib.AsyncExitStack() as closing:
        purse = await closing.enter_async_context(
            contextlib.aclosing(Purse(spec.spending, session.database, session.tell))
        )
        spec = purse.metered(spec)
        model = session.model or open_model(spec.model, spec.endpoint)
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
            await patiently(patience, lambda: purse.take_up(run))
            stop.spent = purse.spent
            # A judge that cannot be used must say so before the model is paid.
            bench = Bench(session, run, spec, benchmark, patience)
            closing.push_async_callback(bench.aclose)
            await bench.look(model)
            planned = await patiently(patience, lambda: runs.planned_items(run))
            async with writing(session.database, asking, lease, patience) as writer:
                audience = bench.follow(writer)
                collector = Collector(run, model, spec, benchmark.scale_for, session.tell, audience)
                with Progress(session.progress, "asked", planned * run.trials, bench.line) as progress:
                    await collector.try_first(writer, progress, stop)
                    await bench.begin(stop)
                    await collector.collect(writer, progress, stop)
            audience.end()
            for notice in collector.odd.notices():
                session.tell(notice)
        # Rows of an earlier command's items count as used, so only a run asked whole in one go can tell.
        fresh = spec.limit is None and not progress.skipped
        if isinstance(model, Recorded) and fresh and (unused := model.unused()):
            session.tell(
                f"{unused} recorded answers belong to no item of {benchmark.name}; they were not used"
            )
        records = await bench.end()
        left = await bench.left(model, stop)
    result = await patiently(patience, lambda: run_result(session.database, run, benchmark, records))
    return purse.ended(result, left)


def _beginning(run: RunRecord, spec: RunSpec, benchmark: Benchmark, *, unsaid: bool) -> Iterator[str]:
    """What a run says of itself when it begins."""
    yield f"run {run.id}" + (f" ({run.name})" if run.name else "") + f": {benchmark.name}, {spec.model}"
    if unsaid and spec.choose_by == "label":
        yield (
            f"{spec.model} has no chat template and cannot follow a format: it chooses by the likelihood of the "
            "labels (--choose-by generation lets it write)"
        )


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
            if stop.interrupted:
                task.cancel()
                return
            stop.interrupt()
            session.tell(
                f"stopping: finishing what is under way, {GRACE_SECONDS:.0f} s at most; again to stop at once"
            )
            loop.call_later(GRACE_SECONDS, task.cancel)

        if session.control is not None:
            session.control(lambda: loop.call_soon_threadsafe(interrupt))
        handled = list(listen(loop, interrupt))
        try:
            result = await task
        except asyncio.CancelledError:
            raise Interrupted from None
        finally:
            for number in handled:
                loop.remove_signal_handler(number)
        if stop.interrupted:
            raise Interrupted
        return result

    with handlers_kept(), asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(main())
