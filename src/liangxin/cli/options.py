"""Options that several commands share, and how they become settings."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from liangxin.api.options import judge_endpoint as own_endpoint
from liangxin.api.options import key_from
from liangxin.request_fields import checked_marks, read_fields
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
JudgeConnections = Annotated[int | None, option("judge_connections")]
Rpm = Annotated[int | None, option("rpm")]
Tpm = Annotated[int | None, option("tpm")]
Timeout = Annotated[float, option("timeout")]
Retries = Annotated[int, option("retries")]
JudgeBody = Annotated[list[str] | None, option("judge_body")]
JudgeStream = Annotated[bool, option("judge_stream")]
JudgeMarks = Annotated[tuple[str, str] | None, option("judge_reasoning_marks")]
GiveUp = Annotated[float, option("give_up")]
Wait = Annotated[bool, option("wait")]
Prices = Annotated[str | None, option("prices")]
MaxRequests = Annotated[int | None, option("max_requests")]
MaxTokensTotal = Annotated[int | None, option("max_tokens_total")]
MaxCost = Annotated[float | None, option("max_cost")]
Cache = Annotated[bool, option("cache")]
Refusal = Annotated[bool, option("refusal")]


class OutputFormat(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


Format = Annotated[OutputFormat, typer.Option("--format", help="table, or one JSON object a line.")]


def judge_endpoint(
    base_url: str | None,
    key_env: str | None,
    patience: Endpoint,
    body: list[str] | None = None,
    stream: bool = False,
    marks: tuple[str, str] | None = None,
) -> Endpoint:
    """The judge's own endpoint: its options, else its environment variables; nothing of the model's.

    Args:
        patience: where timeout, retries, connections and rates are taken from.

    Raises:
        UsageError: the key's variable is not set, or a field or a mark is none.
    """
    asked = replace(
        patience,
        body=read_fields(body or (), "--judge-body"),
        stream=stream,
        reasoning_marks=checked_marks(marks, "--judge-reasoning-marks"),
    )
    return own_endpoint(base_url, key_from(key_env), asked)
