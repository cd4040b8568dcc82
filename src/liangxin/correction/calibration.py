"""A judge's measured error, with what it was measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liangxin.errors import JudgeError


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationTable:
    """A judge against people on one scale."""

    levels: tuple[str, ...]
    """The scale's levels, worst first."""
    counts: tuple[tuple[int, ...], ...]
    """[people's level][judge's level], both in the order of `levels`."""

    def __post_init__(self) -> None:
        size = len(self.levels)
        if size < 2 or len(self.counts) != size or any(len(row) != size for row in self.counts):
            raise ValueError("a calibration table needs a row and a column for each of two or more levels")
        if min(map(min, self.counts)) < 0:
            raise ValueError("counts cannot be negative")

    @property
    def n(self) -> int:
        """Labelled answers."""
        return sum(map(sum, self.counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a calibration speaks of, or what it is to be applied to."""

    benchmark: str
    dimensions: tuple[str, ...]
    families: tuple[str, ...]
    """Families of the models whose answers were labelled (or whose answers are to be corrected)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How often a judge errs, by dimension; measured on answers apart from the run that is corrected."""

    judge: str
    """The judge's identity: another prompt or scale is another judge."""
    benchmark: str
    families: tuple[str, ...]
    tables: Mapping[str, CalibrationTable]
    """By top category; the empty name where the benchmark has none."""
    labelled: str
    """How people labelled: how the answers were drawn, how many annotators, which rule joined them."""

    @property
    def n(self) -> int:
        """Labelled answers in all."""
        return sum(table.n for table in self.tables.values())

    @property
    def scope(self) -> Scope:
        """What it was measured on."""
        return Scope(
            benchmark=self.benchmark, dimensions=tuple(self.tables), families=tuple(sorted(self.families))
        )

    def warning(self, target: Scope) -> str:
        """How a target lies outside the scope; empty inside it."""
        found = []
        if target.benchmark != self.benchmark:
            found.append(f"the judge was calibrated on {self.benchmark}, not on {target.benchmark}")
        strange = [one for one in target.dimensions if one not in self.tables]
        if strange:
            names = ", ".join(strange)
            found.append(f"no calibration covers {names}; the error of the other dimensions is assumed there")
        others = sorted(set(target.families) - set(self.families))
        if others or not target.families:
            names = ", ".join(others) or "an unknown family"
            known = ", ".join(sorted(self.families)) or "models of unknown family"
            found.append(f"the judge was calibrated on answers of {known}, not of {names}")
        return "; ".join(found)

    def pooled(self, levels: Sequence[str]) -> CalibrationTable | None:
        """All tables of one scale added up, or None where no dimension has that scale."""
        same = [table.counts for table in self.tables.values() if table.levels == tuple(levels)]
        if not same:
            return None
        counts = tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in zip(*same, strict=True))
        return CalibrationTable(levels=tuple(levels), counts=counts)

    def fields(self) -> dict[str, object]:
        """As a JSON object, to be stored."""
        return {
            "judge": self.judge,
            "benchmark": self.benchmark,
            "families": list(self.families),
            "tables": {
                name: {"levels": list(table.levels), "counts": [list(row) for row in table.counts]}
                for name, table in self.tables.items()
            },
            "labelled": self.labelled,
        }

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Calibration:
        """What `fields` wrote.

        Raises:
            JudgeError: it is something else.
        """
        try:
            tables = {
                str(name): CalibrationTable(
                    levels=tuple(map(str, one["levels"])),
                    counts=tuple(tuple(map(int, row)) for row in one["counts"]),
                )
                for name, one in fields["tables"].items()
            }
            return cls(
                judge=str(fields["judge"]),
                benchmark=str(fields["benchmark"]),
                families=tuple(map(str, fields["families"])),
                tables=tables,
                labelled=str(fields["labelled"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise JudgeError(f"a stored calibration cannot be read: {error}") from None
