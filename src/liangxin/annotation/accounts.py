"""Who uses the site: accounts with a role, and the alias that verdicts carry instead of a name."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import insert, select

from liangxin.store import Database
from liangxin.store.people import ACCOUNTS

Role = Literal["owner", "adjudicator", "annotator"]
LOCAL = "local"
"""The name of a loopback site's one user, who needs no account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person."""

    key: int
    name: str
    alias: str
    """What stored verdicts carry: it tells nothing of the person."""
    role: Role
    created: float
    closed: float | None = None


class Accounts:
    """The accounts of one open store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def local_user(self) -> Account:
        """The one user of a loopback site, made on first use: an owner without a password."""
        return self.by_name(LOCAL) or self.create(LOCAL, "", "owner")

    def create(self, name: str, password: str, role: Role) -> Account:
        """A new account; an empty password is nobody's way in."""
        values = {
            "name": name,
            "alias": f"annotator-{secrets.token_hex(3)}",
            "password": password,
            "role": role,
            "created": time.time(),
        }
        with self.database.write() as connection:
            connection.execute(insert(ACCOUNTS), [values])
        made = self.by_name(name)
        assert made is not None
        return made

    def by_key(self, key: int) -> Account | None:
        """The account of that key, or None."""
        return self._one(ACCOUNTS.c.key == key)

    def by_name(self, name: str) -> Account | None:
        """The account of that name, or None."""
        return self._one(ACCOUNTS.c.name == name)

    def all(self) -> list[Account]:
        """Every account, the oldest first."""
        with self.database.begin() as connection:
            return [_account(row) for row in connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.key))]

    def _one(self, condition: Any) -> Account | None:
        with self.database.begin() as connection:
            row = connection.execute(select(ACCOUNTS).where(condition)).one_or_none()
        return None if row is None else _account(row)


def _account(row: Any) -> Account:
    return Account(
        key=row.key,
        name=row.name,
        alias=row.alias,
        role=cast("Role", row.role),
        created=row.created,
        closed=row.closed,
    )
