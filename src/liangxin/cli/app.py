"""The table of commands."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from liangxin.cli import decide, judge, listing, plan, run, runs, scorer, serve, stored, validate
from liangxin.cli.help import SpokenCommand, SpokenGroup


class Speech(StrEnum):
    """The languages of the command line."""

    ZH = "zh"
    EN = "en"


def _version(asked: bool) -> None:
    if asked:
        from liangxin import __version__

        typer.echo(f"liangxin {__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    lang: Annotated[
        Speech | None,
        typer.Option(
            "--lang", help="Chinese (zh) or English (en); default: by LANGUAGE, LC_ALL, LC_MESSAGES, LANG."
        ),
    ] = None,
) -> None:
    """量心 Liangxin: measure the values and the safety of Chinese large language models."""


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        cls=SpokenGroup,
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_main)
    commands = (
        run.run,
        judge.judge,
        stored.scores,
        stored.report,
        serve.serve,
        stored.export,
        validate.validate,
        decide.decide,
        decide.compare,
        plan.leaderboard,
        plan.sample,
        plan.plan,
        listing.models,
        listing.judges,
        listing.benchmarks,
        listing.check,
    )
    for command in commands:
        app.command(cls=SpokenCommand)(command)
    app.command("import", cls=SpokenCommand)(stored.import_)
    app.add_typer(runs.build(), name="runs")
    app.add_typer(scorer.build(), name="scorer")
    # Short for `runs rename`, `runs archive` and `runs delete`.
    for short in (runs.rename, runs.archive, runs.delete):
        app.command(hidden=True, cls=SpokenCommand)(short)
    return app
