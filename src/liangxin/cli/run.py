"""`liangxin run`: ask, judge and score one or several benchmarks."""

from __future__ import annotations

from typing import Annotated

import typer

from liangxin.api.options import judges_lane, key_from
from liangxin.cli import options
from liangxin.cli.options import option
from liangxin.cli.terminal import stated
from liangxin.request_fields import checked_marks, read_fields
from liangxin.specs import ChooseBy, Endpoint, Generation, RunSpec, SpendingRules


@stated
def run(  # the command's options are its parameters
    benchmarks: Annotated[
        list[str], typer.Argument(metavar="BENCHMARK...", help="See `liangxin benchmarks`.")
    ],
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            metavar="SPEC",
            help="The model to measure: see `liangxin models`. Given several times: a run for each, --name is then "
            "the prefix of NAME/SPEC.",
        ),
    ],
    judge: Annotated[list[str] | None, option("judge")] = None,
    data: Annotated[str | None, option("data")] = None,
    limit: Annotated[int | None, option("limit")] = None,
    seed: Annotated[int | None, option("seed")] = None,
    trials: Annotated[int, option("trials")] = 1,
    connections: options.Connections = 32,
    judge_connections: options.JudgeConnections = None,
    rpm: options.Rpm = None,
    tpm: options.Tpm = None,
    base_url: Annotated[str | None, option("base_url")] = None,
    api_key_env: Annotated[str | None, option("api_key_env")] = None,
    temperature: Annotated[float | None, option("temperature")] = None,
    max_tokens: Annotated[int | None, option("max_tokens")] = None,
    body: Annotated[list[str] | None, option("body")] = None,
    stream: Annotated[bool, option("stream")] = False,
    reasoning_marks: Annotated[tuple[str, str] | None, option("reasoning_marks")] = None,
    system: Annotated[str | None, option("system")] = None,
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
    choose_by: Annotated[ChooseBy | None, option("choose_by")] = None,
    give_up: options.GiveUp = 600.0,
    wait: options.Wait = False,
    prices: options.Prices = None,
    max_requests: options.MaxRequests = None,
    max_tokens_total: options.MaxTokensTotal = None,
    max_cost: options.MaxCost = None,
    cache: options.Cache = False,
    store: options.StoreOption = None,
    name: Annotated[str | None, option("name")] = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """Measure a model: ask, judge, score. The same command continues the same run."""
    from liangxin.cli.work.run_and_judge import measure
    from liangxin.engine.several import for_models

    endpoint = Endpoint(
        base_url=base_url,
        api_key=key_from(api_key_env),
        timeout=timeout,
        retries=retries,
        connections=connections,
        rpm=rpm,
        tpm=tpm,
        body=read_fields(body or ()),
        stream=stream,
        reasoning_marks=checked_marks(reasoning_marks),
    )
    spec = RunSpec(
        benchmark="",
        model="",
        judges=tuple(judge or ()),
        data=data,
        limit=limit,
        seed=seed,
        trials=trials,
        system=system,
        name=name,
        refusal=refusal,
        give_up=give_up,
        wait=wait,
        spending=SpendingRules(
            prices=prices,
            max_requests=max_requests,
            max_tokens_total=max_tokens_total,
            max_cost=max_cost,
            cache=cache,
        ),
        choose_by=choose_by,
        generation=Generation(temperature=temperature, max_tokens=max_tokens, seed=seed),
        endpoint=endpoint,
        judge_generation=Generation(temperature=judge_temperature, max_tokens=judge_max_tokens),
        judge_endpoint=options.judge_endpoint(
            judge_base_url,
            judge_api_key_env,
            judges_lane(
                Endpoint(timeout=timeout, retries=retries, connections=connections, rpm=rpm, tpm=tpm),
                judge_connections,
            ),
            judge_body,
            judge_stream,
            judge_reasoning_marks,
        ),
    )
    measure(benchmarks, for_models(spec, model), store, output)
