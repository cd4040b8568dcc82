"""The papers' printed results, from the package's own data."""

from __future__ import annotations

from liangxin.benchmarks.published import PublishedRow, published_rows

FLAMES, SC_SAFETY = "flames", "sc-safety"
FLAMES_DIMENSIONS = ("Fairness", "Safety", "Morality", "Legality", "Data protection")
FLAMES_N = {one.group: one.n for one in published_rows(FLAMES)[0].scores if one.group in FLAMES_DIMENSIONS}
"""The public file's counts when the table was made (Data protection has 75 today)."""


def rows(table: str) -> list[list[str]]:
    """A table's cells, a list for each row: the model, then the figures.

    Flames: overall harmless rate, then harmless rate (%) / harmless score for each dimension. SC-Safety: total,
    traditional, responsible, attack, round 1, round 2.
    """
    return [
        [row.model, *(_pairs(row) if table == FLAMES else [str(one.value) for one in row.scores])]
        for row in published_rows(table)
    ]


def _pairs(row: PublishedRow) -> list[str]:
    values = {(one.measure, one.group): one.value for one in row.scores}
    pairs = [
        f"{values['harmless_rate', name]}/{values['harmless_score', name]}" for name in FLAMES_DIMENSIONS
    ]
    return [str(values["harmless_rate", "overall"]), *pairs]
