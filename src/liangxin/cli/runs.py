"""`liangxin runs`: the runs in the store, and what becomes of one: renamed, archived, pinned, deleted."""

from __future__ import annotations

from typing import Annotated

import typer

from liangxin.cli import options
from liangxin.cli.help import SpokenCommand, SpokenGroup
from liangxin.cli.terminal import stated
from liangxin.errors import UsageError

Several = Annotated[list[str], typer.Argument(metavar="RUN...", help="One or several runs, by name or id.")]


@stated
def runs(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="The archived ones too.")] = False,
    store: options.StoreOption = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """The runs in the store: the pinned first, then the newest. Rename, archive, pin or delete one."""
    if ctx.invoked_subcommand is not None:
        if every or store is not None or output is not options.OutputFormat.TABLE:
            raise UsageError(
                f"options stand behind the command: liangxin runs {ctx.invoked_subcommand} RUN --store URL"
            )
        return
    from liangxin.cli.work.run_life import list_runs

    list_runs(store, output, every=every)


@stated
def show(
    run: options.RunArgument,
    store: options.StoreOption = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """One run: what it is, and what hangs on it."""
    from liangxin.cli.work.run_life import show_run

    show_run(run, store, output)


@stated
def rename(
    run: options.RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name, which no other run has.")],
    store: options.StoreOption = None,
) -> None:
    """Give a run another name; its id and all that is stored stay."""
    from liangxin.cli.work.run_life import rename_one

    rename_one(run, name, store)


@stated
def archive(run: Several, store: options.StoreOption = None) -> None:
    """Hide runs from lists and boards; nothing is deleted, and `--all` shows them."""
    from liangxin.cli.work.run_life import change

    change(run, "archive", store)


@stated
def unarchive(run: Several, store: options.StoreOption = None) -> None:
    """Take archived runs back into lists and boards."""
    from liangxin.cli.work.run_life import change

    change(run, "unarchive", store)


@stated
def pin(run: Several, store: options.StoreOption = None) -> None:
    """Put runs first in lists."""
    from liangxin.cli.work.run_life import change

    change(run, "pin", store)


@stated
def unpin(run: Several, store: options.StoreOption = None) -> None:
    """Take pinned runs back to their place by date."""
    from liangxin.cli.work.run_life import change

    change(run, "unpin", store)


@stated
def delete(
    run: Several,
    yes: Annotated[
        bool, typer.Option("--yes", help="Without asking; needed where nobody is at a terminal.")
    ] = False,
    store: options.StoreOption = None,
) -> None:
    """Delete runs with all that hangs on them: answers, verdicts, labels, annotators' tasks. Nothing is kept."""
    from liangxin.cli.work.run_life import delete_several

    delete_several(run, store, yes=yes)


def build() -> typer.Typer:
    """`runs` and the commands below it."""
    app = typer.Typer(cls=SpokenGroup, invoke_without_command=True, rich_markup_mode=None)
    app.callback()(runs)
    for command in (show, rename, archive, unarchive, pin, unpin, delete):
        app.command(cls=SpokenCommand)(command)
    return app
