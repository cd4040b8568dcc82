"""Leases: who is at work on a part of a run, so that the same work is not paid for twice.

A lease is a row that its holder renews (`BEAT_SECONDS`). Another command takes it over where the holder's process has
ended (seen at once on the same machine), or where nothing was heard of it for `SILENT_SECONDS` and again nothing for
`LOOK_SECONDS`: together less than 30 s. The second look is for a store that nobody could write for a while, the
holder neither. Times are the database's; on SQLite, whose processes share a machine, the machine's.

Whoever was taken over (a suspended laptop, a network that was cut) finds another's token in the row, within the
transaction that would have written its replies: nothing of it is written.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, func, inspect, select, update

from liangxin.errors import LeaseLost, StoreError
from liangxin.store.database import Database
from liangxin.store.schema import LEASES

BEAT_SECONDS = 4.0
SILENT_SECONDS = 18.0
LOOK_SECONDS = 8.0
_RETRY_SECONDS = 1.0
_FAREWELL_SECONDS = 2.0
"""How long the end of a command waits for its lease to be given back."""
ASKING = "asking"
"""The part of a run that asks its model; each judge is a part of its own, by its identity."""


class Work(NamedTuple):
    """What a lease is for."""

    run: str
    """The run's id."""
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseHolder:
    """Who is at work, as the store has it."""

    token: str
    user: str
    host: str
    process: int
    machine: str
    started: str
    since: float
    seen: float
    age: float
    """Seconds since it was last heard of, by the clock that `seen` is by."""

    @property
    def silent(self) -> bool:
        """Whether it was not heard of for so long that it may be dead; a clock that was set back counts too."""
        return abs(self.age) > SILENT_SECONDS

    @property
    def dead(self) -> bool:
        """Whether it is known that its process has ended: only of this machine's processes."""
        known = bool(self.machine) and self.machine == _machine()
        return known and not _alive(self.process, self.started)

    def __str__(self) -> str:
        """Who and where, as a user knows them."""
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"{self.user}@{self.host}, process {self.process}, since {since}"


class Leases:
    """The leases of one open store.

    What takes a lease again after the store did not answer is still the same: its first try may have been stored.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._token = secrets.token_hex(16)

    def take(self, work: Work, unheard: LeaseHolder | None = None) -> Lease | LeaseHolder:
        """Take the lease, or tell who holds it.

        Args:
            unheard: who was silent at an earlier look; if nothing was heard since, its lease is taken over.

        Raises:
            StoreReadOnly: the store may only be read.
            StoreUnavailable: it is locked, full or not reached now.
            StoreError: the store cannot be written.
        """
        token = self._token
        with self.database.write() as connection:
            now = _now(connection)
            mine = {**_here(), "token": token, "since": now, "seen": now}
            connection.execute(self.database.insert_new(LEASES), [{**work._asdict(), **mine}])
            row = connection.execute(_row(work).with_for_update()).one()
            if row.token != token:
                holder = _holder(row, now)
                again = unheard is not None and (unheard.token, unheard.seen) == (row.token, row.seen)
                if not again and not holder.dead:
                    return holder
                connection.execute(update(LEASES).where(*_at(work)).values(mine))
        return Lease(self.database, work, token)


class Lease:
    """A lease that this process holds; a thread renews it until it is released."""

    def __init__(self, database: Database, work: Work, token: str) -> None:
        self._database = database
        self._work = work
        self._token = token
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._on_lost: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._keep, name="liangxin-lease", daemon=True)

    def keep(self, on_lost: Callable[[], object]) -> None:
        """Renew it from now on; `on_lost` is called from another thread once it is another's."""
        self._on_lost = on_lost
        self._thread.start()

    def confirm(self, connection: Connection) -> None:
        """Within a transaction that has written: nobody else has taken the lease, nor can before the commit.

        Raises:
            LeaseLost: somebody has; the transaction must not be committed.
        """
        row = connection.execute(_row(self._work).with_for_update(read=True)).one_or_none()
        if row is None or row.token != self._token:
            holder = "another command" if row is None else str(_holder(row, row.seen))
            raise LeaseLost(
                f"run {self._work.run}: this command was not heard of for a while, and its work was taken over "
                f"({holder}); what it had stored stays, nothing more of it is stored, and the same command goes on "
                "once the other has ended"
            )

    def check(self) -> None:
        """Raise `LeaseLost` where the lease is known to be another's."""
        if self._lost.is_set():
            with self._database.read() as connection:
                self.confirm(connection)

    def release(self) -> None:
        """Give it back; a store that cannot be reached now will see that this process has ended."""
        self._ended.set()
        self._thread.join(_FAREWELL_SECONDS)

    def _keep(self) -> None:
        pause = BEAT_SECONDS
        while not self._ended.wait(pause):
            try:
                kept = self._beat()
            except StoreError:
                pause = _RETRY_SECONDS
                continue
            if not kept:
                self._lost.set()
                self._on_lost()
                return
            pause = BEAT_SECONDS
        with suppress(StoreError), self._database.write() as connection:
            connection.execute(delete(LEASES).where(*self._mine()))

    def _beat(self) -> bool:
        with self._database.write() as connection:
            renewed = update(LEASES).where(*self._mine()).values(seen=_now(connection))
            return connection.execute(renewed).rowcount == 1

    def _mine(self) -> tuple[Any, ...]:
        return (*_at(self._work), LEASES.c.token == self._token)


def running(connection: Connection, run: str) -> list[LeaseHolder]:
    """Who is at work on any part of a run; nobody who has died, or was not heard of for as long as two looks take."""
    if not inspect(connection).has_table(LEASES.name):
        return []
    now = _now(connection)
    rows = connection.execute(select(LEASES).where(LEASES.c.run == run)).all()
    holders = [_holder(row, now) for row in rows]
    return [one for one in holders if not one.dead and abs(one.age) <= SILENT_SECONDS + LOOK_SECONDS]


def _at(work: Work) -> tuple[Any, ...]:
    return LEASES.c.run == work.run, LEASES.c.part == work.part


def _row(work: Work) -> Select[Any]:
    return select(LEASES).where(*_at(work))


def _now(connection: Connection) -> float:
    """Seconds since 1970 by the clock that all who use the store share."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def _holder(row: Any, now: float) -> LeaseHolder:
    kept = {name: value for name, value in row._mapping.items() if name not in Work._fields}
    return LeaseHolder(**kept, age=now - row.seen)


def _here() -> dict[str, object]:
    """This process, for whoever finds its lease."""
    process = os.getpid()
    return {
        "user": _user(),
        "host": socket.gethostname(),
        "process": process,
        "machine": _machine(),
        "started": _started(process) or "",
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user that no file names
        return str(os.getuid())


def _machine() -> str:
    """Where this process's number means something: one boot of one kernel, and in it one container.

    Empty where the system does not tell (no /proc): there a lease ends by silence alone.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(process: int) -> str | None:
    """When a process began, in clock ticks since the boot: another process of the same number began at another time.

    proc_pid_stat(5): field 3 is the state, field 22 the start. None where it is not there, or has ended and waits for
    its parent to look.
    """
    try:
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def _alive(process: int, started: str) -> bool:
    """Whether this machine's process of that number is still the one that began then."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's: /proc may hide it, and what is hidden has not ended.
        return _started(process) in (None, started)
    return _started(process) == started
