"""`liangxin serve`: the site for people."""

from __future__ import annotations

from typing import Annotated

import typer

from liangxin.api.options import key_from
from liangxin.cli import options
from liangxin.cli.terminal import stated
from liangxin.specs import Endpoint, Generation


@stated
def serve(
    store: options.StoreOption = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen (default: this machine alone).")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port to listen on.")] = 8765,
    team: Annotated[
        bool,
        typer.Option("--team", help="Everybody signs in, on this machine too (else: one user, no account)."),
    ] = False,
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url", metavar="URL", help="How people reach the site through a proxy; implies --team."
        ),
    ] = None,
    reset: Annotated[
        str | None,
        typer.Option("--reset", metavar="NAME", help="Print a link with which NAME sets a new password."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="SPEC", help="A model on offer for red teaming; may be repeated."),
    ] = None,
    benchmarks: Annotated[
        list[str] | None,
        typer.Option(
            "--benchmark",
            metavar="NAME",
            help="Whose categories and levels red teaming uses; may be repeated.",
        ),
    ] = None,
    judge: Annotated[
        str, typer.Option("--judge", metavar="SPEC", help="Who rules on an attack after it is handed in.")
    ] = "rule",
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="The models' endpoint, with its /v1.")
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            "--api-key-env", metavar="NAME", help="Environment variable that holds the models' key."
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0.0, help="Sampling temperature.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Token limit of an answer.")
    ] = 1024,
    system: Annotated[str | None, typer.Option("--system", metavar="TEXT", help="System prompt.")] = None,
    judge_base_url: options.JudgeBaseUrl = None,
    judge_api_key_env: options.JudgeKeyEnv = None,
) -> None:
    """Open the site: browse runs, annotate, adjudicate, attack models. Ctrl-C ends it."""
    from liangxin.cli.work.open_site import Opening, open_site

    endpoint = Endpoint(base_url=base_url, api_key=key_from(api_key_env))
    open_site(
        Opening(
            store=store,
            host=host,
            port=port,
            team=team,
            public_url=public_url,
            reset=reset,
            models=tuple(models or ()),
            benchmarks=tuple(benchmarks or ()),
            judge=judge,
            endpoint=endpoint,
            generation=Generation(temperature=temperature, max_tokens=max_tokens),
            system=system,
            judge_endpoint=options.judge_endpoint(
                judge_base_url, judge_api_key_env, Endpoint(timeout=120.0, retries=2, connections=8)
            ),
        )
    )
