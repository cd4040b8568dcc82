"""An option that takes one value is given once: the last of two would win without a word."""

from __future__ import annotations

from collections import Counter
from typing import Any

from typer.core import TyperCommand, TyperGroup


class _Once:
    """Commands and groups that refuse a second value where one would be lost."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words; wrong usage where a single-valued option is given twice."""
        command: Any = self
        if args:
            _, _, order = command.make_parser(ctx).parse_args(args=list(args))
            for param, count in Counter(order).items():
                if count > 1 and param.param_type_name == "option" and not repeatable(param):
                    ctx.fail(f"{param.opts[0]} is given {count} times, and takes one value")
        parsed: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        return parsed


class OnceCommand(_Once, TyperCommand):
    """A command whose single-valued options are given once."""


class OnceGroup(_Once, TyperGroup):
    """A group whose single-valued options are given once."""


def repeatable(option: Any) -> bool:
    """Whether an option may stand twice: each adds a value, or both say the same (a flag without its opposite)."""
    return bool(option.multiple or option.count or (option.is_flag and not option.secondary_opts))
