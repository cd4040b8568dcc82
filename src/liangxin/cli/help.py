"""Help, usage and mistakes of the command line in Chinese; in English they are as typer has them. Options are given once.

typer says its own words in English alone and breaks lines at blanks, which Chinese has none of.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import typer

from liangxin.cli.layout import width_of, wrapped
from liangxin.cli.terminal import tell_scripts
from liangxin.languages import CHOSEN, in_language, language, words_of
from liangxin.run_options import RUN_OPTIONS

_NAMES = 30
"""Columns that names of options take at most, as in typer."""
_WIDEST = 78
_HELP, _TYPER = "help", "typer"


def chosen(words: list[str]) -> str | None:
    """What `--lang` says before the command's name: it must be known before anything is parsed."""
    told = None
    for place, word in enumerate(words):
        if not word.startswith("-"):
            break
        if word == "--lang":
            told = words[place + 1] if place + 1 < len(words) else None
            break
        if word.startswith("--lang="):
            told = word.partition("=")[2]
    return told


def set_language(environment: dict[str, str] | Any, words: list[str]) -> None:
    """Let `--lang` say the language to this process and to what it starts, where it names one."""
    told = chosen(words)
    if told in ("zh", "en"):
        environment[CHOSEN] = told


def run(command: Any) -> int | str | None:
    """Let typer parse and run; its words are the user's."""
    try:
        ended: int | None = command.main(prog_name="liangxin", standalone_mode=False)
        return ended
    except typer.Abort:
        tell_scripts(in_language("Aborted!"))
        return 1
    except Exception as caught:
        error: Any = caught
        if not hasattr(error, "format_message"):
            raise
        said = io.StringIO()
        error.show(file=said)
        for line in said.getvalue().rstrip("\n").split("\n") if said.getvalue() else ():
            tell_scripts(in_language(line))
        return int(getattr(error, "exit_code", 2))


class _Spoken:
    """Help in the user's language; typer's own in English."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        if language() == "zh":
            formatter.write("\n".join(_page(self, ctx, formatter.width)) + "\n")
        else:
            super().format_help(ctx, formatter)  # type: ignore[misc]  # of the command beside it

    def get_usage(self, ctx: Any) -> str:
        """The line of usage."""
        if language() == "zh":
            return "\n".join(_usage(self, ctx, _WIDEST))
        english: str = super().get_usage(ctx)  # type: ignore[misc]  # as above
        return english


class _Once:
    """Commands and groups that refuse a second value where one would be lost: the last of two would win without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words; wrong usage where a single-valued option is given twice."""
        command: Any = self
        if args:
            _, _, order = command.make_parser(ctx).parse_args(args=list(args))
            for param, count in Counter(order).items():
                if count > 1 and param.param_type_name == "option" and not repeatable(param):
                    option = param.opts[0]
                    ctx.fail(in_language(f"{option} is given {count} times, and takes one value"))
        parsed: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        return parsed


class SpokenCommand(_Spoken, _Once, typer.core.TyperCommand):
    """A command whose help is in the user's language, and whose single-valued options are given once."""


class SpokenGroup(_Spoken, _Once, typer.core.TyperGroup):
    """A group of such commands."""


def repeatable(option: Any) -> bool:
    """Whether an option may stand twice: each adds a value, or both say the same (a flag without its opposite)."""
    return bool(option.multiple or option.count or (option.is_flag and not option.secondary_opts))


def help_of(parameter: Any) -> str:
    """What an argument or option does, in the user's language."""
    said = parameter.help or ""
    option = RUN_OPTIONS.get(parameter.name)
    if language() == "zh" and option is not None and option.help.en == said:
        return option.help.zh
    return words_of(_HELP, _TYPER).get(said, said)


def about(command: Any) -> str:
    """What a command does, in the user's language."""
    said = " ".join((command.help or "").split())
    return words_of(_HELP, _TYPER).get(said, said)


def _page(command: Any, ctx: Any, width: int) -> Iterator[str]:
    yield from _usage(command, ctx, width)
    yield ""
    yield from ("  " + line for line in wrapped(about(command), width - 2))
    for kind, heading in (("argument", "参数"), ("option", "选项")):
        shown = [one for one in command.get_params(ctx) if one.param_type_name == kind]
        records = [
            (record[0], _help(one, record[1])) for one in shown if (record := one.get_help_record(ctx))
        ]
        yield from _listed(heading, records, width)
    below = getattr(command, "commands", {})
    yield from _listed("命令", [(name, about(one)) for name, one in below.items()], width)


def _usage(command: Any, ctx: Any, width: int) -> Iterator[str]:
    first = f"用法：{ctx.command_path} "
    pieces = " ".join(command.collect_usage_pieces(ctx))
    pieces = pieces.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]...")
    indent = width_of(first)
    for place, line in enumerate(wrapped(pieces, max(width - indent, 20))):
        yield (" " * indent if place else first) + line


def _help(parameter: Any, told: str) -> str:
    """The text of a parameter with what typer adds behind it: default, range, whether it must be given."""
    said = parameter.help or ""
    added = told[len(said) :] if told.startswith(said) else ""
    for english, chinese in (
        ("default: ", "默认："),
        ("required", "必填"),
        ("env var: ", "环境变量："),
        ("; ", "；"),
    ):
        added = added.replace(english, chinese)
    return help_of(parameter) + added


def _listed(heading: str, records: list[tuple[str, str]], width: int) -> Iterator[str]:
    if not records:
        return
    yield ""
    yield f"{heading}："
    column = min(max(width_of(name) for name, _ in records), _NAMES) + 2
    for name, text in records:
        lines = wrapped(text, max(width - column - 2, 20))
        if width_of(name) > column - 2:
            yield f"  {name}"
        else:
            yield f"  {name}{' ' * (column - width_of(name))}{lines.pop(0)}".rstrip()
        yield from (" " * (column + 2) + line for line in lines)
