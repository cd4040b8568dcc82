"""Items as stored text, dialogues' keys, and what stands for a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from liangxin.digests import canonical, digest, text_digest
from liangxin.errors import StoreError
from liangxin.records import Item

_NOT_AS_WRITTEN = (ValueError, TypeError, KeyError, IndexError, AttributeError)


@contextmanager
def intact() -> Iterator[None]:
    """What is read here was written by a release: where it does not fit, pages of the file are damaged.

    Raises:
        StoreError: a row is not as it was written.
    """
    try:
        yield
    except _NOT_AS_WRITTEN as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> StoreError:
    return StoreError(
        f"the store is damaged: a row is not as it was written ({type(error).__name__}: {str(error)[:80]!r}); bring the "
        "store back from a copy, or save what can be read with sqlite3's .recover"
    )


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
    """The item that `item_text` wrote.

    Raises:
        StoreError: it is not as it was written.
    """
    # As `intact`, which would take longer than the reading itself.
    try:
        return _item(identifier, json.loads(text))
    except _NOT_AS_WRITTEN as error:
        raise _damaged(error) from None


def _item(identifier: str, values: Mapping[str, Any]) -> Item:
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
