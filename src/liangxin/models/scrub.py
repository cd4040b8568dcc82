"""Keeping keys out of everything that is shown, logged or stored."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

SHOWN = 200
"""The longest excerpt of a foreign text in a message."""

_WINDOW = 1 << 16
_MASK = "***"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")
_LOOKS_LIKE_A_KEY = re.compile(r"(?i)\b(?:bearer|basic)\s+(?=\S*[\d_.=*-])[^\s\"']{6,}|\bsk-[\w*-]{6,}")
_SHORTEST = 4
"""A shorter secret would be found in ordinary words."""
_SHORTEST_ENCODED = 6
"""Fewer letters of base64 would be found in ordinary words."""
_SHORTEST_IN_ANSWERS = 16
"""Placeholders such as EMPTY or ollama are words that a model may use; no real key is this short."""


class Secrets:
    """The secrets of one endpoint, and how to take them out of a text. Its repr shows none."""

    __slots__ = ("_long", "_texts")

    def __init__(self, secrets: Iterable[str | None]) -> None:
        known = {secret for secret in secrets if secret and len(secret) >= _SHORTEST}
        forms = known.union(*map(_forms, known))
        self._texts = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._long = tuple(form for form in self._texts if len(form) >= _SHORTEST_IN_ANSWERS)

    def mask(self, answer: str) -> str:
        """An answer without the secrets: an endpoint that sends a key back must not have it stored."""
        for secret in self._long:
            if secret in answer:
                answer = answer.replace(secret, _MASK)
        return answer

    def torn(self, text: str) -> int:
        """How many characters at a text's end may be the beginning of a secret whose rest is still to come."""
        return max((_torn(text, secret) for secret in self._long), default=0)

    def excerpt(self, text: str) -> str:
        """A foreign text as it may stand in a message: one line, no secret, at most 200 characters."""
        window = text[:_WINDOW]
        line = " ".join(_CONTROL.sub(" ", window).split())
        for secret in self._texts:
            line = line.replace(secret, _MASK)
            if len(text) > _WINDOW:
                line = _without_torn_end(line, secret)
        line = _LOOKS_LIKE_A_KEY.sub(_MASK, line)
        return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def _forms(secret: str) -> set[str]:
    """How else a secret may stand in a text: escaped as JSON, percent-encoded, or within a longer text in base64.

    In base64 (RFC 4648) its letters depend on how many bytes stand before it, modulo 3; of each case those that the
    secret alone decides are known.
    """
    raw = secret.encode(errors="replace")
    forms = {json.dumps(secret)[1:-1], quote(raw, safe=""), quote_plus(raw)}
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw).decode("ascii").rstrip("=")
        core = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(core) >= _SHORTEST_ENCODED:
            forms |= {core, core.replace("+", "-").replace("/", "_"), quote(core, safe="")}
    return forms


def basic_credentials(user: str, password: str) -> str:
    """What HTTP's basic scheme sends for a name and a password (RFC 7617)."""
    return base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _without_torn_end(line: str, secret: str) -> str:
    """Without a beginning of the secret at the very end, where the window cut it."""
    return line[: len(line) - _torn(line, secret)]


def _torn(text: str, secret: str) -> int:
    """The length of the longest beginning of a secret, but not all of it, that a text ends with."""
    lengths = range(min(len(secret) - 1, len(text)), 0, -1)
    return next((length for length in lengths if text.endswith(secret[:length])), 0)
