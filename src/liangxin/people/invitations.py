"""Invitation links: a random token, shown once, opens one account; the store keeps its sha256 only."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, exists, func, insert, select, update

from liangxin.errors import NotThere, PeopleError, TooLarge
from liangxin.people import audit
from liangxin.people.accounts import ROLES, Account, Role, checked_name, enter, new_account
from liangxin.people.passwords import Passwords, checked_password
from liangxin.people.sessions import token_digest
from liangxin.store import Database
from liangxin.store.people import ACCOUNTS, INVITATIONS, MEMBERS, PROJECTS
from liangxin.zh import clean_text

MOST_DAYS = 30
MOST_NOTE = 200
"""Characters."""
DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation as stored."""

    key: int
    role: Role
    note: str
    """For whom it is, in the owner's words."""
    project: int | None
    """The project that whoever accepts becomes a member of."""
    made_by: int | None
    """None: the command line."""
    created: float
    expires: float
    used_by: int | None
    used: float | None
    withdrawn: float | None

    @property
    def state(self) -> str:
        """used, withdrawn, expired or open."""
        if self.used is not None:
            return "used"
        if self.withdrawn is not None:
            return "withdrawn"
        return "expired" if self.expires <= time.time() else "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRequest:
    """What an invitation is to be."""

    role: Role
    days: int = 7
    project: int | None = None
    note: str = ""


class Invitations:
    """The invitations of one open store."""

    def __init__(self, database: Database, passwords: Passwords | None = None) -> None:
        self.database = database
        self._passwords = passwords or Passwords()

    def make(self, wanted: InvitationRequest, made_by: int | None) -> tuple[Invitation, str]:
        """A new invitation, and its token, which nothing can show again.

        Raises:
            PeopleError: no such role, or too many days.
            TooLarge: the note is too long.
            NotThere: no such project.
        """
        if wanted.role not in ROLES or not 1 <= wanted.days <= MOST_DAYS:
            raise PeopleError(
                f"邀请要有角色，有效期 1 到 {MOST_DAYS} 天。",
                f"An invitation has a role and lasts 1 to {MOST_DAYS} days.",
            )
        note = " ".join(clean_text(wanted.note).split())
        if len(note) > MOST_NOTE:
            raise TooLarge(f"备注最多 {MOST_NOTE} 个字符。", f"The note has at most {MOST_NOTE} characters.")
        token, now = secrets.token_urlsafe(32), time.time()
        values = {
            "token": token_digest(token),
            "role": wanted.role,
            "note": note,
            "project": wanted.project,
            "made_by": made_by,
            "created": now,
            "expires": now + wanted.days * DAY,
        }
        with self.database.write() as connection:
            _check_project(connection, wanted.project)
            connection.execute(insert(INVITATIONS), [values])
            made = _by_token(connection, token)
            assert made is not None
            audit.note(connection, made_by, "invitation made", invitation=made.key, role=wanted.role)
        return made, token

    def look(self, token: str) -> Invitation:
        """The invitation of a link that can still be used.

        Raises:
            NotThere: it is unknown, used, withdrawn or expired; the message says which.
        """
        with self.database.begin() as connection:
            return _usable(connection, token)

    def accept(self, token: str, name: str, password: str) -> Account:
        """Make the account that a link invites to, and its membership, all at once; a link works once.

        Raises:
            NotThere: as for `look`.
            PeopleError: the name or password cannot be one.
            Conflict: the name is taken; the link stays good.
        """
        self.look(token)
        name = checked_name(name)
        stored = self._passwords.hashed(checked_password(password, name))
        now = time.time()
        with self.database.write() as connection:
            invitation = _usable(connection, token)
            # Only one of two people who use a link at once finds it unused.
            used = (
                update(INVITATIONS)
                .where(
                    INVITATIONS.c.key == invitation.key,
                    INVITATIONS.c.used.is_(None),
                    INVITATIONS.c.withdrawn.is_(None),
                )
                .values(used=now)
            )
            if connection.execute(used).rowcount != 1:
                raise _refusal("used")
            account = enter(self.database, connection, new_account(name, stored, invitation.role))
            connection.execute(
                update(INVITATIONS).where(INVITATIONS.c.key == invitation.key).values(used_by=account.key)
            )
            if invitation.project is not None:
                member = {"project": invitation.project, "account": account.key, "created": now}
                connection.execute(self.database.insert_new(MEMBERS), member)
            audit.note(connection, account.key, "invitation accepted", invitation=invitation.key)
        return account

    def withdraw(self, key: int, by: int | None) -> None:
        """Make a link useless; an invitation that was used or withdrawn stays as it is.

        Raises:
            NotThere: no such invitation.
        """
        with self.database.write() as connection:
            if (
                not 0 < key < 1 << 31
                or not connection.execute(select(exists().where(INVITATIONS.c.key == key))).scalar()
            ):
                raise NotThere("没有这个邀请。", "There is no such invitation.")
            closed = (
                update(INVITATIONS)
                .where(
                    INVITATIONS.c.key == key,
                    INVITATIONS.c.used.is_(None),
                    INVITATIONS.c.withdrawn.is_(None),
                )
                .values(withdrawn=time.time())
            )
            if connection.execute(closed).rowcount:
                audit.note(connection, by, "invitation withdrawn", invitation=key)

    def all(self, *, start: int = 0, most: int = 50) -> tuple[list[Invitation], int]:
        """A page of the invitations, the newest first, and how many there are."""
        page = select(INVITATIONS).order_by(INVITATIONS.c.key.desc()).offset(start).limit(most)
        with self.database.begin() as connection:
            count = connection.execute(select(func.count()).select_from(INVITATIONS)).scalar_one()
            return [_invitation(row) for row in connection.execute(page)], count


