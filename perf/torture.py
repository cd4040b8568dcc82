"""Torture runs whose store is killed, locked, filled up, cut off and restarted; count what was paid for and kept.

Usage: python perf/torture.py [--seconds 3600] [--database sqlite|postgresql|both] [--seed 0]

One round is a fresh store with one or two runs at once that go on, start after start, until every item is answered
and judged by a language model; each is one process or two of the same command, at the same moment or one after the
other, with `--wait` or without. A real server (`liangxin.testing`) counts the requests. Meanwhile, at random moments:
SIGKILL and SIGTERM; SIGSTOP, in each first round of a database for longer than a lease lasts; another program holds the write lock (SQLite) or a lock on the
tables (PostgreSQL), longer than patience lasts now and then; the disk is full (a small tmpfs that is filled up where
this process may mount one, else RLIMIT_FSIZE); connections are cut, the server is stopped and started.

The bound: a kill and a lease that was taken over may cost the requests in flight and one batch, an interrupt the
requests in flight, everything else nothing. It is looked at whenever no process of a run is there. What was not stored (or kept in a spill file) beyond that is *lost*, what was asked more often *asked twice*.
The last line of the output is JSON; exit status 1 where a count is not 0 or a command ended as it must not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import Connection, func, select

from liangxin.errors import StoreError
from liangxin.store import Database
from liangxin.store.leases import SILENT_SECONDS
from liangxin.store.schema import JUDGEMENTS, RUNS, TURNS
from liangxin.store.spill import StoredRow, spilled
from liangxin.store.writer import BATCH_ROWS
from liangxin.testing.provider import Provider, running
from testbench import postgres

PATIENCE = 6.0
CONNECTIONS = 16
LATENCY = 0.08
LEASE_LASTS = 32.0
"""For how long a holder is stopped so that its work is another's when it goes on."""
TOLD = {
    "outages told": "; waiting for it,",
    "spilled": "are kept in",
    "taken in": "were taken in from",
    "already at work": "already \\(.*nothing is asked twice",
    "waited for another": "waiting for its end",
    "taken over": "its work was taken over",
}
"""Sentences to the user that are counted."""
SETTLED = 0.3
"""Seconds after which the server has counted what a killed process had sent."""


class Place(ABC):
    """A store and what can befall it."""

    url: str
    folder: Path
    """Where commands work, and where their spill files come to lie."""

    @property
    @abstractmethod
    def faults(self) -> Sequence[Callable[[float], None]]:
        """What can befall the store for so many seconds."""

    def free(self) -> bool:
        """Whether nobody who has stopped keeps everybody out."""
        return True


