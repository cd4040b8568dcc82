"""The audit log: who did what, appended and never changed. It holds no verdict, answer or password."""

from __future__ import annotations

import time

from sqlalchemy import Connection, insert

from liangxin.store.content import canonical
from liangxin.store.people import AUDIT


def note(connection: Connection, account: int | None, action: str, **content: object) -> None:
    """Enter one action within the transaction that does it; `account` is None for a stranger."""
    values = {
        "created": time.time(),
        "account": account,
        "action": action,
        "content": canonical(content),
    }
    connection.execute(insert(AUDIT), [values])
