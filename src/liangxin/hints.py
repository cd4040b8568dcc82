"""What a user will have meant who typed a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_NEAR = 0.6
_NEARER = 0.75
"""How alike two names are (`difflib`); nearer where something else is likely: `llama3` is no misspelt `llm`."""


def hint(name: str, known: Iterable[str], likely: str = "") -> str:
    """A sentence that suggests the nearest name, with a blank before it; empty where none is near.

    Args:
        likely: what to suggest where none is near.
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=_NEARER if likely else _NEAR)
    meant = near[0] if near else likely
    return f" Did you mean {meant!r}?" if meant else ""
