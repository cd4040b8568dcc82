"""Data sets, runs and judges in the store: what was asked, in which order, and who ruled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Literal, cast

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from liangxin.digests import canonical
from liangxin.errors import StoreError, UnknownRun
from liangxin.hints import hint
from liangxin.records import Item
from liangxin.store.content import intact, item_of, item_text
from liangxin.store.database import Database
from liangxin.store.loading import load_dataset, whole, whole_dataset
from liangxin.store.schema import DATASETS, ITEMS, JUDGES, RUN_ITEMS, RUNS
from liangxin.store.searching import drop_index, searched_items
from liangxin.traits import JudgeTraits, ModelTraits

_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as stored."""

    key: int
    id: str
    """12 hex digits of the run's identity."""
    name: str | None
    dataset: int
    benchmark: str
    version: str
    data_sha256: str
    model: str
    trials: int
    units: int
    """How many units of the run's order are planned."""
    sample: bool
    created: float
    manifest: Mapping[str, Any]
    traits: ModelTraits = ModelTraits()
    """What its model is."""

    @property
    def label(self) -> str:
        """What a person calls it: its name, else its id."""
        return self.name or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRecord:
    """A judge that ruled on a run."""

    key: int
    identity: str
    spec: str
    subject: Literal["primary", "refusal", "safety"]
    manifest: Mapping[str, Any]
    traits: JudgeTraits = JudgeTraits()
    sources: str | None = None
    """On which labelled sets its error was measured, as JSON (`liangxin.correction.sources`); None: it tells none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a run starts with."""

    id: str
    name: str | None
    dataset: int
    benchmark: str
    model: str
    trials: int
    sample: bool
    manifest: Mapping[str, Any]
    traits: ModelTraits = ModelTraits()
    """What its model is."""