def first_owner_link(database: Database, base_url: str) -> str | None:
    """A link, good for a day, with which the owner of a new team site makes their account.

    None where an owner with a password is there already. Each call withdraws the link of the last one.
    """
    owner = (ACCOUNTS.c.role == "owner", ACCOUNTS.c.password != "", ACCOUNTS.c.closed.is_(None))
    with database.write() as connection:
        if connection.execute(select(exists().where(*owner))).scalar():
            return None
        earlier = (INVITATIONS.c.made_by.is_(None), INVITATIONS.c.used.is_(None))
        connection.execute(
            update(INVITATIONS)
            .where(*earlier, INVITATIONS.c.withdrawn.is_(None))
            .values(withdrawn=time.time())
        )
    _, token = Invitations(database).make(InvitationRequest(role="owner", days=1), None)
    return f"{base_url}/invite/{token}"


def _usable(connection: Connection, token: str) -> Invitation:
    found = _by_token(connection, token)
    state = "unknown" if found is None else found.state
    if found is None or state != "open":
        raise _refusal(state)
    return found


def _refusal(state: str) -> NotThere:
    if state == "used":
        return NotThere(
            "这个邀请链接已经用过了。如果是你用的，请直接登录；否则请向负责人要一个新的。",
            "This invitation has been used. If it was you, sign in; otherwise ask the owner for a new one.",
        )
    if state == "withdrawn":
        return NotThere(
            "这个邀请已被撤回，请向负责人要一个新的。",
            "This invitation was withdrawn; ask the owner for a new one.",
        )
    if state == "expired":
        return NotThere(
            "这个邀请链接已过期，请向负责人要一个新的。",
            "This invitation has expired; ask the owner for a new one.",
        )
    return NotThere(
        "没有这个邀请。请检查链接是否完整，或向负责人要一个新的。",
        "There is no such invitation. Check that the link is whole, or ask the owner for a new one.",
    )


def _by_token(connection: Connection, token: str) -> Invitation | None:
    query = select(INVITATIONS).where(INVITATIONS.c.token == token_digest(token))
    row = connection.execute(query).one_or_none()
    return None if row is None else _invitation(row)


def _check_project(connection: Connection, project: int | None) -> None:
    if (
        project is not None
        and not connection.execute(select(exists().where(PROJECTS.c.key == project))).scalar()
    ):
        raise NotThere("没有这个项目。", "There is no such project.")


def _invitation(row: Any) -> Invitation:
    return Invitation(
        key=row.key,
        role=cast("Role", row.role),
        note=row.note,
        project=row.project,
        made_by=row.made_by,
        created=row.created,
        expires=row.expires,
        used_by=row.used_by,
        used=row.used,
        withdrawn=row.withdrawn,
    )
