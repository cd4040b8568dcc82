"""From a specification to a run in the store: read the data once, fix the order, find or make the run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liangxin.data import digest_of, items_of, stratified_order
from liangxin.engine.identity import DEFAULT_SEED, identity_fields, manifest, run_id
from liangxin.errors import StoreError
from liangxin.models import model_traits
from liangxin.specs import Benchmark, RunSpec
from liangxin.store import NewRun, RunRecord, Runs
from liangxin.store.loading import remove_dead_loads


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """Which run a specification means: known before anything of it is in the store."""

    fields: dict[str, object]
    id: str
    data_sha256: str
    is_sample: bool


def identify(spec: RunSpec, benchmark: Benchmark, sample: str, model: str) -> RunIdentity:
    """The identity of the run that `spec` describes.

    Args:
        sample: path of the benchmark's embedded sample.
        model: the model's identity.

    Raises:
        DataError: the data file cannot be read.
    """
    sha256, is_sample = digest_of(benchmark, spec.data, sample)
    fields = identity_fields(spec, benchmark, sha256, model)
    return RunIdentity(fields=fields, id=run_id(fields), data_sha256=sha256, is_sample=is_sample)


def prepare(
    runs: Runs,
    spec: RunSpec,
    benchmark: Benchmark,
    sample: str,
    known: RunIdentity,
    template: str | None = None,
) -> tuple[RunRecord, list[str]]:
    """The run that `spec` describes, new or continued, with its planned units set.

    Args:
        sample: path of the benchmark's embedded sample.
        known: what `identify` says of it.
        template: the prompt template of a model that has one, for the manifest.

    Returns:
        The run, and what the user should know, a sentence each.

    Raises:
        DataError: the data file is wrong; nothing of it is stored.
        StoreError: the name belongs to another run, or the run has another name.
    """
    remove_dead_loads(runs.database)
    sha256 = known.data_sha256
    dataset = runs.dataset(benchmark.name, benchmark.version, sha256)
    if dataset is None:
        items = items_of(benchmark, spec.data, sample)
        dataset = runs.add_dataset(benchmark.name, benchmark.version, sha256, items)
    elif spec.choose_by in ("text", "text-normalised"):
        # A store that was filled before questions were kept apart from their options gives the same numbers.
        runs.add_stems(dataset, items_of(benchmark, spec.data, sample))
    run = runs.by_id(known.id)
    name, notices = _name(runs, spec, run, known)
    if run is None:
        new = NewRun(
            id=known.id,
            name=name,
            dataset=dataset,
            benchmark=benchmark.name,
            model=spec.model,
            trials=spec.trials,
            sample=known.is_sample,
            manifest=manifest(spec, known.fields, template, benchmark),
            traits=model_traits(spec.model),
        )
        seed = DEFAULT_SEED if spec.seed is None else spec.seed
        run = runs.create(new, stratified_order(runs.index(dataset), seed))
    total = runs.unit_count(run)
    wanted = total if spec.limit is None else min(spec.limit, total)
    units = max(run.units, wanted)
    if units != run.units or name != run.name:
        run = runs.update(run, name=name, units=units)
    return run, notices


def _name(
    runs: Runs, spec: RunSpec, run: RunRecord | None, known: RunIdentity
) -> tuple[str | None, list[str]]:
    """The run's name, taking it over from an earlier run whose recorded file has changed since."""
    if spec.name is None:
        return (None if run is None else run.name), []
    if run is not None and run.name not in (None, spec.name):
        to = " ".join(shlex.quote(one) for one in (run.label, spec.name))
        raise StoreError(
            f"this run is in the store as {run.name!r} ({run.id}): leave --name out to go on with it, or rename it "
            f"first with `liangxin runs rename {to}`"
        )
    holder = next((one for one in runs.all() if spec.name in (one.name, one.id)), None)
    if holder is None or holder.id == known.id:
        return spec.name, []
    if holder.name == spec.name and _same_but_file(holder.manifest, known.fields, spec):
        runs.update(holder, name=None, units=holder.units)
        notice = f"{spec.model} has changed since run {holder.id}: this is a new run, and takes its name {spec.name!r}"
        return spec.name, [notice]
    raise StoreError(
        f"the name {spec.name!r} belongs to run {holder.id} ({holder.benchmark}, {holder.model}, other settings); "
        "choose another --name"
    )


def _same_but_file(manifest_: Mapping[str, Any], fields: Mapping[str, object], spec: RunSpec) -> bool:
    """Whether only the content of the file that answers (replay, scripted) or of the data differs."""
    before = dict(manifest_["identity"])
    changed = {key for key in fields if before.get(key) != fields[key]}
    return changed <= {"model", "data_sha256"} and (manifest_["model_spec"], manifest_["data"]) == (
        spec.model,
        spec.data,
    )
