"""Digests: of values in one written form, of texts, of files' bytes, and the lots that a seed draws."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

_CHUNK = 1 << 20


def canonical(value: object) -> str:
    """JSON with sorted keys and no needless blanks: equal values give equal text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(value: object, *, length: int = 12) -> str:
    """The first `length` hex digits of the sha256 of a value's canonical JSON; the same on every machine."""
    return text_digest(canonical(value), length=length)


def text_digest(text: str, *, length: int = 64) -> str:
    """The first `length` hex digits of the sha256 of a text's UTF-8; half a surrogate pair counts as it stands."""
    return hashlib.sha256(_bytes(text)).hexdigest()[:length]


def bytes_digest(*paths: Path) -> str:
    """The sha256 (64 hex digits) of the files' bytes, one file after the other.

    Raises:
        OSError: a file cannot be read.
    """
    found = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                found.update(chunk)
    return found.hexdigest()


def lot(seed: object, name: str) -> bytes:
    """The 32 bytes that a seed draws for a name: sorting by them is a random order that never changes."""
    return hashlib.sha256(_bytes(f"{seed}\0{name}")).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
