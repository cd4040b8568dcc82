"""Opening the one relational store: a SQLite file by default, PostgreSQL by URL."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Insert, NullPool, Table, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from liangxin.errors import StoreError, StoreLocked, StoreReadOnly
from liangxin.store.patience import StorePatience, refusal
from liangxin.store.reading import UnwritableFile, only_read
from liangxin.store.schema import MIGRATIONS, READABLE, migrate, version

DEFAULT_STORE = "liangxin.db"
_BUSY_MILLISECONDS = 30_000
_HURRIED_MILLISECONDS = 2_000
_IDLE_MILLISECONDS = 10_000
"""How long a server waits for who is in the middle of a change: suspended, or its network cut, it would lock others out."""
_UPGRADE_LOCK = 0x6C78
"""Any number that a server's other users are unlikely to lock."""


def store_url(given: str | None) -> str:
    """The store to use: as given, else LIANGXIN_STORE, else liangxin.db in the working directory."""
    return given or os.environ.get("LIANGXIN_STORE") or DEFAULT_STORE


def opened(url: str, patience: StorePatience, *, create: bool = True) -> Database:
    """The store, waited for while another program holds its lock (a new or older one must be written to be opened).

    A store that does not answer at all is an error at once: its name may be wrong.

    Raises:
        StoreError: as `Database`; or it was locked for as long as patience lasts.
    """
    outage = patience.outage()
    while True:
        try:
            return Database(url, create=create)
        except StoreLocked as error:
            time.sleep(outage.pause(error))


class Database:
    """An open database: transactions, and inserts that keep the first row of a key.

    Args:
        url: a file path, or a SQLAlchemy URL (`sqlite:///…`, `postgresql+psycopg://…`).
        create: make a store where none is; else its absence is an error.

    Raises:
        StoreError: not reachable, not a store, made by a newer release, or absent.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        parsed = _parse(url)
        self.shown = parsed.render_as_string(hide_password=True)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.shown = parsed.database or ":memory:"
            _check_file(parsed, create=create)
        self._file = _unwritable(parsed)
        self._denied: bool | None = True if self._file is not None else None
        try:
            self.engine = _engine(parsed, self._file)
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise StoreError(
                f"the store {self.shown} needs a driver: {error}. Install liangxin[postgres]."
            ) from None
        # Where rows are taken from the driver itself, so are its errors.
        self._driver_error = self.engine.dialect.loaded_dbapi.Error
        # Both share one pool; SQLite begins no transaction for what only reads.
        autocommit = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**autocommit)
        if self.is_sqlite and self._file is None:
            event.listen(self.engine, "connect", _durable)
        try:
            self._bring_up()
        except StoreError:
            self.close()
            raise

    def _bring_up(self) -> None:
        """Bring an older or empty store to this release's version; of two processes one does it and one waits.

        Where the store may only be read, it stays as it is.
        """
        with self._stated(), self.engine.connect() as connection:
            have = version(connection)
        if have == len(MIGRATIONS):
            return
        if have >= READABLE and self.read_only:
            return
        if self.read_only:
            made = f"version {have}, this release reads from {READABLE} on" if have else "empty"
            raise StoreReadOnly(
                f"the store {self.shown} is {made}, and it can only be read here, so it cannot be brought up: copy it "
                "to a place that can be written, and name that with --store"
            )
        self._upgrade()

    def _upgrade(self) -> None:
        with self._stated(), self.engine.connect() as connection:
            if self.is_sqlite:
                # Tables are made anew: what refers to one must not hinder that, nor go with it.
                connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            if version(connection) < len(MIGRATIONS):
                migrate(connection)
            connection.commit()
            if self.is_sqlite:
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")

    @property
    def read_only(self) -> bool:
        """Whether this user may only read here: the file, the folder, the mount, or what a server grants."""
        if self._denied is None:
            self._denied = not self.is_sqlite and self._refuses()
        return self._denied

    def _refuses(self) -> bool:
        """Whether the server lets this user write nothing: no right to, or a standby."""
        asked = (
            "SELECT current_setting('transaction_read_only') = 'on' OR (to_regclass('runs') IS NOT NULL "
            "AND NOT has_table_privilege('runs', 'INSERT')) OR (to_regclass('runs') IS NULL "
            "AND NOT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false))"
        )
        with self.read() as connection:
            return bool(connection.exec_driver_sql(asked).scalar_one())

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction, committed at the end.

        Raises:
            StoreError: the database refused; nothing of the transaction is kept.
        """
        with self._stated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that only reads, as `begin` does, without the two messages to a server that a transaction takes.

        Each statement sees what was committed before it, as in PostgreSQL's transactions by default.

        Raises:
            StoreError: the database refused.
        """
        with self._stated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def _stated(self) -> Iterator[None]:
        """What the database refuses becomes one sentence."""
        before = self._file and self._file.stamp()
        try:
            yield
        except (SQLAlchemyError, self._driver_error) as error:
            if _unwritten(error):
                raise self._only_read(_reason(error)) from None
            raise refusal(error)(f"the store {self.shown} failed: {_reason(error)}") from None
        if self._file and before and self._file.written() != before:
            raise StoreError(f"the store {self.shown} was written while it was read; run the command again")

    def _only_read(self, reason: str) -> StoreReadOnly:
        return StoreReadOnly(
            f"the store {self.shown} can only be read here ({reason}), and this command must write to it: use a copy "
            "that can be written, or get the right to write"
        )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that reads before it writes: SQLite's write lock is taken at its start.

        Otherwise two such transactions could both read, and the second one's write would be refused at once.

        Raises:
            StoreError: the database refused; nothing of the transaction is kept.
        """
        if self._file is not None:
            raise self._only_read("its file or folder is not writable")
        with self.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.exec_driver_sql(_local(idle_in_transaction_session_timeout=_IDLE_MILLISECONDS))
            yield connection

    @contextmanager
    def hurried(self) -> Iterator[Connection]:
        """As `begin`, but another's lock is waited for 2 s only: whoever asks can say so, and ask again.

        Raises:
            StoreUnavailable: locked, full, or not reached.
            StoreError: the database refused.
        """
        setting = f"PRAGMA busy_timeout={_HURRIED_MILLISECONDS}"
        if not self.is_sqlite:
            setting = _local(
                lock_timeout=_HURRIED_MILLISECONDS, idle_in_transaction_session_timeout=_IDLE_MILLISECONDS
            )
        with self._stated(), self.engine.connect() as connection:
            connection.exec_driver_sql(setting)
            try:
                yield connection
                connection.commit()
            finally:
                # What is local to a transaction has gone with it; SQLite's setting stays with the connection.
                if self.is_sqlite:
                    connection.rollback()
                    connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")

    def insert_new(self, table: Table) -> Insert:
        """An INSERT that leaves a row alone whose key is there already."""
        # Either dialect takes time to import, and a process needs one of them.
        if self.is_sqlite:
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(table).on_conflict_do_nothing()
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing()

    def compact(self) -> None:
        """Fold SQLite's write-ahead log into its one file, which then needs no other beside it."""
        if self.is_sqlite:
            connection = self.engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.cursor().execute("PRAGMA journal_mode=DELETE")
            finally:
                connection.close()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _local(**settings: int) -> str:
    """What sets a server's settings for a transaction, in one message."""
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())


