"""Passwords: what is taken as one, and argon2 hashes that are checked in the same time whoever is asked for."""

from __future__ import annotations

import secrets
from functools import cached_property
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from liangxin.errors import PeopleError, TooLarge

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST, MOST = 10, 200
"""Characters."""
_AT_ONCE = 2
_COMMON = frozenset(
    [
        "1234567890",
        "0123456789",
        "12345678910",
        "123456789a",
        "a123456789",
        "qwertyuiop",
        "1qaz2wsx3edc",
        "q1w2e3r4t5",
        "password123",
        "password1234",
        "passw0rd123",
        "administrator",
        "letmein123",
        "iloveyou123",
        "woaini1314",
        "woaini5201314",
        "5201314520",
        "1123581321",
        "1111111111",
        "0000000000",
        "8888888888",
        "6666666666",
        "1234512345",
        "abcdefghij",
        "abcd123456",
        "abc1234567",
        "qq123456789",
        "zxcvbnm123",
        "asdfghjkl123",
        "liangxin123",
        "liangxin2026",
    ]
)


class Passwords:
    """Hashes passwords; few at once, since each takes 64 MB while it is made."""

    def __init__(self) -> None:
        self._turnstile = BoundedSemaphore(_AT_ONCE)

    def hashed(self, password: str) -> str:
        """The argon2 hash that is stored."""
        with self._turnstile:
            return self._hasher.hash(password.encode("utf-8", "replace"))

    def match(self, stored: str, given: str) -> bool:
        """Whether a password fits a stored hash; as slow where there is none to fit, so that time tells nothing."""
        from argon2.exceptions import InvalidHashError, VerificationError

        with self._turnstile:
            try:
                self._hasher.verify(stored or self._nobodys, given[:MOST].encode("utf-8", "replace"))
            except (VerificationError, InvalidHashError):
                return False
        return bool(stored) and len(given) <= MOST

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher()

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_bytes(32))


def checked_password(password: str, name: str) -> str:
    """A new password, if it can be one.

    Raises:
        PeopleError: too short, the name itself, or one of those that everybody tries first.
        TooLarge: too long.
    """
    if len(password) < LEAST:
        raise PeopleError(
            f"密码至少 {LEAST} 个字符，现在有 {len(password)} 个。可以用一句只有你知道的话。",
            f"A password has at least {LEAST} characters; this one has {len(password)}. "
            "A sentence that only you know is a good one.",
        )
    if len(password) > MOST:
        raise TooLarge(f"密码最多 {MOST} 个字符。", f"A password has at most {MOST} characters.")
    plain = password.casefold().strip()
    if plain == name.casefold().strip():
        raise PeopleError(
            "密码不能就是名字，请换一个。", "The password cannot be the name itself; choose another."
        )
    if plain in _COMMON or len(set(plain)) < 4:
        raise PeopleError(
            "这个密码太常见，最先被人猜到。请换一个。",
            "This password is among the first that anybody would guess; choose another.",
        )
    return password
