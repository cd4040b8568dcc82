"""Running benchmarks, and finding stored runs again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Any, Unpack, overload

from liangxin.analysis.evidence import stored_with_evidence, with_evidence
from liangxin.api.function import FunctionModel
from liangxin.api.options import JUDGE_DEFAULTS, RUN_DEFAULTS, RunOptions, run_options, run_spec
from liangxin.api.result import Result
from liangxin.api.working import CallWork
from liangxin.benchmarks.selection import select
from liangxin.engine.session import Session
from liangxin.engine.several import for_models, run_several
from liangxin.errors import UsageError
from liangxin.models import ChatModel
from liangxin.specs import Benchmark, RunSpec
from liangxin.store import Database, store_url

Model = str | ChatModel
"""A model's SPEC, or a model of one's own (`FunctionModel`, or any object with the methods of `ChatModel`)."""


@overload
def run(  # type: ignore[overload-overlap]  # a str is a Sequence too; this signature comes first
    benchmarks: str | os.PathLike[str], *, model: Model, **options: Unpack[RunOptions]
) -> Result: ...
@overload
def run(
    benchmarks: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model: Model | Sequence[Model],
    **options: Unpack[RunOptions],
) -> list[Result]: ...
def run(
    benchmarks: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model: Model | Sequence[Model],
    **options: Unpack[RunOptions],
) -> Result | list[Result]:
    """Measure a model: ask, judge, score. The same call continues the same run, and so does `liangxin run`.

    Names, defaults and identities are the command line's: a run that was begun there is continued here and
    the other way round. It works in a notebook too, whose event loop is running.

    Args:
        benchmarks: one benchmark (a name, or the path of a `.toml` file) for one `Result`; several in a list
            for a list of results, in order.
        model: the model's SPEC as `--model`, or a model of one's own: see `FunctionModel`. Several in a list: each
            is measured on each benchmark, for a list of results; `name` is then the prefix of `NAME/SPEC`.
        options: see `RunOptions`; each has the name and the default of its command-line option.

    Returns:
        A result also where some replies or verdicts failed: `result.failures` says which, and the same call
        asks only those again.

    Raises:
        UsageError: something does not fit together, or a value is out of range.
        DataError: a file is wrong; nothing of it was loaded.
        ModelError: the model cannot be used at all, or (AccessDenied) refused the key.
        StoreError: the store cannot be used, or the name belongs to another run.
        KeyboardInterrupt: Ctrl-C; what was answered is stored.

    Example:
        ```python
        result = liangxin.run("flames", model="openai:qwen-plus", judge="llm:openai:qwen-max", limit=200)
        print(result.scores)
        ```
    """
    names = [os.fspath(benchmarks)] if isinstance(benchmarks, str | os.PathLike) else _words(benchmarks)
    models: list[Model] = (
        list(model) if isinstance(model, Sequence) and not isinstance(model, str) else [model]
    )
    single = isinstance(benchmarks, str | os.PathLike) and models == [model]
    given = run_options(options)
    specs = _specs(models, run_spec("", given))
    chosen = select(names, specs[0].data)
    if single and len(chosen) > 1:
        raise UsageError(
            f"{names[0]!r} stands for {len(chosen)} benchmarks; write it in a list: [{names[0]!r}]"
        )
    store = given["store"]
    url = store_url(None if store is None else os.fspath(store))
    results = [
        result
        for spec, own in zip(specs, models, strict=True)
        for result in _measured(spec, own, chosen, url, progress=given["progress"])
    ]
    return results[0] if single else results


def _specs(models: Sequence[Model], spec: RunSpec) -> list[RunSpec]:
    """The settings for each model."""
    own = [one for one in models if not isinstance(one, str)]
    if any(isinstance(one, FunctionModel) for one in own):
        _refuse_sampling(spec)
    return for_models(
        spec,
        [one if isinstance(one, str) else one.identity for one in models],
        unchecked=[one.identity for one in own],
    )


def _measured(
    spec: RunSpec, model: Model, benchmarks: Sequence[Benchmark], url: str, *, progress: bool
) -> list[Result]:
    own = None if isinstance(model, str) else model
    work: CallWork[list[Result]] = CallWork(url, create=True, progress=progress, model=own)

    def measured(session: Session) -> list[Result]:
        made = []
        for found in run_several(session, benchmarks, spec):
            made.append(Result(with_evidence(session.database, found), store=url, notices=work.said))
            work.said.clear()
        return made

    return work.do(measured)


def load(run: str, *, judge: str | None = None, store: str | os.PathLike[str] | None = None) -> Result:
    """A stored run, scored again from its verdicts; nobody is asked anything.

    Args:
        run: its name or id (or the first four digits or more).
        judge: one judge's identity or SPEC, or the beginning of one; None for all.
        store: as `run`.

    Raises:
        UnknownRun: there is none of that name.
        JudgeError: no such judge has ruled on it.
        StoreError: there is no store, or it cannot be read.
    """
    url = store_url(None if store is None else os.fspath(store))
    database = Database(url, create=False)
    try:
        return Result(stored_with_evidence(database, run, judge), store=url)
    finally:
        database.close()


def _words(names: Sequence[str | os.PathLike[str]]) -> list[str]:
    if not names:
        raise UsageError("no benchmark is named; see liangxin.list_benchmarks()")
    return [os.fspath(name) for name in names]


def _refuse_sampling(spec: RunSpec) -> None:
    """Settings that the function never sees must not stand in a run's manifest as if they had been used."""
    if spec.generation.temperature is not None or spec.generation.max_tokens is not None:
        raise UsageError(
            "temperature and max_tokens do not reach a FunctionModel: set them in the function, and say so in its name"
        )
    if spec.endpoint.body or spec.endpoint.stream:
        raise UsageError("body and stream are of a request, and a FunctionModel makes none: leave them out")


def _spell_out(function: Any, defaults: RunOptions | Any) -> None:
    """Show every option with its default in `help()` and in a notebook's completion."""
    signature = Signature.from_callable(function)
    kept = [one for one in signature.parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
    options = [Parameter(name, Parameter.KEYWORD_ONLY, default=value) for name, value in defaults.items()]
    function.__signature__ = signature.replace(parameters=[*kept, *options])


_spell_out(run, RUN_DEFAULTS)
_spell_out(Result.judge, JUDGE_DEFAULTS)
