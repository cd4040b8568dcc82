"""A benchmark of two-turn items, a store, and a model whose answers a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from liangxin.engine.pool import Stop
from liangxin.engine.prepare import identify, prepare
from liangxin.engine.progress import Progress
from liangxin.engine.stages.collect import Collector
from liangxin.records import Item, Message, Reply, Row
from liangxin.specs import REFUSAL, Benchmark, Bilingual, Card, Generation, Rubric, RunSpec
from liangxin.store import Database, RunRecord, Runs, Writer

NOTHING = Bilingual(zh="无", en="none")


def read(row: Row) -> Sequence[Item]:
    turns = tuple(str(row.values[name]) for name in ("question", "follow_up") if name in row.values)
    return [Item(id=str(row.values["id"]), turns=turns, category=(str(row.values.get("category", "甲")),))]


BENCHMARK = Benchmark(
    name="bench",
    version="1",
    title=NOTHING,
    kind="open",
    read=read,
    sample="sample.jsonl",
    scales={"*": REFUSAL},
    rubric=Rubric(text={"*": "无"}, ours=True, source=NOTHING),
    measures=(),
    annotators="majority",
    taxonomy=(),
    open_taxonomy=True,
    card=Card(overview=NOTHING, task=NOTHING, data=NOTHING, scoring=NOTHING, limits=NOTHING, citation="none"),
)


@dataclass
class FakeModel:
    """Answers by a function; remembers every conversation it was asked."""

    answer: Callable[[Sequence[Message]], Reply]
    identity: str = "fake"
    asked: list[tuple[Message, ...]] = field(default_factory=list)
    seeds: list[int | None] = field(default_factory=list)

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        self.asked.append(tuple(messages))
        self.seeds.append(generation.seed)
        await asyncio.sleep(0)
        return self.answer(messages)

    async def aclose(self) -> None:
        return None


@dataclass
class Bench:
    """A store and a data file, with one call that collects a run."""

    database: Database
    data: Path
    benchmark: Benchmark = BENCHMARK

    def run(self, model: FakeModel, spec: RunSpec) -> RunRecord:
        known = identify(spec, BENCHMARK, str(self.data), model.identity)
        return prepare(Runs(self.database), spec, BENCHMARK, str(self.data), known)[0]

    def collect(self, model: FakeModel, spec: RunSpec, stop: Stop | None = None) -> RunRecord:
        run = self.run(model, spec)
        with Writer(self.database) as writer:
            collector = Collector(run, model, spec)
            asyncio.run(collector.collect(writer, Progress(None, "", 0), stop or Stop()))
        return run


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    data = tmp_path / "data.jsonl"
    rows = [f'{{"id": "i{k}", "question": "问{k}", "follow_up": "追{k}"}}' for k in range(4)]
    data.write_text("\n".join(rows), encoding="utf-8")
    database = Database(str(tmp_path / "store.db"))
    yield Bench(database=database, data=data)
    database.close()


@pytest.fixture
def fake() -> type[FakeModel]:
    return FakeModel
