"""A judge's name changes when its prompt, scale, settings or material does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from liangxin import digests


def canonical(value: object) -> Any:  # what JSON can hold
    """The value in terms of JSON: records as objects, sets and mappings in order.

    Raises:
        TypeError: something in it is none of these.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: canonical(getattr(value, field.name)) for field in fields(value) if field.compare}
    if isinstance(value, Mapping):
        return {str(key): canonical(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, frozenset | set):
        return sorted(canonical(one) for one in value)
    if isinstance(value, list | tuple):
        return [canonical(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")


def digest(value: object) -> str:
    """12 hex digits of the value's canonical JSON (sorted keys, UTF-8)."""
    return digests.digest(canonical(value))


def identity(spec: str, manifest: Mapping[str, object]) -> str:
    """`SPEC@12 hex digits` of all that makes the judge what it is."""
    return f"{spec}@{digest(manifest)}"
