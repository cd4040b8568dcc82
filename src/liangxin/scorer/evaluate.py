"""What a scorer is worth on labels it never saw, by head and by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from liangxin.errors import DataError
from liangxin.judges.scoring.predict import Scorer
from liangxin.scorer.metrics import FALSE_ALARMS, HeadFigures
from liangxin.scorer.rows import HeadSpec, Labelled, read_labels
from liangxin.scorer.train import measure

FEW = 30
"""Labels of a head and source below which the figures come with a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A scorer's figures on a label file."""

    figures: tuple[HeadFigures, ...]
    abstained: Mapping[str, int]
    """Answers it has nothing to say of, by reason; they are not in the figures."""
    withheld: Mapping[str, tuple[int, int, int]]
    """For heads that may abstain: (answers it abstains on, answers it rules on, of these wrong)."""
    notices: tuple[str, ...]


def evaluate(scorer: Scorer, path: str) -> Evaluation:
    """Measure a scorer on a label file.

    Raises:
        DataError: the file is wrong, or a label is not on the scorer's scale.
    """
    heads = [HeadSpec(name=head.name, levels=head.levels) for head in scorer.settings.heads]
    rows, _ = read_labels(path, heads)
    reasons: Counter[str] = Counter()
    kept: list[Labelled] = []
    for row in rows:
        reason = scorer.silent(row.response)
        if reason is None:
            kept.append(row)
        else:
            reasons[reason] += 1
    if not kept:
        raise DataError(f"{path}: the scorer abstains on every answer ({'; '.join(reasons)})")
    found = tuple(measure(scorer.backbone, scorer.settings, kept))
    notices = tuple(
        f"head {one.head}, source {one.source or '–'}: {one.n} labels only; read the interval, not the value"
        for one in found
        if one.n < FEW
    )
    return Evaluation(
        figures=found, abstained=dict(reasons), withheld=_withheld(scorer, kept), notices=notices
    )


def _withheld(scorer: Scorer, rows: Sequence[Labelled]) -> dict[str, tuple[int, int, int]]:
    found: dict[str, tuple[int, int, int]] = {}
    for place, head in enumerate(scorer.settings.heads):
        mine = [row for row in rows if row.head == head.name]
        if head.abstain is None or not mine:
            continue
        probabilities = scorer.probabilities([(row.prompt, row.response) for row in mine], place)
        ruled = probabilities.max(axis=1) >= head.abstain.threshold
        chosen = probabilities.argmax(axis=1)
        wrong = sum(
            bool(rules) and head.levels[level] != row.level
            for rules, level, row in zip(ruled, chosen, mine, strict=True)
        )
        found[head.name] = (int((~ruled).sum()), int(ruled.sum()), wrong)
    return found


def evaluation_values(one: Evaluation) -> dict[str, Any]:
    """The evaluation as JSON can hold it; figures are shares in [0, 1]."""
    figures = []
    for head in one.figures:
        values = asdict(head)
        values["recall"] = {
            f"at {share:g} false alarms": value
            for share, value in zip(FALSE_ALARMS, values["recall"], strict=True)
        }
        figures.append(values)
    withheld = {
        name: dict(zip(("abstained", "ruled", "ruled and wrong"), counts, strict=True))
        for name, counts in one.withheld.items()
    }
    return {"figures": figures, "abstained": dict(one.abstained), "withheld": withheld}
