"""Signing in with a password, and how often anybody may try.

Failures of strangers are counted by name and network together, by name, and by network. A browser that the person signed
in with before is counted by itself, and so is one that is signed in: whatever strangers do, the right password gets in
there. What is refused for its frequency is not counted again, so that the wait always ends.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, insert, select, text, update

from liangxin.errors import NotAllowed, TooOften
from liangxin.people import audit
from liangxin.people.accounts import Account, account_of, folded
from liangxin.people.devices import device_of, device_token
from liangxin.people.passwords import Passwords, checked_password
from liangxin.people.sessions import token_digest
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS, LOGIN_FAILURES, SESSIONS

WINDOW = 900.0
"""Seconds for which a failure counts."""
MOST_HERE = 5
"""Failures for one name from one network, or of one known browser."""
MOST_FOR_NAME = 20
"""Failures for one name from all networks."""
MOST_FOR_NETWORK = 50
"""Failures from one network for all names."""
_APART = ("device:", "account:")


class Logins:
    """Password checks of one open store.

    Args:
        passwords: one for the whole process, as it bounds the memory of hashing.
    """

    def __init__(self, database: Database, passwords: Passwords | None = None) -> None:
        self.database = database
        self._passwords = passwords or Passwords()

    def sign_in(
        self, name: str, password: str, address: str, devices: Mapping[int, str] | None = None
    ) -> Account:
        """The account of that name, if the password is its own.

        Args:
            devices: the browser's tokens by account, as `device` gave them.

        Raises:
            NotAllowed: name or password is wrong, or the account is closed.
            TooOften: too many failures; the message says how long to wait.
        """
        with self.database.begin() as connection:
            row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.folded == folded(name))).one_or_none()
        stored = "" if row is None else row.password
        known = None if row is None else device_of((devices or {}).get(row.key, ""), row.key, stored)
        if not self._matches(name_digest(name), stored, password, known or network(address)):
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

    def device(self, account: Account) -> str:
        """What the browser of somebody who just signed in keeps."""
        with self.database.begin() as connection:
            query = select(ACCOUNTS.c.password).where(ACCOUNTS.c.key == account.key)
            return device_token(account.key, connection.execute(query).scalar_one())

    def confirm(self, account: Account, password: str) -> None:
        """Have a person who is signed in give their password again; strangers' failures do not count here.

        Raises:
            NotAllowed: it is wrong.
            TooOften: too many failures.
        """
        with self.database.begin() as connection:
            query = select(ACCOUNTS.c.password).where(ACCOUNTS.c.key == account.key)
            stored = connection.execute(query).scalar_one()
        if not self._matches(name_digest(account.name), stored, password, f"account:{account.key}"):
            raise NotAllowed("密码不对，没有任何改动。", "The password is wrong; nothing was changed.")

    def change_password(self, account: Account, old: str, new: str, *, keep: str = "") -> None:
        """Give an account another password; its other sessions end.

        Args:
            keep: the token of the session that goes on.

        Raises:
            PeopleError: the new password cannot be one.
            NotAllowed, TooOften: as `confirm`.
        """
        checked_password(new, account.name)
        self.confirm(account, old)
        stored = self._passwords.hashed(new)
        others = (SESSIONS.c.account == account.key, SESSIONS.c.token != token_digest(keep))
        with self.database.write() as connection:
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.key == account.key).values(password=stored))
            connection.execute(delete(SESSIONS).where(*others))
            audit.note(connection, account.key, "password changed")

    def _matches(self, name: str, stored: str, password: str, origin: str) -> bool:
        """Whether the password fits; a failure is stored before the check, so that many at once are all counted."""
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
    """What counts as one: the /24 of an IPv4 address, the /64 of an IPv6 address, which is what one household has."""
    found = parsed(address)
    if found is None:
        return "unknown"
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 64), strict=False))


def parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as a connection or a proxy writes it; None for anything else."""
    try:
        found = ipaddress.ip_address(address.strip().strip("[]").split("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _check_rate(connection: Connection, name: str, origin: str, own: int | None) -> None:
    """Let a try through unless there were too many before it; `own` is the try's row."""
    now, failures = time.time(), LOGIN_FAILURES.c
    recent = [failures.created > now - WINDOW]
    if own is not None:
        recent.append(failures.key < own)
    limits = [(MOST_HERE, [failures.name == name, failures.address == origin])]
    apart = origin.startswith(_APART)
    if not apart:
        strangers = [failures.address.not_like(f"{kind}%") for kind in _APART]
        limits += [
            (MOST_FOR_NAME, [failures.name == name, *strangers]),
            (MOST_FOR_NETWORK, [failures.address == origin]),
        ]
    for most, conditions in limits:
        query = select(func.count(), func.min(failures.created)).where(*recent, *conditions)
        count, first = connection.execute(query).one()
        if count >= most:
            raise _too_often(max(1, math.ceil((first + WINDOW - now) / 60)), apart=apart)


def _too_often(minutes: int, *, apart: bool) -> TooOften:
    zh = f"试错太多次了，请过 {minutes} 分钟再登录。"
    en = f"Too many failed attempts; sign in again in {minutes} {'minute' if minutes == 1 else 'minutes'}."
    if not apart:
        zh += "用以前登录过的浏览器现在就可以登录；也可以请负责人发一个重设密码的链接。"
        en += " A browser that you signed in with before gets in now; so does a link for a new password, from the owner."
    return TooOften(zh, en)