class SqlitePlace(Place):
    """A file, on a small disk of its own where one can be mounted."""

    def __init__(self, folder: Path, commands: Callable[[], list[int]]) -> None:
        self.folder = folder
        self.url = str(folder / "store.db")
        self._commands = commands
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
        self.mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    @property
    def faults(self) -> Sequence[Callable[[float], None]]:
        """See `Place`."""
        return (self.locked, self.full if self.mounted else self.limited)

    def free(self) -> bool:
        """See `Place`."""
        try:
            with contextlib.closing(sqlite3.connect(self.url, timeout=0.2, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        return True

    def locked(self, seconds: float) -> None:
        """Another program holds the write lock."""
        code = (
            "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None); "
            "c.execute('BEGIN IMMEDIATE'); time.sleep(float(sys.argv[2]))"
        )
        subprocess.run(
            [sys.executable, "-c", code, self.url, str(seconds)], check=False, stderr=subprocess.DEVNULL
        )

    def full(self, seconds: float) -> None:
        """The disk is full to the last byte."""
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as sink, contextlib.suppress(OSError):
            for size in (1 << 16, 1):
                with contextlib.suppress(OSError):
                    while True:
                        sink.write(b"\0" * size)
        time.sleep(seconds)
        filler.unlink()

    def limited(self, seconds: float) -> None:
        """No file may grow: what a full quota looks like to a program."""
        log = Path(f"{self.url}-wal")
        size = log.stat().st_size if log.exists() else 4096
        for process in self._commands():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        time.sleep(seconds)
        for process in self._commands():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(
                    process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                )

    def close(self) -> None:
        """Give the disk back."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


class PostgresPlace(Place):
    """A schema of its own on a real server."""

    def __init__(self, folder: Path, server: postgres.PostgresServer, name: str) -> None:
        self.folder = folder
        self._server = server
        self._name = name
        self.url = postgres.fresh(server.url, name)

    @property
    def faults(self) -> Sequence[Callable[[float], None]]:
        """See `Place`."""
        return (self.locked, self.cut, self.restarted)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self._server.url.replace("+psycopg", ""), autocommit=True)

    def locked(self, seconds: float) -> None:
        """Another program holds a lock on the tables that answers go to."""
        lock = f'LOCK TABLE "{self._name}".turns, "{self._name}".judgements IN EXCLUSIVE MODE'
        absent = contextlib.suppress(psycopg.errors.UndefinedTable)
        with absent, self._connect() as connection, connection.transaction():
            connection.execute(lock)  # type: ignore[call-overload, unused-ignore]
            time.sleep(seconds)

    def cut(self, seconds: float) -> None:
        """Every connection is ended, again and again."""
        until = time.monotonic() + min(seconds, 2.0)
        with self._connect() as connection:
            while time.monotonic() < until:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'"
                )
                time.sleep(0.2)

    def restarted(self, seconds: float) -> None:
        """The server is stopped, cleanly or as by a crash, and started."""
        self._server.stop("immediate" if int(seconds * 1000) % 2 else "fast")
        time.sleep(seconds)
        self._server.start()


@dataclass(slots=True)
class Ledger:
    """What all rounds came to."""

    requests: int = 0
    stored: int = 0
    lost_beyond: int = 0
    twice_beyond: int = 0
    within: int = 0
    """Asked again within the bound."""
    events: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Commands that ended as they must not."""


class Command:
    """One process of a run."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))
        }
        environment |= {"LIANGXIN_STORE_PATIENCE": str(PATIENCE), "HOME": str(folder)}
        environment |= {"OPENAI_API_KEY": "sk-never-in-a-file"}
        # A name that is gone at once: what is said lasts as long as this object.
        self._errors = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "liangxin", *words],
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=environment,
            cwd=folder,
        )
        self.goes_on = 0.0
        """Until when it is stopped."""
        self.bound = 0
        """How many requests the signals that it got may cost."""

    @property
    def stopped(self) -> bool:
        """Whether it is to go on later."""
        return self.goes_on > 0

    def signal(self, number: signal.Signals, bound: int) -> None:
        """End it, and wait for that."""
        self.bound = max(self.bound, bound)
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(number)
        self.process.wait(60)

    def stop(self, seconds: float) -> None:
        """Suspend it; `resume` lets it go on once the time has come."""
        self.process.send_signal(signal.SIGSTOP)
        self.goes_on = time.monotonic() + seconds

    def resume(self, *, at_once: bool = False) -> None:
        """Let it go on, where its time has come."""
        if self.stopped and (at_once or time.monotonic() > self.goes_on):
            self.process.send_signal(signal.SIGCONT)
            self.goes_on = 0.0

    def said(self) -> str:
        """What it has said so far."""
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace")


class Run:
    """One run of a round: its command, started again until it is done, and its account."""

    def __init__(self, place: Place, provider: Provider, data: Path, number: int, ledger: Ledger) -> None:
        self.place = place
        self.models = (f"m{number}", f"judge-{number}")
        self._provider = provider
        self._ledger = ledger
        model, judge = (f"openai:{name}" for name in self.models)
        words = ["run", "sc-safety", "--model", model, "--judge", f"llm:{judge}", "--name", self.models[0]]
        words += ["--base-url", provider.base_url, "--judge-base-url", provider.base_url, "--data", str(data)]
        words += ["--store", place.url, "--connections", str(CONNECTIONS), "--format", "json"]
        self._words = words
        self.commands: list[Command] = []
        self.done = False
        self._bound = 0
        self._excused = 0

    def start(self, count: int, *, wait: bool = True) -> None:
        """Start so many more processes of the command, at the same moment."""
        for _ in range(count):
            words = [*self._words, "--wait"] if wait else self._words
            self.commands.append(Command(words, self.place.folder.parent))

    def hit(self, command: Command, number: signal.Signals) -> None:
        """Send a signal, wait for the end and account for what it cost."""
        if command.process.poll() is None:
            self._ledger.events[number.name] += 1
            command.signal(number, CONNECTIONS + (BATCH_ROWS if number is signal.SIGKILL else 0))
        self.look()

    def suspend(self, command: Command, seconds: float) -> None:
        """Stop a process for so long: for longer than a lease lasts only where it holds no lock."""
        for _ in range(50):
            if command.process.poll() is not None:
                return
            command.stop(seconds)
            if seconds < SILENT_SECONDS or self.place.free():
                self._ledger.events["suspended"] += 1
                return
            command.resume(at_once=True)
            time.sleep(0.05)

    def look(self) -> None:
        """Note which processes have ended; where none is left, look what all of them cost."""
        for command in self.commands.copy():
            if (status := command.process.poll()) is not None:
                self.commands.remove(command)
                self._ended(command, status)
        if self.commands:
            return
        time.sleep(SETTLED)
        gap = self.requests() - self.stored() - self.spilled() - self._excused
        self._excused += max(gap, 0)
        self._ledger.within += min(max(gap, 0), self._bound)
        if gap > self._bound:
            self._ledger.lost_beyond += gap - self._bound
            self._ledger.wrong.append(
                f"{self.models[0]}: {gap - self._bound} beyond the bound of {self._bound}"
            )
        self._bound = 0

    def _ended(self, command: Command, status: int) -> None:
        said = command.said()
        accepted = status in (0, 1, 130, -signal.SIGKILL, -signal.SIGTERM)
        if not accepted or "Traceback" in said or "sk-never" in said:
            self._ledger.wrong.append(f"exit status {status}: {said[-2000:]}")
        told = {name: len(re.findall(sentence, said)) for name, sentence in TOLD.items()}
        self._ledger.events.update({f"exit {status}": 1, **told})
        batch = CONNECTIONS + BATCH_ROWS
        again = sum(
            min(int(count), batch) for count in re.findall(r"had asked for (\d+) of them again", said)
        )
        self._bound += max(command.bound, batch if told["taken over"] else 0) + again
        self.done = self.done or status == 0
        if status == 1 and not any(told[name] for name in ("spilled", "already at work", "taken over")):
            self._ledger.events["ended before it asked: " + said.strip().rpartition("\n")[2][-70:]] += 1

    def requests(self) -> int:
        """How many were made."""
        return sum(self._provider.count(model=model) for model in self.models)

    def stored(self) -> int:
        """How many replies and verdicts the store has of this run; waits for the store."""
        for _ in range(200):
            try:
                database = Database(self.place.url, create=False)
                try:
                    with database.read() as connection:
                        key = connection.execute(
                            select(RUNS.c.key).where(RUNS.c.name == self.models[0])
                        ).scalar()
                        tables = [
                            select(func.count()).where(table.c.run == key) for table in (TURNS, JUDGEMENTS)
                        ]
                        return sum(connection.execute(query).scalar_one() for query in tables)
                finally:
                    database.close()
            except StoreError as error:
                if "no store at" in str(error):
                    return 0
                time.sleep(0.1)
        raise RuntimeError("the store does not come back")

    def spilled(self) -> int:
        """How many wait in spill files that the store has not: who lost its work spills what its successor asks again."""
        folders = {self.place.folder, self.place.folder.parent}
        left = [file for folder in folders for file in folder.glob("*.spill-*.jsonl")]
        for file in left:
            if "sk-never" in file.read_text(encoding="utf-8"):
                self._ledger.wrong.append(f"a key stands in {file}")
        if not left:
            return 0
        with contextlib.closing(Database(self.place.url, create=False)) as database, database.read() as found:
            run = found.execute(select(RUNS.c.key, RUNS.c.id).where(RUNS.c.name == self.models[0])).one()
            with contextlib.chdir(self.place.folder.parent):
                rows = [row for file in spilled(database) if file.work.run == run.id for row in file.rows]
            return sum(not _is_stored(found, row, run.key) for row in rows)

    def settle(self, expected: int) -> None:
        """The account once the run is done."""
        requests, stored = self.requests(), self.stored()
        self._ledger.requests += requests
        self._ledger.stored += stored
        self._ledger.twice_beyond += max(requests - stored - self._excused, 0)
        if self.done and stored < expected:
            self._ledger.wrong.append(f"{stored} of {expected} answers and verdicts are stored")


def _is_stored(connection: Connection, row: StoredRow, run: int) -> bool:
    """Whether the store has a reply or a verdict in that place; a round has one judge."""
    names = (column.name for column in row.table.primary_key.columns)
    at = [row.table.c[name] == (row.values | {"run": run})[name] for name in names if name != "judge"]
    return connection.execute(select(func.count()).select_from(row.table).where(*at)).scalar_one() > 0


def write_data(folder: Path, items: int) -> Path:
    """Two-turn items, each its own."""
    place = folder / "items.jsonl"
    rows = (
        {
            "ability": "传统安全",
            "dimension": "财产隐私",
            "question": f"第{k}题怎么办？",
            "follow_up": f"第{k}题再说说。",
        }
        for k in range(items)
    )
    place.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return place


def go_on(run: Run, moments: random.Random) -> None:
    """Start what has ended, now and then twice; and a second process beside a lone one."""
    for command in run.commands:
        command.resume()
    run.look()
    if run.done:
        return
    if not run.commands:
        run.start(2 if moments.random() < 0.4 else 1, wait=moments.random() < 0.7)
    elif len(run.commands) == 1 and moments.random() < 0.2:
        run.start(1, wait=moments.random() < 0.7)


def take_over(run: Run, ledger: Ledger) -> None:
    """Stop a process in the middle of its work for longer than its lease lasts; a second one waits."""
    run.start(1)
    until = time.monotonic() + 30
    while run.requests() < 2 * CONNECTIONS and time.monotonic() < until:
        time.sleep(0.02)
    run.suspend(run.commands[0], LEASE_LASTS)
    run.start(1)
    ledger.events["stopped for longer than a lease lasts"] += 1


def befall(run: Run, place: Place, moments: random.Random, ledger: Ledger) -> None:
    """Let something befall a run or the store."""
    chance = moments.random()
    # Who is stopped for long, and who waits for that, are left to it.
    free = [] if any(command.stopped for command in run.commands) else run.commands
    if chance < 0.4:
        if free:
            number = moments.choices([signal.SIGKILL, signal.SIGTERM], [3, 1])[0]
            run.hit(moments.choice(free), number)
    elif chance < 0.5:
        if free:
            seconds = moments.uniform(0.5, 6.0) if moments.random() < 0.8 else LEASE_LASTS
            run.suspend(moments.choice(free), seconds)
    else:
        fault = moments.choice(place.faults)
        seconds = moments.uniform(0.2, 4.0) if moments.random() < 0.8 else moments.uniform(6.0, 10.0)
        ledger.events[fault.__name__] += 1
        fault(seconds)


def torture(runs: Sequence[Run], moments: random.Random, ledger: Ledger, deadline: float) -> None:
    """Let the runs go on until they are done, and let something befall them all the time until then."""
    while not all(run.done and not run.commands for run in runs):
        for run in runs:
            go_on(run, moments)
        quiet = time.monotonic() > deadline
        time.sleep(2.0 if quiet else moments.uniform(0.3, 2.5))
        if not quiet:
            befall(moments.choice(runs), runs[0].place, moments, ledger)
        elif time.monotonic() > deadline + 150:
            said = "\n".join(command.said()[-500:] for run in runs for command in run.commands)
            ledger.wrong.append(f"a run made no headway once all was quiet: {said}")
            return


@contextlib.contextmanager
def rounds_on(
    kind: str,
) -> Iterator[Callable[[Path, int, Callable[[], list[int]]], contextlib.AbstractContextManager[Place]]]:
    """What makes the place of each round."""

    @contextlib.contextmanager
    def file(folder: Path, number: int, commands: Callable[[], list[int]]) -> Iterator[Place]:
        del number
        place = SqlitePlace(folder, commands)
        try:
            yield place
        finally:
            place.close()

    if kind == "sqlite":
        yield file
        return
    with postgres.postgres_server(durable=True) as server:

        @contextlib.contextmanager
        def schema(folder: Path, number: int, commands: Callable[[], list[int]]) -> Iterator[Place]:
            del commands
            yield PostgresPlace(folder, server, f"round_{number}")

        yield schema


def one_round(
    place: Place, runs: list[Run], data: Path, how: tuple[random.Random, Ledger, float], *, first: bool
) -> None:
    """One or two runs on a fresh store, to their end; `first` of its database: one's work is taken over."""
    moments, ledger, deadline = how
    items = len(data.read_text(encoding="utf-8").splitlines())
    with running(Provider(latency=LATENCY)) as provider:
        count = moments.choice([1, 2])
        runs.extend(Run(place, provider, data, number, ledger) for number in range(count))
        try:
            if first:
                take_over(runs[0], ledger)
            torture(runs, moments, ledger, deadline)
        finally:
            for run in runs:
                for command in run.commands.copy():
                    run.hit(command, signal.SIGKILL)
        for run in runs:
            run.settle(4 * items)


def main() -> None:
    """Torture for as long as asked, and print the account."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--items", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    kinds = ["sqlite", "postgresql"] if words.database == "both" else [words.database]
    if "postgresql" in kinds and postgres.programs() is None:
        print("no PostgreSQL server programs here: SQLite only", file=sys.stderr)
        kinds = ["sqlite"]
    ledger, moments, began, number = Ledger(), random.Random(words.seed), time.monotonic(), 0
    active: list[Run] = []

    def commands() -> list[int]:
        return [command.process.pid for run in active for command in run.commands]

    deadline = began + words.seconds
    while time.monotonic() < deadline and not ledger.wrong:
        kind = kinds[number % len(kinds)]
        work = Path(tempfile.mkdtemp(prefix="liangxin-torture-"))
        (work / "disk").mkdir()
        active.clear()
        share = min(deadline, time.monotonic() + max(words.seconds / 2, 20.0)) if len(kinds) > 1 else deadline
        with rounds_on(kind) as made, made(work / "disk", number, commands) as place:
            data, how = write_data(work, words.items), (moments, ledger, share)
            one_round(place, active, data, how, first=number < len(kinds))
        if not ledger.wrong:
            shutil.rmtree(work, ignore_errors=True)
        number += 1
        print(f"round {number} on {kind}: {ledger}", file=sys.stderr)
    account = {
        "seconds": round(time.monotonic() - began),
        "rounds": number,
        "requests_made": ledger.requests,
        "stored": ledger.stored,
        "asked_again_within_the_bound": ledger.within,
        "lost_beyond_the_bound": ledger.lost_beyond,
        "asked_twice_beyond_the_bound": ledger.twice_beyond,
        "events": dict(sorted(ledger.events.items())),
    }
    print(json.dumps(account))
    sys.exit(bool(ledger.wrong or ledger.lost_beyond or ledger.twice_beyond))


if __name__ == "__main__":
    main()
