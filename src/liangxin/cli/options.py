"""Options that several commands share, and how they become settings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from liangxin.api.options import judge_endpoint as own_endpoint
from liangxin.api.options import key_from
from liangxin.run_options import RUN_OPTIONS
from liangxin.specs import Endpoint


def option(name: str) -> Any:
    """One of a run's options as typer takes it: flag, range and help are those of `liangxin.run_options`."""
    found = RUN_OPTIONS[name]
    return typer.Option(found.flag, min=found.low, max=found.high, metavar=found.metavar, help=found.help.en)


StoreOption = Annotated[str | None, option("store")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or id.")]
JudgeBaseUrl = Annotated[str | None, option("judge_base_url")]
JudgeKeyEnv = Annotated[str | None, option("judge_api_key_env")]
JudgeTemperature = Annotated[float, option("judge_temperature")]
JudgeMaxTokens = Annotated[int | None, option("judge_max_tokens")]
Connections = Annotated[int, option("connections")]
Timeout = Annotated[float, option("timeout")]
Retries = Annotated[int, option("retries")]
Wait = Annotated[bool, option("wait")]
Refusal = Annotated[bool, option("refusal")]


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