def _unwritable(url: URL) -> UnwritableFile | None:
    """The file of a SQLite store that is there and may only be read."""
    if url.get_backend_name() != "sqlite" or not url.database or not only_read(Path(url.database)):
        return None
    return UnwritableFile(Path(url.database))


def _engine(url: URL, file: UnwritableFile | None) -> Engine:
    if file is None:
        return create_engine(_lively(url))
    # Each connection looks anew at what lies beside the file, so none is kept.
    return create_engine("sqlite://", creator=file.connect, poolclass=NullPool)


def _unwritten(error: Exception) -> bool:
    """Whether the database refused a change because this user may only read.

    https://www.sqlite.org/rescode.html#readonly; PostgreSQL's insufficient_privilege, of anything but reading, and
    read_only_sql_transaction (https://www.postgresql.org/docs/current/errcodes-appendix.html).
    """
    origin = getattr(error, "orig", None) or error
    if isinstance(origin, sqlite3.Error):
        return getattr(origin, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
    state = getattr(origin, "sqlstate", None)
    statement = (getattr(error, "statement", None) or "").lstrip().upper()
    return state == "25006" or (state == "42501" and not statement.startswith("SELECT"))


def _parse(url: str) -> URL:
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(
            "the store's URL cannot be read; write a file path or postgresql+psycopg://…"
        ) from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StoreError(
            f"no store of kind {parsed.get_backend_name()!r}; use SQLite (a file path) or postgresql"
        )
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def _lively(url: URL) -> URL:
    """A server that no longer answers is noticed within half a minute; what the URL says itself stays.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    """
    if url.get_backend_name() != "postgresql":
        return url
    wanted = {"connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "5"}
    wanted |= {"keepalives_count": "4", "tcp_user_timeout": "30000"}
    return url.update_query_dict({name: value for name, value in wanted.items() if name not in url.query})


def _check_file(url: URL, *, create: bool) -> None:
    if not url.database:
        return
    place = Path(url.database)
    if place.is_dir():
        raise StoreError(f"the store {place} is a directory; give the path of a file")
    if not place.exists() and not create:
        raise StoreError(f"no store at {place}: run `liangxin run` first, or name it with --store")
    if not place.parent.is_dir():
        raise StoreError(f"the folder {place.parent} for the store does not exist; create it first")
    if not place.exists() and not os.access(place.parent, os.W_OK):
        raise StoreError(
            f"no store can be made in {place.parent}: the folder can only be read; name another place with --store"
        )


def _durable(connection: Any, _record: object) -> None:
    """WAL lets pages be read while a run writes; FULL makes a commit survive a power cut."""
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        _keep_log(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
    except (
        sqlite3.Error,
        UnicodeDecodeError,
    ) as error:  # the latter: SQLite quotes what a damaged page holds
        raise refusal(error)(f"not a usable SQLite store: {error}") from None


def _keep_log(cursor: sqlite3.Cursor) -> None:
    """Switch a new file to WAL: SQLite refuses that at once, without waiting, where another process does the same."""
    until = time.monotonic() + _BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _reason(error: Exception) -> str:
    origin = getattr(error, "orig", None) or error
    return str(origin).strip().splitlines()[0][:200] if str(origin).strip() else type(origin).__name__
