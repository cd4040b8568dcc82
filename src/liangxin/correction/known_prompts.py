"""Which prompts a judge was trained on: labels of answers to them measure its memory, not its error."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from liangxin.errors import JudgeError
from liangxin.zh import fold

_BYTES = 5
"""Of a prompt's digest: among a million prompts one stranger in a million is taken for known."""


@dataclass(frozen=True, slots=True)
class KnownPrompts:
    """A set of prompts, each by a short digest of its folded text: who holds it cannot read them."""

    digests: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, prompts: Iterable[str]) -> KnownPrompts:
        """These prompts; an empty one is none."""
        return cls(frozenset(_digest(folded) for folded in map(_folded, prompts) if folded))

    def __contains__(self, prompt: str) -> bool:
        folded = _folded(prompt)
        return bool(self.digests and folded) and _digest(folded) in self.digests

    def __or__(self, other: KnownPrompts) -> KnownPrompts:
        return KnownPrompts(self.digests | other.digests)

    def text(self) -> str:
        """As base64, sorted."""
        return base64.b64encode(b"".join(sorted(self.digests))).decode("ascii")


def read_known_prompts(text: str | None) -> KnownPrompts:
    """What stands under `trained_prompts` beside a judge's sources (`liangxin.correction.sources.sources_text`).

    Raises:
        JudgeError: it cannot be read.
    """
    if text is None:
        return KnownPrompts()
    try:
        data = base64.b64decode(json.loads(text).get("trained_prompts", ""), validate=True)
        if len(data) % _BYTES:
            raise ValueError(f"{len(data)} bytes are no digests of {_BYTES}")
    except (AttributeError, TypeError, ValueError) as error:
        raise JudgeError(f"the prompts that a judge was trained on cannot be read: {error}") from None
    return KnownPrompts(frozenset(data[at : at + _BYTES] for at in range(0, len(data), _BYTES)))


def _folded(prompt: str) -> str:
    return fold(prompt).strip()


def _digest(folded: str) -> bytes:
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:_BYTES]
