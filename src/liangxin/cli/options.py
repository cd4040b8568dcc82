"""Options that several commands share, and how they become settings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from liangxin.api.options import judge_endpoint as own_endpoint
from liangxin.api.options import key_from
from liangxin.specs import Endpoint

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="The run store: a file or postgresql+psycopg://… (default: LIANGXIN_STORE, else liangxin.db).",
    ),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or id.")]
JudgeBaseUrl = Annotated[
    str | None, typer.Option("--judge-base-url", metavar="URL", help="The judge's endpoint, with its /v1.")
]
JudgeKeyEnv = Annotated[
    str | None,
    typer.Option(
        "--judge-api-key-env", metavar="NAME", help="Environment variable that holds the judge's key."
    ),
]
JudgeTemperature = Annotated[
    float, typer.Option("--judge-temperature", min=0.0, help="An LLM judge's temperature.")
]
JudgeMaxTokens = Annotated[
    int | None, typer.Option("--judge-max-tokens", min=1, help="An LLM judge's token limit.")
]
Connections = Annotated[
    int, typer.Option("--connections", min=1, max=4096, help="Requests under way at once.")
]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, metavar="S", help="Seconds for one attempt.")]
Retries = Annotated[int, typer.Option("--retries", min=0, max=100, help="Attempts after the first.")]
Refusal = Annotated[
    bool,
    typer.Option("--refusal", help="Let an LLM judge rule on refusal (拒答) too, in a request of its own."),
]


class OutputFormat(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


Format = Annotated[OutputFormat, typer.Option("--format", help="table, or one JSON object a line.")]


def judge_endpoint(
    base_url: str | None, key_env: str | None, *, timeout: float, retries: int, connections: int
) -> Endpoint:
    """The judge's own endpoint: its options, else its environment variables; nothing of the model's."""
    patience = Endpoint(timeout=timeout, retries=retries, connections=connections)
    return own_endpoint(base_url, key_from(key_env), patience)
