"""Signing in with a password, and how often anybody may try.

Failures are counted by name and address together, and by address: a stranger who tries somebody's name locks out
nobody but themselves. What is refused for its frequency is not counted again, so that the wait always ends.
"""

from __future__ import annotations

import ipaddress
import math
import time

from sqlalchemy import Connection, delete, func, insert, select, text, update

from liangxin.errors import NotAllowed, TooOften
from liangxin.people import audit
from liangxin.people.accounts import Account, account_of, folded
from liangxin.people.passwords import Passwords, checked_password
from liangxin.people.sessions import token_digest
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS, LOGIN_FAILURES, SESSIONS

WINDOW = 900.0
"""Seconds for which a failure counts."""
MOST_FOR_NAME = 5
MOST_FOR_ADDRESS = 50


class Logins:
    """Password checks of one open store.

    Args:
        passwords: one for the whole process, as it bounds the memory of hashing.
    """

    def __init__(self, database: Database, passwords: Passwords | None = None) -> None:
        self.database = database
        self._passwords = passwords or Passwords()

    def sign_in(self, name: str, password: str, address: str) -> Account:
        """The account of that name, if the password is its own.

        Raises:
            NotAllowed: name or password is wrong, or the account is closed.
            TooOften: too many failures; the message says how long to wait.
        """
        with self.database.begin() as connection:
            row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.folded == folded(name))).one_or_none()
        stored = "" if row is None else row.password
        if not self._matches(name_digest(name), stored, password, address):
            with self.database.write() as connection:
                audit.note(connection, None if row is None else row.key, "sign-in failed")
            raise NotAllowed(
                "名字或密码不对。请检查大小写和输入法。",
                "The name or the password is wrong. Check the keyboard and try again.",
            )
        assert row is not None
        account = account_of(row)
        if account.closed is not None:
            raise NotAllowed(
                "这个账号已关闭，请联系负责人。", "This account is closed; speak to the owner of the site."
            )
        with self.database.write() as connection:
            if self._passwords.outdated(stored):
                again = update(ACCOUNTS).where(ACCOUNTS.c.key == account.key, ACCOUNTS.c.password == stored)
                connection.execute(again.values(password=self._passwords.hashed(password)))
            audit.note(connection, account.key, "signed in")
        return account

    def confirm(self, account: Account, password: str, address: str) -> None:
        """Have a person who is signed in give their password again.

        Raises:
            NotAllowed: it is wrong.
            TooOften: too many failures.
        """
        with self.database.begin() as connection:
            query = select(ACCOUNTS.c.password).where(ACCOUNTS.c.key == account.key)
            stored = connection.execute(query).scalar_one()
        if not self._matches(name_digest(account.name), stored, password, address):
            raise NotAllowed("密码不对，没有任何改动。", "The password is wrong; nothing was changed.")

    def change_password(self, account: Account, old: str, new: str, address: str, *, keep: str = "") -> None:
        """Give an account another password; its other sessions end.

        Args:
            keep: the token of the session that goes on.

        Raises:
            PeopleError: the new password cannot be one.
            NotAllowed, TooOften: as `confirm`.
        """
        checked_password(new, account.name)
        self.confirm(account, old, address)
        stored = self._passwords.hashed(new)
        others = (SESSIONS.c.account == account.key, SESSIONS.c.token != token_digest(keep))
        with self.database.write() as connection:
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.key == account.key).values(password=stored))
            connection.execute(delete(SESSIONS).where(*others))
            audit.note(connection, account.key, "password changed")

    def _matches(self, name: str, stored: str, password: str, address: str) -> bool:
        """Whether the password fits; a failure is stored before the check, so that many at once are all counted."""
        origin = network(address)
        with self.database.begin() as connection:
            _check_rate(connection, name, origin, None)
        with self.database.write() as connection:
            if not self.database.is_sqlite:
                # Keys must be committed in their order: each try counts those before it.
                connection.execute(text(f"LOCK TABLE {LOGIN_FAILURES.name} IN SHARE ROW EXCLUSIVE MODE"))
            connection.execute(delete(LOGIN_FAILURES).where(LOGIN_FAILURES.c.created < time.time() - WINDOW))
            values = {"name": name, "address": origin, "created": time.time()}
            made = connection.execute(insert(LOGIN_FAILURES).values(values))
            assert made.inserted_primary_key is not None
            mine = int(made.inserted_primary_key[0])
        fits = False
        try:
            with self.database.begin() as connection:
                _check_rate(connection, name, origin, mine)
            fits = self._passwords.match(stored, password)
        except TooOften:
            self._forget(LOGIN_FAILURES.c.key == mine)
            raise
        if fits:
            self._forget((LOGIN_FAILURES.c.name == name) & (LOGIN_FAILURES.c.address == origin))
        return fits

    def _forget(self, condition: object) -> None:
        with self.database.write() as connection:
            connection.execute(delete(LOGIN_FAILURES).where(condition))  # type: ignore[arg-type]


def name_digest(name: str) -> str:
    """What stands for a typed name among the failures."""
    return token_digest(folded(name))


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the 64 bits of IPv6 that one household has."""
    try:
        found = ipaddress.ip_address(address.strip().strip("[]").split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)


def _check_rate(connection: Connection, name: str, address: str, own: int | None) -> None:
    """Let a try through unless there were too many before it; `own` is the try's row."""
    now = time.time()
    recent = [LOGIN_FAILURES.c.address == address, LOGIN_FAILURES.c.created > now - WINDOW]
    if own is not None:
        recent.append(LOGIN_FAILURES.c.key < own)
    limits = ((MOST_FOR_NAME, [*recent, LOGIN_FAILURES.c.name == name]), (MOST_FOR_ADDRESS, recent))
    for most, conditions in limits:
        query = select(func.count(), func.min(LOGIN_FAILURES.c.created)).where(*conditions)
        count, first = connection.execute(query).one()
        if count >= most:
            minutes = max(1, math.ceil((first + WINDOW - now) / 60))
            raise TooOften(
                f"试错太多次了，请过 {minutes} 分钟再登录。",
                f"Too many failed attempts; sign in again in {minutes} {'minute' if minutes == 1 else 'minutes'}.",
            )
