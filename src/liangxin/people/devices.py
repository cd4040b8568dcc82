"""Browsers that a person signed in with before: their tries are counted apart from those of strangers.

A browser keeps a random number with its HMAC under the account's stored password hash. The store keeps nothing of it; a
new password makes every earlier one worthless. It is no way in: the password is asked for all the same.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

LASTS = 180 * 86400
"""Seconds for which a browser keeps it."""
_MOST = 200


def device_token(account: int, stored: str) -> str:
    """What a browser keeps once somebody has signed in with it; `stored` is the password's hash."""
    number = secrets.token_urlsafe(16)
    return f"{number}.{_signed(account, stored, number)}"


def device_of(token: str, account: int, stored: str) -> str | None:
    """What stands for this browser among the failures, at most 64 characters; None for one that is not known."""
    number, _, signed = token.partition(".")
    if not stored or len(token) > _MOST or not token.isascii():
        return None
    if not hmac.compare_digest(_signed(account, stored, number), signed):
        return None
    return f"device:{hashlib.sha256(number.encode()).hexdigest()[:48]}"


def _signed(account: int, stored: str, number: str) -> str:
    return hmac.new(stored.encode(), f"device {account} {number}".encode(), hashlib.sha256).hexdigest()
