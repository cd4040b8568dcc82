"""A file between its preview and its confirmation."""

from __future__ import annotations

import base64
import secrets
import time
from typing import NamedTuple

from sqlalchemy import delete, insert, select

from liangxin.errors import NotThere
from liangxin.store import Database
from liangxin.store.people import UPLOADS

KEPT_SECONDS = 3600.0


class HandedIn(NamedTuple):
    """A file as a person hands it in."""

    name: str
    content: bytes


def keep(database: Database, project: int, account: int, file: HandedIn) -> str:
    """Keep a file for an hour; gives the token that names it. The person's earlier file for the project goes."""
    token = secrets.token_hex(24)
    row = {
        "token": token,
        "project": project,
        "account": account,
        "name": file.name[-80:],
        "created": time.time(),
        "content": base64.b64encode(file.content).decode(),
    }
    mine = (UPLOADS.c.project == project) & (UPLOADS.c.account == account)
    with database.write() as connection:
        connection.execute(delete(UPLOADS).where(mine | (UPLOADS.c.created < time.time() - KEPT_SECONDS)))
        connection.execute(insert(UPLOADS), [row])
    return token


def kept(database: Database, project: int, account: int, token: str) -> HandedIn:
    """The file of a token.

    Raises:
        NotThere: none of this person's in this project, or an hour has passed.
    """
    query = select(UPLOADS).where(UPLOADS.c.token == token, UPLOADS.c.created >= time.time() - KEPT_SECONDS)
    with database.begin() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or (row.project, row.account) != (project, account):
        raise NotThere(
            "这次上传已经存入或过期，请重新上传。",
            "This upload was stored already or has expired; upload it again.",
        )
    return HandedIn(row.name, base64.b64decode(row.content))


def drop(database: Database, token: str) -> None:
    """Forget a file."""
    with database.write() as connection:
        connection.execute(delete(UPLOADS).where(UPLOADS.c.token == token))
