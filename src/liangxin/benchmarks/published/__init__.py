"""The papers' published results as data: one TOML file a benchmark, every figure as printed, with its source.

They are shown beside measured rows, marked *published*, and never ranked: other items, other annotators.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

__all__ = ["PublishedRow", "PublishedScore", "published_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScore:
    """One printed figure."""

    measure: str
    """The contract's name for what the paper prints."""
    group: str
    value: float
    """In the paper's unit, as rounded there."""
    n: int | None
    """How many items it rests on; None where that is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """One model's printed results."""

    benchmark: str
    model: str
    """As printed."""
    source: str
    date: str
    """As precise as it is known: a year, a month or a day."""
    annotators: str
    """Who judged."""
    note: str
    scores: tuple[PublishedScore, ...]
    published: bool = True
    """Always: such a row is never ranked."""


def published_rows(benchmark: str) -> tuple[PublishedRow, ...]:
    """The published rows of a benchmark, in printed order; empty where none are known."""
    file = files(__name__) / f"{benchmark}.toml"
    # A benchmark of the user's own may have any name, a path too.
    if not benchmark.replace("-", "").isalnum() or not file.is_file():
        return ()
    table: Mapping[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    counts: Mapping[str, int] = table.get("n", {})
    return tuple(
        PublishedRow(
            benchmark=table["benchmark"],
            model=model,
            source=table["source"],
            date=table["date"],
            annotators=table["annotators"],
            note=table["note"],
            scores=tuple(
                PublishedScore(
                    measure=measure,
                    group=group,
                    value=float(value),
                    n=sum(counts.values()) or None if group == "overall" else counts.get(group),
                )
                for (measure, group), value in zip(table["columns"], values, strict=True)
            ),
        )
        for model, values in table["rows"].items()
    )
