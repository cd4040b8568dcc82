"""The default scorer's card: what it is worth, what it was made of, where not to believe it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from default_scorer.bands import bands_table
from default_scorer.measuring import LeftOut, Measured
from default_scorer.parts import Parts
from default_scorer.public import GRADED_CARD
from default_scorer.shortcuts import HIGH, LOW
from liangxin.judges.scoring.predict import Scorer
from liangxin.scorer.card import figures_table
from liangxin.scorer.graded import UNSEEN_STYLE
from liangxin.scorer.graded_figures import GradedFigures

_SAID = """\
**Written, labelled and reread by a language model under our rubric. No person graded these answers, and the agreement
below is no people's.** Order, grading and regrading agree on safety in (nearly) every row: the answers are clear-cut.
Expect less on real ones, and label some of your own: `liangxin scorer train --from RUN`."""

_LIMITS = """\
- It reads characters, not meaning, one turn at a time, and Chinese only.
- It gives Flames' level 2 and SC-Safety's level 1 less often than the graders: see those heads' macro-F1.
- JADE's and AISafetyLab's answers are made by models and not labelled by people; BELLE's and GAOKAO's are taken as
  harmless. GAOKAO's are told apart by their form alone: they are trained on, and nothing is measured by them.
- It was never compared with people's grades of Flames, SC-Safety or CValues: those are not public.
- It does not rule on refusal; `rule` does."""


def default_card(scorer: Scorer, parts: Parts, found: Measured) -> str:
    """The card in Markdown."""
    settings = scorer.settings
    training = settings.training
    sets = "\n".join(
        f"- {name}: {about['origin']}. Licence {about['licence']}. "
        + "; ".join(f"`{file}` sha256 {digest}" for file, digest in about["sha256"].items())
        for name, about in training["sets"].items()
    )
    silence = settings.options["silence"]
    held = found.held_out
    return f"""\
# Scorer `default`

Heads: safe or unsafe; SC-Safety's 0, 1, 2; Flames' 3, 2, 1 by dimension (3 and 1 for Legality and Data protection); all
from one reading of prompt and answer. Made by `make scorer`.

{_SAID}

## Ranking within a prompt

Held-out topics; the first line counts pairs with an answer in the held-out style ({UNSEEN_STYLE}) too. The test part was
looked at {found.looks} times (`looks.jsonl`; trials with another draw of topics count).

{_ranking_table(held)}

## Held-out answers by source and length

{len(parts.test) + len(parts.further)} answers; it abstained on {held.abstained}. Calibration error: expected, over ten bins.

{figures_table(held.figures)}

The same on prompts of our own alone (`liangxin scorer evaluate` without `LIANGXIN_DATA`):

{_ranking_table(found.own_prompts)}

{figures_table(found.own_prompts.figures)}

Hand-written pairs of an earlier release, none of them in training:

{figures_table(found.pairs)}

## Public sets, held-out prompts

{_left_out_table(found.public, "source")}

## Baselines

Fitted on the same rows; held-out topics, hostile part. The scorer there: accuracy {found.beaten["default scorer"][0]:.3f}, ranking
within a prompt {found.beaten["default scorer"][1]}.

{_baselines(found)}

## False alarms on ordinary answers, each kind of task left out of training in turn

The worst kind is the figure: **{_worst(found.kinds)}**. The topics that are held out anyway ({_held_kinds(parts)}) stand above.

{_left_out_table(found.kinds, "kind left out")}

## Every labelled source left out of training in turn

{_left_out_table(found.sources, "source left out")}

The judge band there: the safe rate of that source by a scorer that learnt nothing of it, with the errors measured on the
held-out answers of the others. No source is added or dropped after this table was seen.

{bands_table(found.bands)}

## Learning curve

Reading `harm` alone, trained on so many graded answers; held-out topics, hostile part.

| graded answers | ranking within a prompt | AUC |
|---|---|---|
{_curve(found)}

## The graded set

{_agreement()}

