"""What there is: benchmarks, kinds of model and judge, runs in a store."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import polars

from liangxin.api.kinds import KindList, judge_list, model_list
from liangxin.benchmarks import BENCHMARKS
from liangxin.store import Database, store_url
from liangxin.store.life.states import listed_runs


def list_benchmarks() -> polars.DataFrame:
    """The benchmarks: `name, version, zh, en, kind, measures, package`.

    `package` is the installed package that brings it, empty for what is built in; of what packages bring and cannot
    be used a warning says why.
    """
    found = BENCHMARKS.entries()
    _warn([one.error for one in found if one.error])
    rows = [
        {
            "name": one.name,
            "version": one.version,
            "zh": one.title.zh,
            "en": one.title.en,
            "kind": one.kind,
            "measures": [measure.name for measure in one.measures],
            "package": "" if one.origin is None else f"{one.origin.package} {one.origin.version}",
        }
        for one in (entry.thing for entry in found)
        if one is not None
    ]
    return polars.DataFrame(rows)


def list_models() -> polars.DataFrame:
    """The kinds of model that a SPEC can name: `spec, zh, en, package`, as `liangxin models`."""
    return _kinds(model_list())


def list_judges() -> polars.DataFrame:
    """The kinds of judge that a SPEC can name: `spec, zh, en, package`, as `liangxin judges`."""
    return _kinds(judge_list())


def list_runs(store: str | os.PathLike[str] | None = None, *, archived: bool = False) -> polars.DataFrame:
    """The runs in a store, the pinned first, then the newest, with the columns of `liangxin runs`; `created` is in UTC.

    Args:
        archived: whether those that were archived are among them, at the end.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    database = Database(store_url(None if store is None else os.fspath(store)), create=False)
    try:
        runs = listed_runs(database, archived=archived)
    finally:
        database.close()
    schema: dict[str, Any] = {
        "run": polars.String,
        "name": polars.String,
        "benchmark": polars.String,
        "version": polars.String,
        "data_sha256": polars.String,
        "sample": polars.Boolean,
        "model": polars.String,
        "trials": polars.Int64,
        "units": polars.Int64,
        "created": polars.Datetime(time_zone="UTC"),
        "pinned": polars.Boolean,
        "archived": polars.Boolean,
    }
    rows = [
        (
            run.id,
            run.name,
            run.benchmark,
            run.version,
            run.data_sha256,
            run.sample,
            run.model,
            run.trials,
            run.units,
            datetime.fromtimestamp(run.created, UTC),
            listed.pinned,
            listed.archived,
        )
        for listed in runs
        for run in [listed.run]
    ]
    return polars.DataFrame(rows, schema=schema, orient="row")


def _kinds(found: KindList) -> polars.DataFrame:
    _warn(found.broken)
    rows = [(one.spec, one.zh, one.en, one.package) for one in found.lines]
    return polars.DataFrame(rows, schema=["spec", "zh", "en", "package"], orient="row")


def _warn(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        warnings.warn(sentence, stacklevel=4)
