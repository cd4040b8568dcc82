"""What was found, for a message."""

from __future__ import annotations

import json


def show(value: object, *, width: int = 40) -> str:
    """A cell's content for an error message: short, on one line, control characters escaped."""
    text = json.dumps(value, ensure_ascii=False, default=str) if value is not None else "nothing"
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= width else text[: width - 1] + "…"
