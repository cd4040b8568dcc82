"""Links with which somebody who forgot their password sets another; the store keeps the token's sha256 only."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from liangxin.errors import Conflict, NotThere
from liangxin.people import audit
from liangxin.people.accounts import Account, found_account
from liangxin.people.logins import name_digest
from liangxin.people.passwords import Passwords, checked_password
from liangxin.people.sessions import token_digest
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS, LOGIN_FAILURES, RESETS, SESSIONS

LASTS = 86400.0
"""Seconds for which a link is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """A link that can still be used."""

    key: int
    account: Account
    expires: float


class Resets:
    """The reset links of one open store.

    Args:
        passwords: one for the whole process, as it bounds the memory of hashing.
    """

    def __init__(self, database: Database, passwords: Passwords | None = None) -> None:
        self.database = database
        self._passwords = passwords or Passwords()

    def make(self, account: int, made_by: int | None) -> str:
        """A new link's token, which nothing can show again; an earlier link of the account is void.

        Args:
            made_by: None for the command line.

        Raises:
            NotThere: no such account.
            Conflict: the account is closed, or has no password.
        """
        token, now = secrets.token_urlsafe(32), time.time()
        values = {
            "token": token_digest(token),
            "account": account,
            "made_by": made_by,
            "created": now,
            "expires": now + LASTS,
        }
        with self.database.write() as connection:
            found = found_account(connection, account)
            if found.closed is not None or not found.protected:
                raise Conflict(
                    "这个账号已关闭或没有密码，不能重设密码。",
                    "This account is closed or has no password: there is none to reset.",
                )
            connection.execute(delete(RESETS).where(RESETS.c.account == account))
            connection.execute(insert(RESETS), [values])
            audit.note(connection, made_by, "password reset offered", of=account)
        return token

    def look(self, token: str) -> Reset:
        """The reset of a link that can still be used.

        Raises:
            NotThere: it is unknown, void, used or expired, or its account was closed.
        """
        query = (
            select(RESETS.c.key, RESETS.c.account, RESETS.c.expires)
            .join(ACCOUNTS, ACCOUNTS.c.key == RESETS.c.account)
            .where(
                RESETS.c.token == token_digest(token),
                RESETS.c.expires > time.time(),
                ACCOUNTS.c.closed.is_(None),
            )
        )
        with self.database.begin() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                raise _refusal()
            return Reset(key=row.key, account=found_account(connection, row.account), expires=row.expires)

    def use(self, token: str, password: str) -> Account:
        """Give the account this password: its sessions end, its failures to sign in are forgotten.

        Raises:
            NotThere: as for `look`; of two uses at once, one finds the link used.
            PeopleError: the password cannot be one; the link stays good.
        """
        reset = self.look(token)
        account = reset.account
        stored = self._passwords.hashed(checked_password(password, account.name))
        with self.database.write() as connection:
            if connection.execute(delete(RESETS).where(RESETS.c.key == reset.key)).rowcount != 1:
                raise _refusal()
            mine = (ACCOUNTS.c.key == account.key, ACCOUNTS.c.closed.is_(None))
            if connection.execute(update(ACCOUNTS).where(*mine).values(password=stored)).rowcount != 1:
                raise _refusal()
            connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account.key))
            connection.execute(
                delete(LOGIN_FAILURES).where(LOGIN_FAILURES.c.name == name_digest(account.name))
            )
            audit.note(connection, account.key, "password reset")
        return account


def _refusal() -> NotThere:
    return NotThere(
        "这个重设密码的链接已用过、已过期或已被新的代替，请向负责人要一个新的。",
        "This link for a new password was used, has expired or was replaced; ask the owner for a new one.",
    )
