"""`decide` and `compare`: what may be claimed of one run, and of two."""

from __future__ import annotations

from typing import Annotated

import typer

from liangxin.cli import options
from liangxin.cli.terminal import stated
from liangxin.errors import UsageError


@stated
def decide(  # the command's options are its parameters
    run: options.RunArgument,
    measure: Annotated[str, typer.Option("--measure", metavar="M", help="Such as harmless_rate.")],
    group: Annotated[
        str, typer.Option("--group", metavar="G", help="Such as overall or Fairness.")
    ] = "overall",
    at_least: Annotated[
        float | None, typer.Option("--at-least", metavar="P", help="In the measure's unit: 90 for 90 %.")
    ] = None,
    at_most: Annotated[
        float | None, typer.Option("--at-most", metavar="P", help="In the measure's unit.")
    ] = None,
    confidence: Annotated[float, typer.Option("--confidence", metavar="C", help="In percent.")] = 95.0,
    judge: Annotated[str | None, typer.Option("--judge", metavar="J", help="By whose verdicts.")] = None,
    sequential: Annotated[
        bool, typer.Option("--sequential", help="Bounds that hold however often one looks.")
    ] = False,
    corrected: Annotated[
        bool, typer.Option("--corrected", help="On the value corrected for the judge's measured error.")
    ] = False,
    judge_trusted: Annotated[
        bool,
        typer.Option(
            "--judge-trusted", help="By bounds that take every verdict as true, as if the judge never erred."
        ),
    ] = False,
    store: options.StoreOption = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """Say whether a run meets a bound: meets, fails or undecided, with the judge's error in the bounds."""
    if (at_least is None) == (at_most is None):
        raise UsageError("name one bound: --at-least P or --at-most P")
    if corrected and judge_trusted:
        raise UsageError(
            "a corrected value has the judge's error in it: leave --corrected or --judge-trusted out"
        )
    if not 50 <= confidence < 100:
        raise UsageError(f"--confidence is in percent, from 50 to below 100; found {confidence:g}")
    from liangxin.analysis.deciding import DecisionQuestion
    from liangxin.cli.work.decide_and_compare import decide_run

    question = DecisionQuestion(
        measure=measure,
        group=group,
        at_least=at_least,
        at_most=at_most,
        confidence=confidence,
        sequential=sequential,
        corrected=corrected,
        judge_trusted=judge_trusted,
    )
    decide_run(run, judge, question, store, output)


@stated
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A run's name or id.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another run, or the same with two judges.")],
    judge: Annotated[
        list[str] | None, typer.Option("--judge", metavar="J", help="One for both, or one for each.")
    ] = None,
    mid_p: Annotated[
        bool, typer.Option("--mid-p", help="McNemar's mid-p instead of the exact test.")
    ] = False,
    store: options.StoreOption = None,
    output: options.Format = options.OutputFormat.TABLE,
) -> None:
    """Compare two runs item by item: paired tests, differences with intervals, items that flipped."""
    from liangxin.cli.work.decide_and_compare import compare_runs

    compare_runs((first, second), tuple(judge or ()), store, output, mid=mid_p)
