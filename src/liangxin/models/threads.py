"""How many threads a model in this process may use."""

from __future__ import annotations

import os

from liangxin.errors import UsageError

THREADS = "LIANGXIN_THREADS"
MOST = 512


def threads_wanted() -> int:
    """1 unless the environment variable LIANGXIN_THREADS names another number.

    Raises:
        UsageError: it is not a whole number from 1 to 512.
    """
    value = os.environ.get(THREADS, "").strip()
    if not value:
        return 1
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= MOST):
        raise UsageError(f"{THREADS} is {value!r}: write a whole number from 1 to {MOST}")
    return int(value)
