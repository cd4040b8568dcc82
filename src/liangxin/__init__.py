"""Liangxin (量心): measure the values and the safety of Chinese large language models.

    result = liangxin.run("flames", model="openai:qwen-plus", judge="llm:openai:qwen-max")
    result.scores                   # a polars frame: value, interval, n, what is missing and why
    result.report("report.html")

Everything here is imported when it is first used; `import liangxin` itself loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liangxin.api.function import FunctionModel
    from liangxin.api.listing import list_benchmarks, list_judges, list_models, list_runs
    from liangxin.api.measuring import load, run
    from liangxin.api.options import JudgeOptions, RunOptions
    from liangxin.api.result import Result, write_report
    from liangxin.api.run_life import archive_run, delete_run, leaderboard, pin_run, rename_run
    from liangxin.errors import (
        AccessDenied,
        DataError,
        JudgeError,
        LiangxinError,
        ModelError,
        StoreError,
        UnknownName,
        UnknownRun,
        UsageError,
    )
    from liangxin.models.base import ChatModel
    from liangxin.records import Message, Reply, ReplyStatus

__version__ = "0.1.0"

__all__ = [
    "AccessDenied",
    "ChatModel",
    "DataError",
    "FunctionModel",
    "JudgeError",
    "JudgeOptions",
    "LiangxinError",
    "Message",
    "ModelError",
    "Reply",
    "ReplyStatus",
    "Result",
    "RunOptions",
    "StoreError",
    "UnknownName",
    "UnknownRun",
    "UsageError",
    "__version__",
    "archive_run",
    "delete_run",
    "leaderboard",
    "list_benchmarks",
    "list_judges",
    "list_models",
    "list_runs",
    "load",
    "pin_run",
    "rename_run",
    "run",
    "write_report",
]

_HOMES = {
    "liangxin.api.function": ("FunctionModel",),
    "liangxin.api.listing": ("list_benchmarks", "list_judges", "list_models", "list_runs"),
    "liangxin.api.measuring": ("load", "run"),
    "liangxin.api.options": ("JudgeOptions", "RunOptions"),
    "liangxin.api.result": ("Result", "write_report"),
    "liangxin.api.run_life": ("archive_run", "delete_run", "leaderboard", "pin_run", "rename_run"),
    "liangxin.errors": (
        "AccessDenied",
        "DataError",
        "JudgeError",
        "LiangxinError",
        "ModelError",
        "StoreError",
        "UnknownName",
        "UnknownRun",
        "UsageError",
    ),
    "liangxin.models.base": ("ChatModel",),
    "liangxin.records": ("Message", "Reply", "ReplyStatus"),
}


if not TYPE_CHECKING:  # else a misspelled name would be an object to a type checker

    def __getattr__(name: str) -> object:
        home = next((module for module, names in _HOMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module 'liangxin' has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
