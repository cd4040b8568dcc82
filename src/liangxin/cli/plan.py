"""`sample`, `plan` and `leaderboard`: what to label next, how much is needed, and where the runs stand."""

from __future__ import annotations

from typing import Annotated

import typer

from liangxin.cli import options
from liangxin.cli.terminal import stated
from liangxin.errors import UsageError


@stated
def sample(
    run: options.RunArgument,
    labels: Annotated[
        int, typer.Option("--for-labels", min=1, metavar="N", help="How many answers to read.")
    ],
    output_file: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="FILE.jsonl, FILE.csv or FILE.xlsx, to be filled in; else standard output.",
        ),
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="J", help="By whose verdicts the strata are made.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another sample.")] = 0,
    simple_random: Annotated[
        bool, typer.Option("--simple-random", help="Alike from all answers, as PPI++ needs it.")
    ] = False,
    store: options.StoreOption = None,
) -> None:
    """Draw the answers that people should read next, blind: a labels file with the levels left open."""
    from liangxin.analysis.blind_sample import Wish
    from liangxin.cli.work.sample_and_plan import draw

    draw(run, judge, Wish(labels=labels, seed=seed, simple_random=simple_random), store, output_file)


@stated
def plan(  # the command's options are its parameters
    at_least: Annotated[
        float | None, typer.Option("--at-least", metavar="P", help="A claim: the rate is at least P %.")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option("--margin", metavar="M", help="An interval of at most plus or minus M points."),
    ] = None,
    difference: Annotated[
        float | None,
        typer.Option("--difference", metavar="D", help="A difference of D points between two models."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="R", help="The true rate that is supposed, in percent.")
    ] = None,
    discordant: Annotated[
        float | None,
        typer.Option(
            "--discordant",
            metavar="S",
            help="Both models on the same items: the share that differs, in percent.",
        ),
    ] = None,
    sensitivity: Annotated[
        float | None,
        typer.Option(
            "--sensitivity", metavar="SE", help="Of the good answers, how many the judge passes (%)."
        ),
    ] = None,
    specificity: Annotated[
        float | None,
        typer.Option("--specificity", metavar="SP", help="Of the bad answers, how many it fails (%)."),
    ] = None,
    items: Annotated[
        int | None, typer.Option("--items", min=1, metavar="N", help="How many answers the judge rules on.")
    ] = None,
    labels: Annotated[
        int | None, typer.Option("--labels", min=1, metavar="N", help="How many of them people read as well.")
    ] = None,
    confidence: Annotated[float, typer.Option("--confidence", metavar="C", help="In percent.")] = 95.0,
    power: Annotated[
        float | None, typer.Option("--power", metavar="W", help="In percent (default: 80).")
    ] = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """How many items or labels a claim, a margin or a difference needs."""
    for name, value in (("confidence", confidence), ("power", power)):
        if value is not None and not 50 <= value < 100:
            raise UsageError(f"--{name} is in percent, from 50 to below 100; found {value:g}")
    from liangxin.analysis.needed_sizes import PlanRequest
    from liangxin.cli.work.sample_and_plan import print_plan

    wanted = PlanRequest(
        at_least=at_least,
        margin=margin,
        difference=difference,
        rate=rate,
        discordant=discordant,
        sensitivity=sensitivity,
        specificity=specificity,
        items=items,
        labels=labels,
        confidence=confidence,
        power=power,
    )
    print_plan(wanted, output)


@stated
def leaderboard(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", help="See `liangxin benchmarks`.")],
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="J", help="Only rows by this judge.")
    ] = None,
    samples: Annotated[
        bool,
        typer.Option(
            "--samples", help="The embedded sample's runs alone, on a board of their own: no results."
        ),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="The archived runs too.")] = False,
    store: options.StoreOption = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """The runs of a benchmark with rank sets from pairwise tests, and the papers' published rows beside them."""
    from liangxin.cli.work.sample_and_plan import print_leaderboard

    print_leaderboard(benchmark, judge, store, output, samples=samples, archived=every)
