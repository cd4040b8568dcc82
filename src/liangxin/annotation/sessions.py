"""Sessions: a random token in a cookie, of which the store keeps the sha256 only."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from liangxin.store import Database
from liangxin.store.people import SESSIONS

IDLE_SECONDS = 12 * 3600.0
WHOLE_SECONDS = 14 * 86400.0
_SEEN_SECONDS = 60.0


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
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires < now))
            connection.execute(insert(SESSIONS), [values])
        return opened

    def find(self, token: str) -> SessionRecord | None:
        """The session of a token, unless it has expired or was idle for too long."""
        now, key = time.time(), token_digest(token)
        with self.database.begin() as connection:
            row = connection.execute(select(SESSIONS).where(SESSIONS.c.token == key)).one_or_none()
        if row is None or row.expires < now or row.seen + IDLE_SECONDS < now:
            return None
        if row.seen + _SEEN_SECONDS < now:
            with self.database.write() as connection:
                connection.execute(update(SESSIONS).where(SESSIONS.c.token == key).values(seen=now))
        return SessionRecord(account=row.account, csrf=row.csrf, created=row.created, expires=row.expires)

    def close(self, token: str) -> None:
        """End one session."""
        with self.database.write() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.token == token_digest(token)))

    def close_all(self, account: int) -> None:
        """End every session of an account."""
        with self.database.write() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))


def token_digest(token: str) -> str:
    """What the store keeps of a token: its sha256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
