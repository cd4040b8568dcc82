"""Who uses the site: accounts with a role, and the alias that verdicts carry instead of a name."""

from __future__ import annotations

import re
import secrets
import time
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import Connection, Row, select, update

from liangxin.errors import Conflict, NotThere, PeopleError
from liangxin.people import audit
from liangxin.people.passwords import Passwords, checked_password
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS, SESSIONS

Role = Literal["owner", "adjudicator", "annotator"]
ROLES: tuple[Role, ...] = ("owner", "adjudicator", "annotator")
LOCAL = "local"
"""The name of a loopback site's one user, who needs no account."""
MOST_NAME = 40
_MOST_FOLDED = 80
_MOST_KEY = (1 << 31) - 1
_ALIAS = re.compile(r"annotator-[0-9a-f]{6}")


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
    protected: bool = False
    """Whether there is a password to sign in with."""

    @property
    def erased(self) -> bool:
        """Whether the person had their name removed: nobody can open the account again."""
        return self.name == self.alias


class Accounts:
    """The accounts of one open store.

    Args:
        passwords: what makes hashes; give the same one to everything of a process, as it bounds their memory.
    """

    def __init__(self, database: Database, passwords: Passwords | None = None) -> None:
        self.database = database
        self._passwords = passwords or Passwords()

    def local_user(self) -> Account:
        """The one user of a loopback site, made on first use: an owner without a password."""
        found = self.by_name(LOCAL)
        if found is None:
            with self.database.write() as connection:
                connection.execute(self.database.insert_new(ACCOUNTS), [new_account(LOCAL, "", "owner")])
            found = self.by_name(LOCAL)
        assert found is not None
        return found

    def create(self, name: str, password: str, role: Role) -> Account:
        """A new account; an empty password is nobody's way in.

        Raises:
            PeopleError: the name or password cannot be one.
            Conflict: the name is taken.
        """
        name = checked_name(name)
        stored = self._passwords.hashed(checked_password(password, name)) if password else ""
        with self.database.write() as connection:
            return enter(self.database, connection, new_account(name, stored, role))

    def by_key(self, key: int) -> Account | None:
        """The account of that key, or None."""
        return self._one(ACCOUNTS.c.key == key) if 0 < key <= _MOST_KEY else None

    def by_name(self, name: str) -> Account | None:
        """The account of that name, however it is capitalised, or None."""
        return self._one(ACCOUNTS.c.folded == folded(name))

    def all(self) -> list[Account]:
        """Every account, the oldest first."""
        with self.database.begin() as connection:
            return [account_of(row) for row in connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.key))]

    def set_role(self, key: int, role: Role, by: int) -> Account:
        """Give a person another role; it counts from their next request on.

        Raises:
            NotThere: no such account.
            Conflict: they are the last owner.
        """
        if role not in ROLES:
            raise PeopleError(f"没有“{role}”这个角色。", f"There is no role {role!r}.")
        with self.database.write() as connection:
            owners = locked_owners(connection)
            account = found_account(connection, key)
            if account.role != role:
                if role != "owner":
                    check_last_owner(account, owners)
                connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.key == key).values(role=role))
                audit.note(connection, by, "role changed", of=key, was=account.role, role=role)
            return found_account(connection, key)

    def close(self, key: int, by: int) -> Account:
        """Close an account: its sessions end at once, everything that it said stays; errors as `set_role`."""
        with self.database.write() as connection:
            owners = locked_owners(connection)
            account = found_account(connection, key)
            if account.closed is None:
                check_last_owner(account, owners)
                connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.key == key).values(closed=time.time()))
                connection.execute(SESSIONS.delete().where(SESSIONS.c.account == key))
                audit.note(connection, by, "account closed", of=key)
            return found_account(connection, key)

    def reopen(self, key: int, by: int) -> Account:
        """Open a closed account again.

        Raises:
            NotThere: no such account.
            Conflict: its name and password were removed at the person's request.
        """
        with self.database.write() as connection:
            account = found_account(connection, key)
            if account.erased:
                raise Conflict(
                    "这个账号已应本人要求删除，不能重新开放；请发新的邀请。",
                    "This account was deleted at the person's request and cannot be opened again; invite them anew.",
                )
            if account.closed is not None:
                connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.key == key).values(closed=None))
                audit.note(connection, by, "account reopened", of=key)
            return found_account(connection, key)

    def _one(self, condition: Any) -> Account | None:
        with self.database.begin() as connection:
            row = connection.execute(select(ACCOUNTS).where(condition)).one_or_none()
        return None if row is None else account_of(row)


