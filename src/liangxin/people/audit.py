"""The audit log: who did what, appended and never changed. It holds no name, verdict, answer or password."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select

from liangxin.digests import canonical
from liangxin.store import Database
from liangxin.store.people import AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One action."""

    key: int
    created: float
    account: int | None
    """Who did it; None for a stranger or the command line."""
    action: str
    content: Mapping[str, Any]


def note(connection: Connection, account: int | None, action: str, **content: object) -> None:
    """Enter one action within the transaction that does it; `account` is None for a stranger.

    People stand in it by their account's key (`of=KEY`), so that a name can be removed for good.
    """
    values = {
        "created": time.time(),
        "account": account,
        "action": action,
        "content": canonical(content),
    }
    connection.execute(insert(AUDIT), [values])


def entries(
    database: Database, *, action: str = "", account: int | None = None, start: int = 0, most: int = 50
) -> tuple[list[AuditEntry], int]:
    """A page of the log, the newest first, and how many entries there are.

    Args:
        action: only this action; empty takes all.
        account: only what this account did.
    """
    wanted: list[ColumnElement[bool]] = []
    if action:
        wanted.append(AUDIT.c.action == action)
    if account is not None:
        wanted.append(AUDIT.c.account == account)
    page = select(AUDIT).where(*wanted).order_by(AUDIT.c.key.desc()).offset(start).limit(most)
    with database.begin() as connection:
        count = connection.execute(select(func.count()).select_from(AUDIT).where(*wanted)).scalar_one()
        rows = connection.execute(page).all()
    return [_entry(row) for row in rows], count


def actions(database: Database) -> list[str]:
    """Every action that the log holds, in order."""
    with database.begin() as connection:
        return list(connection.execute(select(AUDIT.c.action).distinct().order_by(AUDIT.c.action)).scalars())


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        key=row.key,
        created=row.created,
        account=row.account,
        action=row.action,
        content=json.loads(row.content),
    )
