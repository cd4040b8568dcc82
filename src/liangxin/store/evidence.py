"""What was found out about judges and decisions: validations, samples for labelling, looks at a question."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from liangxin.digests import canonical, digest
from liangxin.store.content import intact
from liangxin.store.database import Database
from liangxin.store.runs import RunRecord
from liangxin.store.schema import LOOKS, SAMPLES, VALIDATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRecord:
    """One measurement of a judge against labels."""

    judge: str
    """The judge's identity."""
    benchmark: str
    gold: str
    """The labels' identity."""
    run: str
    """The run's id; empty where a labelled file was used."""
    created: float
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a question: what was known and decided then."""

    n: int
    created: float
    content: Mapping[str, Any]


class Evidence:
    """Validations and looks of one open store; both are appended, never rewritten."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add_validation(self, record: ValidationRecord) -> None:
        """Keep one measurement of a judge."""
        values = {
            "judge": record.judge,
            "benchmark": record.benchmark,
            "gold": record.gold,
            "run": record.run,
            "created": record.created,
            "content": canonical(record.content),
        }
        with self.database.begin() as connection:
            connection.execute(insert(VALIDATIONS), [values])

    @intact()
    def validations(self, judge: str, benchmark: str | None = None) -> list[ValidationRecord]:
        """Every measurement of a judge, on one benchmark or on any, the newest first."""
        query = (
            select(VALIDATIONS)
            .where(VALIDATIONS.c.judge == judge)
            .order_by(VALIDATIONS.c.created.desc(), VALIDATIONS.c.key.desc())
        )
        if benchmark is not None:
            query = query.where(VALIDATIONS.c.benchmark == benchmark)
        with self.database.begin() as connection:
            return [
                ValidationRecord(
                    judge=row.judge,
                    benchmark=row.benchmark,
                    gold=row.gold,
                    run=row.run,
                    created=row.created,
                    content=json.loads(row.content),
                )
                for row in connection.execute(query)
            ]

    def add_sample(self, run: RunRecord, judge: str, content: Mapping[str, object]) -> None:
        """Keep which answers were drawn for labelling."""
        values = {"run": run.key, "judge": judge, "created": time.time(), "content": canonical(content)}
        with self.database.begin() as connection:
            connection.execute(insert(SAMPLES), [values])

    @intact()
    def samples(self, run: RunRecord, judge: str) -> list[Mapping[str, Any]]:
        """Every sample that was drawn by a judge's verdicts on a run, in order."""
        query = (
            select(SAMPLES.c.content)
            .where(SAMPLES.c.run == run.key, SAMPLES.c.judge == judge)
            .order_by(SAMPLES.c.key)
        )
        with self.database.begin() as connection:
            return [json.loads(row.content) for row in connection.execute(query)]

    @intact()
    def look(
        self, run: RunRecord, question: Mapping[str, object], n: int, content: Mapping[str, object]
    ) -> list[Look]:
        """Count one look at a question, and give every look at it so far, in order of n.

        Looking again at the same data is the same look.
        """
        key = digest(question, length=64)
        values = {
            "run": run.key,
            "question": key,
            "n": n,
            "created": time.time(),
            "content": canonical(content),
        }
        query = select(LOOKS).where(LOOKS.c.run == run.key, LOOKS.c.question == key).order_by(LOOKS.c.created)
        with self.database.begin() as connection:
            connection.execute(self.database.insert_new(LOOKS), [values])
            return [
                Look(n=row.n, created=row.created, content=json.loads(row.content))
                for row in connection.execute(query)
            ]
