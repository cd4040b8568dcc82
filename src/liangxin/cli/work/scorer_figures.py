"""A scorer's figures as tables in the terminal; cards have them in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.cli.terminal import plain_table, put_table, say
from liangxin.scorer.graded_figures import GradedFigures
from liangxin.scorer.metrics import FALSE_ALARMS, HeadFigures


def put_ranking(found: GradedFigures) -> None:
    """The ranking within a prompt."""
    table = plain_table("ranking within a prompt", "pairs", "the safe answer ranks higher", right=(1,))
    for source, (figure, pairs) in found.ranking.items():
        table.add_row(source, str(pairs), str(figure))
    put_table(table)
    say("")


def put_figures(found: Sequence[HeadFigures]) -> None:
    """A line for each head and source; intervals are 95 %."""
    alarms = (f"recall of worst at {share:.0%} false alarms" for share in FALSE_ALARMS)
    table = plain_table(
        "head", "source", "n", "accuracy", "macro-F1", "AUC", "calibration error", *alarms, right=(2,)
    )
    for one in found:
        table.add_row(
            one.head,
            one.source or "–",
            str(one.n),
            *(str(figure) for figure in (one.accuracy, one.macro_f1)),
            "–" if one.auc is None else str(one.auc),
            str(one.calibration_error),
            *("–" if figure is None else str(figure) for figure in one.recall),
        )
    put_table(table)
    say("")
