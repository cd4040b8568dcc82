"""`liangxin run`: ask, judge and score one or several benchmarks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from liangxin.api.options import key_from
from liangxin.cli import options
from liangxin.cli.terminal import stated
from liangxin.specs import Endpoint, Generation, RunSpec


class ChooseBy(StrEnum):
    """How a choice is made."""

    GENERATION = "generation"
    LABEL = "label"
    TEXT = "text"
    TEXT_NORMALISED = "text-normalised"


@stated
def run(  # the command's options are its parameters
    benchmarks: Annotated[
        list[str], typer.Argument(metavar="BENCHMARK...", help="See `liangxin benchmarks`.")
    ],
    model: Annotated[
        str, typer.Option("--model", metavar="SPEC", help="The model to measure: see `liangxin models`.")
    ],
    judge: Annotated[
        list[str] | None, typer.Option("--judge", metavar="SPEC", help="Who rules: see `liangxin judges`.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="PATH", help="The data file (default: the embedded sample)."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only the first N items of the seeded order.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Of the order; sent with requests if given.")
    ] = None,
    trials: Annotated[int, typer.Option("--trials", min=1, max=1000, help="Ask everything K times.")] = 1,
    connections: options.Connections = 32,
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="The model's endpoint, with its /v1.")
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option("--api-key-env", metavar="NAME", help="Environment variable that holds the key."),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0.0, help="Not sent unless given.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Not sent unless given.")
    ] = None,
    system: Annotated[str | None, typer.Option("--system", metavar="TEXT", help="A system prompt.")] = None,
    timeout: options.Timeout = 120.0,
    retries: options.Retries = 4,
    judge_base_url: options.JudgeBaseUrl = None,
    judge_api_key_env: options.JudgeKeyEnv = None,
    judge_temperature: options.JudgeTemperature = 0.0,
    judge_max_tokens: options.JudgeMaxTokens = None,
    refusal: options.Refusal = False,
    choose_by: Annotated[
        ChooseBy,
        typer.Option(
            "--choose-by",
            help="Choice items: by what the model writes, or by the likelihood of labels or texts.",
        ),
    ] = ChooseBy.GENERATION,
    store: options.StoreOption = None,
    name: Annotated[str | None, typer.Option("--name", metavar="RUN", help="A name for the run.")] = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """Measure a model: ask, judge, score. The same command continues the same run."""
    from liangxin.cli.measuring import measure

    endpoint = Endpoint(
        base_url=base_url,
        api_key=key_from(api_key_env),
        timeout=timeout,
        retries=retries,
        connections=connections,
    )
    spec = RunSpec(
        benchmark="",
        model=model,
        judges=tuple(judge or ()),
        data=data,
        limit=limit,
        seed=seed,
        trials=trials,
        system=system,
        name=name,
        refusal=refusal,
        choose_by=choose_by.value,
        generation=Generation(temperature=temperature, max_tokens=max_tokens, seed=seed),
        endpoint=endpoint,
        judge_generation=Generation(temperature=judge_temperature, max_tokens=judge_max_tokens),
        judge_endpoint=options.judge_endpoint(
            judge_base_url, judge_api_key_env, timeout=timeout, retries=retries, connections=connections
        ),
    )
    measure(benchmarks, spec, store, output)
