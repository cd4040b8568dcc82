"""Opening the store that a command line names."""

from __future__ import annotations

from liangxin.cli.terminal import tell
from liangxin.store import Database, StorePatience, opened, store_url


def open_store(name: str | None, *, create: bool = False) -> Database:
    """The store of `--store`, or the usual one; where another program locks it, it is waited for with one sentence.

    Raises:
        StoreError: as `opened`.
    """
    return opened(store_url(name), StorePatience(tell), create=create)