class Runs:
    """Data sets, runs and judges of one open store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def dataset(self, benchmark: str, version: str, sha256: str) -> int | None:
        """The key of a data set read before, or None."""
        with self.database.begin() as connection:
            return whole_dataset(connection, benchmark, version, sha256)

    def add_dataset(self, benchmark: str, version: str, sha256: str, items: Iterable[Item]) -> int:
        """Store a data set's items, all or (if reading one fails) none; returns its key. Errors as `load_dataset`."""
        return load_dataset(self.database, benchmark, version, sha256, items)

    def add_stems(self, dataset: int, items: Iterable[Item]) -> None:
        """Add the stems to a data set that was stored without any; `items` are the same, read anew."""
        if any(item.stem for item in islice(self.items(dataset), 1)):
            return
        place = (ITEMS.c.dataset == dataset, ITEMS.c.id == bindparam("of"))
        add = update(ITEMS).where(*place).values(content=bindparam("text"))
        rows = ({"of": item.id, "text": item_text(item)} for item in items if item.stem)
        # The first item tells whether all have theirs: it gets it last, and no file is read while others wait.
        first = list(islice(rows, _CHUNK))
        while first and (chunk := list(islice(rows, _CHUNK)) or first):
            with self.database.write() as connection:
                # SQLite's index of the items knows nothing of what is changed in them; it is made anew when needed.
                drop_index(connection, searched_items(dataset))
                connection.execute(add, chunk)
            if chunk is first:
                return

    def index(self, dataset: int) -> Iterator[tuple[int, str, str]]:
        """(position, unit, category) of every item, to put them in a run's order; a thousand in memory at a time."""
        columns = (ITEMS.c.position, ITEMS.c.unit, ITEMS.c.category)
        for row in self._by_position(select(*columns), dataset):
            yield row[0], row[1], row[2]

    def datasets(self, benchmark: str) -> list[int]:
        """The keys of a benchmark's data sets, in the order they came."""
        query = select(DATASETS.c.key).where(DATASETS.c.benchmark == benchmark).order_by(DATASETS.c.key)
        with self.database.begin() as connection:
            return list(connection.execute(query.where(whole(connection))).scalars())

    def item(self, dataset: int, identifier: str) -> Item:
        """One item of a data set, which must be there."""
        query = select(ITEMS.c.content).where(ITEMS.c.dataset == dataset, ITEMS.c.id == identifier)
        with self.database.begin() as connection:
            return item_of(identifier, connection.execute(query).scalar_one())

    def items(self, dataset: int) -> Iterator[Item]:
        """Every item of a data set, in file order, a thousand in memory at a time."""
        for row in self._by_position(select(ITEMS.c.id, ITEMS.c.content), dataset):
            yield item_of(row[0], row[1])

    def _by_position(self, columns: Select[Any], dataset: int) -> Iterator[Any]:
        start = 0
        of = columns.where(ITEMS.c.dataset == dataset).order_by(ITEMS.c.position)
        while True:
            query = of.where(ITEMS.c.position >= start, ITEMS.c.position < start + _CHUNK)
            with self.database.begin() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield from rows
            start += _CHUNK

    def all(self) -> list[RunRecord]:
        """Every run, the newest first."""
        with self.database.begin() as connection:
            rows = connection.execute(_select_runs().order_by(RUNS.c.created.desc(), RUNS.c.key.desc()))
            return [_run(row) for row in rows]

    def by_id(self, identifier: str) -> RunRecord | None:
        """The run of that identity, or None."""
        with self.database.read() as connection:
            row = connection.execute(_select_runs().where(RUNS.c.id == identifier)).one_or_none()
            return None if row is None else _run(row)

    def find(self, name: str) -> RunRecord:
        """The run of that name or id (or the start of an id, four digits at least).

        Raises:
            UnknownRun: none, or several ids begin like that.
        """
        runs = self.all()
        exact = [run for run in runs if name in (run.name, run.id)]
        begins = [run for run in runs if len(name) >= 4 and run.id.startswith(name)]
        found = exact or begins
        if len(found) == 1 or exact:
            return found[0]
        if found:
            raise UnknownRun(f"{len(found)} runs have an id that begins with {name!r}; give more digits")
        names = [run.label for run in runs]
        near = hint(name, names)
        raise UnknownRun(f"no run {name!r} in the store {self.database.shown}.{near} See `liangxin runs`.")

    def create(self, new: NewRun, order: Iterable[tuple[int, int]]) -> RunRecord:
        """Store a new run with its order: (unit rank, position) for each rank.

        Raises:
            StoreError: the name is another run's.
        """
        ranks = enumerate(order)
        # The order is made when its first rank is asked for: before the lock is taken.
        chunk = list(islice(ranks, _CHUNK))
        with self.database.write() as connection, _one_name(new.name):
            values = {
                "id": new.id,
                "name": new.name,
                "dataset": new.dataset,
                "benchmark": new.benchmark,
                "model": new.model,
                "trials": new.trials,
                "units": 0,
                "sample": int(new.sample),
                "created": time.time(),
                "manifest": canonical(new.manifest),
                "traits": _written(new.traits),
            }
            connection.execute(insert(RUNS), [values])
            key = connection.execute(select(RUNS.c.key).where(RUNS.c.id == new.id)).scalar_one()
            while chunk:
                rows = [
                    {"run": key, "rank": rank, "unit_rank": unit, "position": position}
                    for rank, (unit, position) in chunk
                ]
                connection.execute(insert(RUN_ITEMS), rows)
                chunk = list(islice(ranks, _CHUNK))
            return _run(connection.execute(_select_runs().where(RUNS.c.key == key)).one())

    def update(self, run: RunRecord, *, name: str | None, units: int) -> RunRecord:
        """Set a run's name and how many units are planned; errors as `create`."""
        with self.database.write() as connection, _one_name(name):
            connection.execute(update(RUNS).where(RUNS.c.key == run.key).values(name=name, units=units))
            return _run(connection.execute(_select_runs().where(RUNS.c.key == run.key)).one())

    def unit_count(self, run: RunRecord) -> int:
        """How many units the run's data has."""
        with self.database.begin() as connection:
            query = select(func.max(RUN_ITEMS.c.unit_rank)).where(RUN_ITEMS.c.run == run.key)
            highest = connection.execute(query).scalar()
            return 0 if highest is None else int(highest) + 1

    def planned_items(self, run: RunRecord) -> int:
        """How many items the planned units hold: a pair that is asked in both orders is one unit of two items."""
        with self.database.read() as connection:
            query = select(func.count()).where(RUN_ITEMS.c.run == run.key, RUN_ITEMS.c.unit_rank < run.units)
            return int(connection.execute(query).scalar() or 0)

    def add_judge(
        self,
        run: RunRecord,
        identity: str,
        spec: str,
        subject: str,
        manifest: Mapping[str, object],
        traits: JudgeTraits = JudgeTraits(),
    ) -> JudgeRecord:
        """Enter a judge of a run, once for each identity."""
        values = {
            "run": run.key,
            "identity": identity,
            "spec": spec,
            "subject": subject,
            "created": time.time(),
            "manifest": canonical(manifest),
            "traits": _written(traits),
        }
        with self.database.write() as connection:
            # One statement alone would burn a key on every repeat of the same command.
            known = _judges(connection, run, identity)
            if not known:
                connection.execute(self.database.insert_new(JUDGES), [values])
                known = _judges(connection, run, identity)
            return known[0]

    def set_sources(self, judge: JudgeRecord, sources: str | None) -> JudgeRecord:
        """Set on what a judge's error was measured: its card may be newer than its verdicts."""
        if judge.sources == sources:
            return judge
        with self.database.write() as connection:
            connection.execute(update(JUDGES).where(JUDGES.c.key == judge.key).values(sources=sources))
        return replace(judge, sources=sources)

    def judges(self, run: RunRecord) -> list[JudgeRecord]:
        """Every judge of a run, in the order they came."""
        with self.database.begin() as connection:
            return _judges(connection, run)


