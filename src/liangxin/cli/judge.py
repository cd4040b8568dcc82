"""`liangxin judge`: rule on a stored run again, with another judge."""

from __future__ import annotations

from typing import Annotated

import typer

from liangxin.cli import options
from liangxin.cli.terminal import stated
from liangxin.specs import Endpoint, Generation, RunSpec, SpendingRules


@stated
def judge(
    run: options.RunArgument,
    judges: Annotated[list[str], typer.Option("--judge", metavar="SPEC", help="See `liangxin judges`.")],
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
    give_up: options.GiveUp = 600.0,
    wait: options.Wait = False,
    prices: options.Prices = None,
    max_requests: options.MaxRequests = None,
    max_tokens_total: options.MaxTokensTotal = None,
    max_cost: options.MaxCost = None,
    cache: options.Cache = False,
    store: options.StoreOption = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """Rule on a stored run again; the model is asked nothing."""
    from liangxin.cli.work.run_and_judge import rejudge

    spec = RunSpec(
        benchmark="",
        model="",
        judges=tuple(judges),
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
    rejudge(run, spec, store, output)
