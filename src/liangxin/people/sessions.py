"""Sessions: a random token in a cookie, of which the store keeps the sha256 only."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from liangxin.digests import text_digest
from liangxin.people.accounts import Account, account_of
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS, SESSIONS

IDLE_SECONDS = 12 * 3600.0
WHOLE_SECONDS = 14 * 86400.0
_SEEN_SECONDS = 60.0
_SESSION_COLUMNS = (
    SESSIONS.c.csrf,
    SESSIONS.c.created.label("session_created"),
    SESSIONS.c.seen.label("session_seen"),
    SESSIONS.c.expires.label("session_expires"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A session just opened; the token is known here and in the browser only."""

    token: str
    csrf: str
    expires: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A session as stored."""

    account: int
    csrf: str
    created: float
    expires: float


class Sessions:
    """The sessions of one open store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def open(self, account: int) -> OpenSession:
        """A new session of that account."""
        now = time.time()
        opened = OpenSession(
            token=secrets.token_urlsafe(32), csrf=secrets.token_urlsafe(32), expires=now + WHOLE_SECONDS
        )
        values = {
            "token": token_digest(opened.token),
            "account": account,
            "csrf": opened.csrf,
            "created": now,
            "seen": now,
            "expires": opened.expires,
        }
        with self.database.write() as connection:
            idle = SESSIONS.c.seen < now - IDLE_SECONDS
            connection.execute(delete(SESSIONS).where((SESSIONS.c.expires < now) | idle))
            connection.execute(insert(SESSIONS), [values])
        return opened

    def find(self, token: str) -> SessionRecord | None:
        """The session of a token, unless it has expired, was idle for too long, or its account is closed."""
        found = self.person(token)
        return None if found is None else found[0]

    def person(self, token: str) -> tuple[SessionRecord, Account] | None:
        """The session of a token and whose it is, in one look-up; None as for `find`."""
        now, key = time.time(), token_digest(token)
        query = (
            select(ACCOUNTS, *_SESSION_COLUMNS)
            .join(SESSIONS, SESSIONS.c.account == ACCOUNTS.c.key)
            .where(SESSIONS.c.token == key, ACCOUNTS.c.closed.is_(None))
        )
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.session_expires < now or row.session_seen + IDLE_SECONDS < now:
            return None
        if row.session_seen + _SEEN_SECONDS < now:
            with self.database.write() as connection:
                connection.execute(update(SESSIONS).where(SESSIONS.c.token == key).values(seen=now))
        return _record(row), account_of(row)

    def count(self, account: int) -> int:
        """How many browsers an account is signed in with."""
        now = time.time()
        alive = (SESSIONS.c.expires >= now, SESSIONS.c.seen >= now - IDLE_SECONDS)
        with self.database.read() as connection:
            query = select(func.count()).where(SESSIONS.c.account == account, *alive)
            return connection.execute(query).scalar_one()

    def close(self, token: str) -> None:
        """End one session."""
        with self.database.write() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.token == token_digest(token)))

    def close_all(self, account: int, *, keep: str = "") -> None:
        """End every session of an account; `keep` is the token of the one that goes on."""
        others = (SESSIONS.c.account == account, SESSIONS.c.token != (token_digest(keep) if keep else ""))
        with self.database.write() as connection:
            connection.execute(delete(SESSIONS).where(*others))


def token_digest(token: str) -> str:
    """What the store keeps of a token: its sha256 in hex."""
    return text_digest(token)


def _record(row: Any) -> SessionRecord:
    return SessionRecord(
        account=row.key, csrf=row.csrf, created=row.session_created, expires=row.session_expires
    )