def checked_name(name: str) -> str:
    """A name as it is stored: composed (NFC), single blanks inside.

    Raises:
        PeopleError: it is empty, too long, has other characters than it may, or is kept for the site.
    """
    kept = unicodedata.normalize("NFC", name).strip(" ")
    kept = re.sub(" +", " ", kept)
    if not 1 <= len(kept) <= MOST_NAME or len(folded(kept)) > _MOST_FOLDED:
        raise PeopleError(f"名字要有 1 到 {MOST_NAME} 个字。", f"A name has 1 to {MOST_NAME} characters.")
    if not all(_may_stand(sign) for sign in kept) or unicodedata.category(kept[0])[0] == "M":
        raise PeopleError(
            "名字只能有文字、数字、空格和 - _ .，请换一种写法。",
            "A name has letters, digits, blanks and - _ . only; write it differently.",
        )
    if folded(kept) == LOCAL or _ALIAS.fullmatch(folded(kept)):
        raise PeopleError(
            "这个名字是站点留用的，请换一个。", "This name is kept for the site; choose another."
        )
    return kept


def folded(name: str) -> str:
    """What two names must not share: the name without case, width and doubled blanks."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", plain).split())


def new_account(name: str, stored: str, role: Role) -> dict[str, object]:
    """The row of a new account; `stored` is a password's hash."""
    return {
        "name": name,
        "folded": folded(name),
        "alias": _drawn_alias(),
        "password": stored,
        "role": role,
        "created": time.time(),
    }


def enter(database: Database, connection: Connection, values: dict[str, object]) -> Account:
    """Enter a new account within a transaction.

    Raises:
        Conflict: the name is taken.
    """
    same = select(ACCOUNTS).where(ACCOUNTS.c.folded == values["folded"])
    row = connection.execute(same).one_or_none()
    while row is None:
        # Two people may choose one name at once; two aliases drawn alike leave no row, and another is drawn.
        connection.execute(database.insert_new(ACCOUNTS), [values])
        row = connection.execute(same).one_or_none()
        if row is not None and row.alias == values["alias"]:
            return account_of(row)
        values = {**values, "alias": _drawn_alias()}
    raise Conflict(
        f"已经有人叫“{values['name']}”，请换一个名字。",
        f"There is somebody named {values['name']!r} already; choose another name.",
    )


def found_account(connection: Connection, key: int) -> Account:
    """The account of that key, locked until the transaction ends.

    Raises:
        NotThere: none.
    """
    row: Row[Any] | None = None
    if 0 < key <= _MOST_KEY:
        row = connection.execute(
            select(ACCOUNTS).where(ACCOUNTS.c.key == key).with_for_update(key_share=True)
        ).one_or_none()
    if row is None:
        raise NotThere("没有这个账号。", "There is no such account.")
    return account_of(row)


def locked_owners(connection: Connection) -> set[int]:
    """Keys of everybody who owns the site and could sign in, locked until the transaction ends.

    Asked for before any other account is locked, and in one order: two owners who demote each other at once then wait
    for one another, and never both for each other.
    """
    owners = select(ACCOUNTS.c.key).where(
        ACCOUNTS.c.role == "owner", ACCOUNTS.c.closed.is_(None), ACCOUNTS.c.password != ""
    )
    return set(connection.execute(owners.order_by(ACCOUNTS.c.key).with_for_update(key_share=True)).scalars())


def check_last_owner(account: Account, owners: Collection[int]) -> None:
    """Keep somebody who can run the site.

    Args:
        owners: as `locked_owners` gave them.

    Raises:
        Conflict: nobody else who owns it could sign in.
    """
    if account.role != "owner" or account.closed is not None:
        return
    if not set(owners) - {account.key}:
        raise Conflict(
            "这是最后一位负责人。请先让另一位成员做负责人。",
            "This is the last owner; make somebody else an owner first.",
        )


def account_of(row: Any) -> Account:
    """An account from its row."""
    return Account(
        key=row.key,
        name=row.name,
        alias=row.alias,
        role=cast("Role", row.role),
        created=row.created,
        closed=row.closed,
        protected=bool(row.password),
    )


def _drawn_alias() -> str:
    return f"annotator-{secrets.token_hex(3)}"


def _may_stand(sign: str) -> bool:
    kind = unicodedata.category(sign)
    return sign in " -_." or kind[0] in "LM" or kind == "Nd"
