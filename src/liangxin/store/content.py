"""Items as stored text, dialogues' keys, and what stands for a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from liangxin.digests import canonical, digest, text_digest
from liangxin.records import Item


def hashed(text: str) -> str:
    """What stands for a secret text outside the store: `sha256:` and the digest of its UTF-8 bytes.

    An empty text stays empty: that there is none is no secret.
    """
    return f"sha256:{text_digest(text)}" if text else ""


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
