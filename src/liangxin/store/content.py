"""Items and manifests as stored text, and digests over such text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from liangxin.records import Item


def canonical(value: object) -> str:
    """JSON with sorted keys and no needless blanks: equal values give equal text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(value: object, *, length: int) -> str:
    """The first `length` hex digits of the sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:length]


def hashed(text: str) -> str:
    """What stands for a secret text outside the store: `sha256:` and the digest of its UTF-8 bytes.

    An empty text stays empty: that there is none is no secret.
    """
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if text else ""


def dialogue_key(run_id: str, item_id: str, trial: int) -> str:
    """A dialogue's key: 16 hex digits, the same on every machine."""
    return digest([run_id, item_id, trial], length=16)


def item_text(item: Item) -> str:
    """An item as stored; fields at their default are left out."""
    values: dict[str, Any] = {"turns": item.turns, "category": item.category}
    optional = {
        "choices": item.choices,
        "answer": item.answer,
        "reference": item.reference,
        "expect": item.expect,
        "tags": item.tags,
        "pair": item.pair,
        "source": item.source,
        "stem": item.stem,
        "secret": item.secret,
    }
    values.update({name: value for name, value in optional.items() if value})
    return canonical(values)


def item_of(identifier: str, text: str) -> Item:
    """The item that `item_text` wrote."""
    values: Mapping[str, Any] = json.loads(text)
    return Item(
        id=identifier,
        turns=tuple(values["turns"]),
        category=tuple(values["category"]),
        choices=tuple(values.get("choices", ())),
        answer=values.get("answer"),
        reference=values.get("reference"),
        expect=values.get("expect"),
        tags=tuple(values.get("tags", ())),
        pair=values.get("pair"),
        source=values.get("source", ""),
        stem=values.get("stem", ""),
        secret=bool(values.get("secret", False)),
    )
