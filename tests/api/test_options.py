"""The options are the command line's: the same names, defaults and ranges; mistakes are one clear sentence."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import typer

import liangxin
from liangxin.api.options import JUDGE_DEFAULTS, RUN_DEFAULTS, JudgeOptions, RunOptions
from liangxin.cli.app import build

ONLY_IN_PYTHON = {"api_key", "judge_api_key", "progress"}
"""A key on a command line would be seen by others; there progress is always shown."""
ONLY_ON_THE_COMMAND_LINE = {"benchmarks", "model", "output", "help", "run", "judges"}


def command(name: str) -> dict[str, Any]:
    group = typer.main.get_command(build())
    found = getattr(group, "commands")[name]  # noqa: B009  a Group, which typer does not say
    return {one.name: one for one in found.params}


@pytest.mark.parametrize(
    ("name", "defaults"), [("run", RUN_DEFAULTS), ("judge", {**JUDGE_DEFAULTS, "store": None})]
)
def test_names_and_defaults_are_the_command_lines(name: str, defaults: dict[str, object]) -> None:
    options = command(name)
    assert set(options) - ONLY_ON_THE_COMMAND_LINE == set(defaults) - ONLY_IN_PYTHON
    assert {key: options[key].default for key in set(options) & set(defaults)} == {
        key: value for key, value in defaults.items() if key in options
    }


def test_ranges_are_the_command_lines() -> None:
    told = {name: (one.min, one.max) for name, one in command("run").items() if one.min is not None}
    assert told == {
        "limit": (1, None),
        "max_requests": (1, None),
        "max_tokens_total": (1, None),
        "max_cost": (0.0, None),
        "seed": (0, None),
        "trials": (1, 1000),
        "connections": (1, 4096),
        "temperature": (0.0, None),
        "max_tokens": (1, None),
        "timeout": (0.1, None),
        "retries": (0, 100),
        "give_up": (0.0, None),
        "judge_temperature": (0.0, None),
        "judge_max_tokens": (1, None),
        "judge_connections": (1, 4096),
        "rpm": (1, None),
        "tpm": (1, None),
    }


def test_every_option_has_a_default_and_is_spelled_out() -> None:
    assert set(RunOptions.__annotations__) == set(RUN_DEFAULTS)
    assert set(JudgeOptions.__annotations__) == set(JUDGE_DEFAULTS)
    assert set(inspect.signature(liangxin.run).parameters) == {"benchmarks", "model", *RUN_DEFAULTS}
    assert set(JUDGE_DEFAULTS) < set(inspect.signature(liangxin.Result.judge).parameters)


def test_an_unknown_option_is_a_type_error_with_a_suggestion() -> None:
    with pytest.raises(TypeError, match=r"no option 'max_token'\. Did you mean 'max_tokens'"):
        liangxin.run("flames", model="replay:x", max_token=3)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("limit", 0),
        ("limit", 2.5),
        ("limit", True),
        ("limit", "10"),
        ("seed", -1),
        ("trials", 1001),
        ("connections", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("timeout", 0),
        ("retries", 101),
        ("choose_by", "guess"),
    ],
)
def test_a_value_out_of_range_is_a_usage_error(option: str, value: object) -> None:
    options: Any = {option: value}
    with pytest.raises(liangxin.UsageError, match=f"^{option}: found"):
        liangxin.run("flames", model="replay:x", **options)
