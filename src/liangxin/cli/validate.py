"""`liangxin validate`: a judge measured against people, or put to a probe."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from liangxin.cli import options
from liangxin.cli.terminal import stated
from liangxin.specs import Endpoint, Generation, RunSpec


class Probe(StrEnum):
    """What a judge can be put to without labels."""

    REPEAT = "repeat"
    INJECTION = "injection"


@stated
def validate(  # the command's options are its parameters
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]", help="A run's name or id; left out where the labelled file holds the answers."
        ),
    ] = None,
    judges: Annotated[
        list[str] | None,
        typer.Option("--judge", metavar="SPEC", help="Who is measured: see `liangxin judges`."),
    ] = None,
    gold: Annotated[
        str | None,
        typer.Option("--gold", metavar="labels:FILE", help="People's labels, taken for the truth."),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark", metavar="NAME", help="Whose scale the labels are on, where no run is named."
        ),
    ] = None,
    probe: Annotated[
        list[Probe] | None,
        typer.Option(
            "--probe",
            help="repeat: rule on the run's answers again; injection: can an answer talk the judge into a level?",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="For --probe repeat: the first N answers only.")
    ] = None,
    connections: options.Connections = 32,
    rpm: options.Rpm = None,
    tpm: options.Tpm = None,
    timeout: options.Timeout = 120.0,
    retries: options.Retries = 4,
    judge_base_url: options.JudgeBaseUrl = None,
    judge_api_key_env: options.JudgeKeyEnv = None,
    judge_temperature: options.JudgeTemperature = 0.0,
    judge_max_tokens: options.JudgeMaxTokens = None,
    judge_body: options.JudgeBody = None,
    judge_stream: options.JudgeStream = False,
    judge_reasoning_marks: options.JudgeMarks = None,
    refusal: options.Refusal = False,
    store: options.StoreOption = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """Measure a judge against people's labels (agreement by dimension, with intervals), or put it to a probe."""
    from liangxin.cli.work.measure_judges import probe_injection, probe_repeat, validate_against

    probes = probe or []
    spec = RunSpec(
        benchmark=benchmark or "",
        model="",
        judges=tuple(judges or ()),
        limit=limit,
        refusal=refusal,
        judge_generation=Generation(temperature=judge_temperature, max_tokens=judge_max_tokens),
        judge_endpoint=options.judge_endpoint(
            judge_base_url,
            judge_api_key_env,
            Endpoint(timeout=timeout, retries=retries, connections=connections, rpm=rpm, tpm=tpm),
            judge_body,
            judge_stream,
            judge_reasoning_marks,
        ),
    )
    _check(spec, run, gold, probes)
    if gold is not None:
        validate_against(run, spec, gold, store, output)
    if run is not None and Probe.REPEAT in probes:
        probe_repeat(run, spec, store, output)
    if Probe.INJECTION in probes:
        probe_injection(run, spec, store, output)


def _check(spec: RunSpec, run: str | None, gold: str | None, probes: Sequence[Probe]) -> None:
    """Refuse what cannot be measured for want of a judge, labels, a run or a scale."""
    from liangxin.errors import UsageError

    if not spec.judges:
        raise UsageError("name the judge to be measured: --judge SPEC")
    if gold is None and not probes:
        raise UsageError("name the labels to measure against: --gold labels:FILE, or a --probe")
    if run is None and Probe.REPEAT in probes:
        raise UsageError("--probe repeat rules on a stored run's answers again: name the run")
    if run is not None and spec.benchmark:
        raise UsageError("a run brings its benchmark along: leave --benchmark or the run out")
    if spec.limit is not None and Probe.REPEAT not in probes:
        raise UsageError("--limit is for --probe repeat: leave it out, or ask for that probe")
    if run is None and not spec.benchmark:
        raise UsageError("name a run, or the benchmark on whose scale is judged: --benchmark NAME")