Shortcuts inside the hostile part, AUC for safe (wanted: {LOW} to {HIGH}): {_shortcuts(found)}. Greatest overlap of two answers'
character 5-grams: {found.overlap:.2f} (wanted: under 0.5).

## Data

- our own: `{training["graded"]["file"]}` sha256 {training["graded"]["sha256"]}, {training["graded"]["rows"]} answers in training. Licence Apache-2.0.
{sets}

Weights of a row by source, fixed before the test part was opened: in the reading of harm {_weights(training["weights"])}; in the
heads' regressions {_weights(training["threshold_weights"])}. The heads, and with them the threshold and the calibration, were
fitted on answers whose style and topic the readings had not learnt from. The texts of the public sets are not in the package.

## When it abstains

Under {silence["content"]} letters; loops (under {silence["repeated"]:.0%} of an answer's character 4-grams differ); under 30 % Chinese letters; over
{silence["unknown"]:.1%} of the answer's character pairs unseen in training (99 % of answers to unseen topics stay under that).

## Limits

{_LIMITS}

## Licence

Apache-2.0. The weights were computed from sets under MIT, ODC-By 1.0 (BELLE) and Apache-2.0; AISafetyLab's README asks for
research purposes.
"""


def _ranking_table(found: GradedFigures) -> str:
    """The ranking within a prompt in Markdown."""
    lines = ["| ranking within a prompt | pairs | the safe answer ranks higher |", "|---|---|---|"]
    lines += [f"| {source} | {pairs} | {figure} |" for source, (figure, pairs) in found.ranking.items()]
    return "\n".join(lines)


def _left_out_table(rows: Sequence[LeftOut], heading: str) -> str:
    lines = [
        f"| {heading} | n | safe answers called unsafe | unsafe answers called safe | AUC |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.n} | {_percent(row.safe_wrong)} | {_percent(row.unsafe_wrong)} | "
        f"{'–' if row.auc is None else f'{row.auc:.3f}'} |"
        for row in rows
    ]
    return "\n".join(lines)


def _baselines(found: Measured) -> str:
    lines = [
        "| judge | accuracy | ranking within a prompt | the scorer's gain in accuracy |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {accuracy:.3f} | {rank} | {gain} |"
        for name, (accuracy, rank, gain) in found.beaten.items()
        if name != "default scorer"
    ]
    return "\n".join(lines)


def _worst(kinds: Sequence[LeftOut]) -> str:
    worst = max(kinds, key=lambda one: one.safe_wrong or 0.0)
    return f"{_percent(worst.safe_wrong)} ({worst.name})"


def _held_kinds(parts: Parts) -> str:
    return ", ".join(sorted({row.task for row in parts.test if row.task}))


def _curve(found: Measured) -> str:
    return "\n".join(f"| {size} | {rank} | {area:.3f} |" for size, (rank, area) in found.curve.items())


def _agreement() -> str:
    card: dict[str, Any] = json.loads(GRADED_CARD.read_text(encoding="utf-8"))
    agreed, ordered = card["order and first grading agree on safety"]
    lines = [
        (
            f"{card['written']} answers written, {card['kept']} kept: disputed ones (safety or Flames level) and prompts that a grader "
            f"threw out are gone. The first grading agrees with the order in {agreed} of {ordered}. Cohen's kappa of the two blind gradings:"
        ),
        "",
        "| part | field | n | kappa | by level |",
        "|---|---|---|---|---|",
    ]
    for part, fields in card["agreement"].items():
        for field, one in fields.items():
            levels = ", ".join(f"{level} {value}" for level, value in one["by level"].items())
            lines.append(f"| {part} | {field} | {one['n']} | {one['kappa']} | {levels} |")
    return "\n".join(lines)


def _shortcuts(found: Measured) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in found.shortcuts.items())


def _weights(weights: dict[str, float]) -> str:
    return ", ".join(f"{name} {weight:g}" for name, weight in weights.items() if weight)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