@contextmanager
def _one_name(name: str | None) -> Iterator[None]:
    """Two runs that are made at once may both have found a name free."""
    try:
        yield
    except IntegrityError as error:
        if name is None or "name" not in str(error.orig):
            raise
        raise StoreError(f"the name {name!r} is another run's by now; choose another --name") from None


def _select_runs() -> Select[Any]:
    return select(RUNS, DATASETS.c.version, DATASETS.c.sha256).join(
        DATASETS, DATASETS.c.key == RUNS.c.dataset
    )


@intact()
def _run(row: Any) -> RunRecord:
    return RunRecord(
        key=row.key,
        id=row.id,
        name=row.name,
        dataset=row.dataset,
        benchmark=row.benchmark,
        version=row.version,
        data_sha256=row.sha256,
        model=row.model,
        trials=row.trials,
        units=row.units,
        sample=bool(row.sample),
        created=row.created,
        manifest=json.loads(row.manifest),
        traits=ModelTraits(**json.loads(row.traits)),
    )


def _written(traits: ModelTraits | JudgeTraits) -> str:
    """What holds, as JSON."""
    return canonical({name: value for name, value in asdict(traits).items() if value})


@intact()
def _judges(connection: Connection, run: RunRecord, identity: str | None = None) -> list[JudgeRecord]:
    query = select(JUDGES).where(JUDGES.c.run == run.key).order_by(JUDGES.c.key)
    if identity is not None:
        query = query.where(JUDGES.c.identity == identity)
    return [
        JudgeRecord(
            key=row.key,
            identity=row.identity,
            spec=row.spec,
            subject=cast("Literal['primary', 'refusal', 'safety']", row.subject),
            manifest=json.loads(row.manifest),
            traits=_judge_traits(row.traits),
            sources=row.sources,
        )
        for row in connection.execute(query)
    ]


def _judge_traits(text: str) -> JudgeTraits:
    told = json.loads(text)
    return JudgeTraits(**{**told, "asks": tuple(told.get("asks", ()))})
