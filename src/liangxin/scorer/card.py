"""A scorer's card in Markdown: data and hashes, split, figures, limits, licence."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.scorer.metrics import FALSE_ALARMS, HeadFigures
from liangxin.scorer.train import Trained

_SHOWN = 50

LIMITS = (
    "It reads short pieces of text, not meaning: irony, quotation and context beyond the one prompt are lost on it.",
    "Its error was measured on the sources above: elsewhere label a few answers and run `liangxin scorer evaluate` first.",
    "It never replaces people where a single answer matters.",
)


def card(trained: Trained) -> str:
    """The card of a scorer that a user trained."""
    settings, split = trained.settings, trained.split
    training = settings.training
    parts = [
        f"# Scorer {settings.name}",
        f"Backbone: {settings.backbone}, {dict(settings.options)}.",
        "## Heads\n\n"
        + "\n".join(
            f"- {head.name}: {', '.join(head.levels)} (worst first); temperature {head.temperature:g}"
            + (
                f"; abstains below {head.abstain.threshold:.3f} (risk {head.abstain.risk:g}, {head.abstain.labels} labels)"
                if head.abstain
                else ""
            )
            for head in settings.heads
        ),
        "## Data\n\n" + "\n".join(f"- {key}: {value}" for key, value in sorted(training.items())),
        f"## Split\n\nBy {training.get('split')}: {len(split.sides[0])} training, {len(split.sides[1])} calibration, "
        f"{len(split.sides[2])} test rows; {split.groups} groups.\n\n" + _near(trained),
        "## Figures on the test side\n\n" + figures_table(trained.figures),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
        "## Licence\n\nThe weights carry what the labels' licence asks for; ask whoever labelled.",
    ]
    return "\n\n".join(parts) + "\n"


def figures_table(found: Sequence[HeadFigures]) -> str:
    """Figures as a Markdown table; intervals are 95 %, `[–]` where nothing varied."""
    alarms = " | ".join(f"recall of worst at {share:.0%} false alarms" for share in FALSE_ALARMS)
    lines = [
        f"| head | source | n | accuracy | macro-F1 | AUC | calibration error | {alarms} |",
        "|---|---|---|---|---|---|---|" + "---|" * len(FALSE_ALARMS),
    ]
    for one in found:
        recall = " | ".join("–" if figure is None else str(figure) for figure in one.recall)
        lines.append(
            f"| {one.head} | {one.source or '–'} | {one.n} | {one.accuracy} | {one.macro_f1} | "
            f"{'–' if one.auc is None else one.auc} | {one.calibration_error} | {recall} |"
        )
    return "\n".join(lines)


def _near(trained: Trained) -> str:
    near = trained.split.near
    if not near:
        return "No near-duplicates between groups were found (character 5-grams, overlap 0.8)."
    lines = [
        f"{len(near)} near-duplicates between groups (character 5-grams, overlap 0.8 or more) were put on one side"
        + (f"; the first {_SHOWN}:" if len(near) > _SHOWN else ":")
    ]
    lines += [
        f"- {one.what} {trained.rows[one.first].place} ~ {trained.rows[one.second].place} ({one.overlap:.2f})"
        for one in near[:_SHOWN]
    ]
    return "\n".join(lines)
