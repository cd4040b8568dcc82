"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import typer

from liangxin.api.kinds import KindList, judge_list, model_list
from liangxin.cli.app import build
from liangxin.languages.catalogue import opened
from liangxin.run_options import RUN_OPTIONS
from sources import cell, code

STATUS = (
    ("0", "完成", "done"),
    ("1", "一个说明了的错误（消息在标准错误，没有回溯）", "a stated failure (its message on standard error, no traceback)"),
    ("1", "结果没有送达：标准输出已关闭、已满或读者已走（`| head`）；该做的已做完并入库。标准错误没有了不改变状态", "the result was not delivered: standard output closed, full, or its reader gone (`| head`); the work is done and stored. A standard error that is gone changes no status"),
    ("2", "用法不对", "wrong usage"),
    ("3", "已完成，但有回答或裁决失败；同一命令只重试这些", "finished, but some replies or verdicts failed; the same command asks only those again"),
    ("130", "被 Ctrl-C 或 SIGTERM 中断；已回答的都在库里", "interrupted by Ctrl-C or SIGTERM; what was answered is stored"),
)  # fmt: skip


def commands() -> dict[str, Any]:
    """Every command by its name, as typer (click) holds it."""
    group: Any = typer.main.get_command(build())
    found: dict[str, Any] = group.commands
    return found


def commands_page(language: str) -> str:
    """The whole reference."""
    zh = language == "zh"
    parts = [
        "# 命令行" if zh else "# Command line",
        "本页由命令本身生成；`liangxin 命令 --help` 显示同样的选项。每个命令都接受 `--store`（默认 `LIANGXIN_STORE`，否则当前目录的 `liangxin.db`），只列清单的除外。"
        if zh
        else "This page is made from the commands themselves; `liangxin COMMAND --help` shows the same options.",
        *(_command(name, command, zh) for name, command in commands().items()),
        _specs("模型 SPEC" if zh else "Model SPEC", "model-spec", model_list(), zh),
        _specs("评审 SPEC" if zh else "Judge SPEC", "judge-spec", judge_list(), zh),
        _status(zh),
    ]
    return "\n\n".join(parts) + "\n"


def words(said: str | None, zh: bool) -> str:
    """A text of help in the page's language."""
    english = " ".join((said or "").split())
    return opened("zh", "help").fixed.get(english, english) if zh else english


def _command(name: str, command: Any, zh: bool) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    usage = " ".join(["liangxin", name, *(one.metavar or one.name.upper() for one in arguments), "[OPTIONS]"])
    lines = [
        f"## `{name}` {{#{name}}}",
        "",
        words(command.help, zh),
        "",
        f"```text\n{usage}\n```",
        "",
    ]
    lines += ["| 选项 | 说明 | 默认 |" if zh else "| option | what it does | default |", "|---|---|---|"]
    lines += [_row(one, f"`{one.metavar or one.name.upper()}`", zh) for one in arguments]
    lines += [_row(one, _spelled(one), zh) for one in options]
    return "\n".join(lines)


def _row(one: Any, spelled: str, zh: bool) -> str:
    option = RUN_OPTIONS.get(one.name)
    said = option.help.zh if zh and option is not None and option.help.en == one.help else words(one.help, zh)
    return f"| {spelled} | {cell(said + _range(one, zh))} | {_default(one, zh)} |"


def _spelled(one: Any) -> str:
    if one.is_flag:
        return f"`{one.opts[0]}`"
    kind = one.type_descriptor.annotation
    members = getattr(kind, "__members__", {}).values()
    choices = get_args(kind) if get_origin(kind) is Literal else [str(member.value) for member in members]
    value = "|".join(choices) if choices else one.metavar
    value = value or {int: "N", float: "X"}.get(kind, "TEXT")
    return code(f"{one.opts[0]} {value}")


def _range(one: Any, zh: bool) -> str:
    if one.min is None:
        return ""
    ends = f"≥ {one.min:g}" if one.max is None else f"{one.min:g}–{one.max:g}"
    return f"（{ends}）" if zh else f" ({ends})"


def _default(one: Any, zh: bool) -> str:
    if one.required:
        return "必填" if zh else "required"
    if one.default is None or one.default is False or one.default == ():
        return "—"
    value = getattr(one.default, "value", one.default)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _specs(title: str, anchor: str, found: KindList, zh: bool) -> str:
    lines = [
        f"## {title} {{#{anchor}}}",
        "",
        "| SPEC | 是什么 |" if zh else "| SPEC | what it is |",
        "|---|---|",
    ]
    # What happens to be installed where the pages are made is none of their business.
    lines += [
        f"| {code(one.spec)} | {cell(f'{one.zh}：{one.en}' if zh else one.en)} |"
        for one in found.lines
        if not one.package
    ]
    return "\n".join(lines)


def _status(zh: bool) -> str:
    lines = ["## 退出状态 {#exit-status}" if zh else "## Exit status {#exit-status}", ""]
    lines += ["| 状态 | 含义 |" if zh else "| status | meaning |", "|---|---|"]
    lines += [f"| `{number}` | {chinese if zh else english} |" for number, chinese, english in STATUS]
    return "\n".join(lines)
