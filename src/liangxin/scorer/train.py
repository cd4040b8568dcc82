"""From labels to a scorer: split, fit, calibrate on the second side, measure on the third, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from liangxin.correction.known_prompts import KnownPrompts
from liangxin.correction.sources import JudgeSource, sources_text
from liangxin.errors import LiangxinError
from liangxin.judges.scorer import SOURCES
from liangxin.judges.scoring.files import WEIGHTS, Abstain, Head, Settings, write_settings
from liangxin.judges.scoring.predict import Backbone, Scorer, softmax
from liangxin.judges.scoring.tensors import write_tensors
from liangxin.scorer.calibrate import fit_temperature
from liangxin.scorer.conformal import abstain_threshold
from liangxin.scorer.held_out import held_out
from liangxin.scorer.metrics import HeadFigures, figures
from liangxin.scorer.ngram import Examples, Fitted, Fitting, fit
from liangxin.scorer.on_base import BaseScorer, extended, trainable
from liangxin.scorer.rows import HeadSpec, Labelled, check_trainable
from liangxin.scorer.splits import By, Split, split

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARES = (0.7, 0.15, 0.15)
"""Training, calibration, test."""
_LEAST_FOR_CALIBRATION = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a scorer is to be trained."""

    name: str
    by: By = "prompt"
    seed: int = 0
    abstain: float | None = None
    """The risk (share of answers ruled on and wrong) at which heads may abstain; None: they never do."""
    fitting: Fitting = field(default_factory=Fitting)
    base: BaseScorer | None = None
    """The scorer to train on top of; None: from nothing."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the card says of the data: file, sha256, licence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A scorer that is not written yet, and what it is worth."""

    settings: Settings
    fitted: Fitted | None
    """None for another backbone than `ngram`, which writes itself."""
    figures: tuple[HeadFigures, ...]
    """On the test side, by head and source."""
    split: Split
    rows: Sequence[Labelled]
    notices: tuple[str, ...]
    sources: tuple[JudgeSource, ...] = ()
    """Its error on the test side, by head and source, for the judge band."""
    trained: KnownPrompts = KnownPrompts()
    """The prompts that it was trained on, its base's too."""
    known: NDArray[np.uint8] | None = None
    """The character pairs that it knows, where it abstains by them."""


def train(rows: Sequence[Labelled], heads: Sequence[HeadSpec], plan: Plan) -> Trained:
    """Train an `ngram` scorer.

    Raises:
        DataError: too few labels, one level only, a split that cannot be made, too few labels to abstain by.
        LiangxinError: scikit-learn is not installed.
    """
    base = plan.base
    said: list[str] = []
    if base is not None:
        rows, heads, said = trainable(rows, heads, base)
    check_trainable(rows, heads)
    sides = split(rows, plan.by, SHARES, plan.seed)
    learn, calibration, test = sides.sides
    fitting = plan.fitting if base is None else replace(plan.fitting, base=base.readings)
    fitted = fit(examples([rows[at] for at in learn], heads), [len(head.levels) for head in heads], fitting)
    made, notices = calibrated(fitted.backbone(), [rows[at] for at in calibration], heads, plan.abstain)
    if base is not None:
        fitted, made = extended(fitted, made, base)
    settings = Settings(
        name=plan.name,
        backbone="ngram",
        heads=made,
        options=_options(fitted, base),
        chinese=mostly_chinese(rows),
        training={
            "split": plan.by,
            "seed": plan.seed,
            "rows": [len(side) for side in sides.sides],
            "strength": fitting.strength if fitting.base is None else fitting.base.strength,
            "balanced": fitting.balanced,
            **({} if base is None else {"base": base.about()}),
            **plan.data,
        },
    )
    trained = trained_prompts(rows, sides) | (KnownPrompts() if base is None else base.trained)
    scorer = Scorer(
        folder=Path(),
        settings=settings,
        weights_sha256="",
        backbone=fitted.backbone(),
        silence=None if base is None else base.silence,
        known=None if base is None else base.known_with(rows[at].response for at in learn),
    )
    return Trained(
        settings=settings,
        fitted=fitted,
        figures=tuple(measure(scorer.backbone, settings, [rows[at] for at in test])),
        split=sides,
        rows=rows,
        notices=(*said, *notices),
        sources=held_out(scorer, rows, test, trained),
        trained=trained,
        known=scorer.known,
    )


def trained_prompts(rows: Sequence[Labelled], sides: Split) -> KnownPrompts:
    """The prompts of training and calibration."""
    *seen, _ = sides.sides
    return KnownPrompts.of(rows[at].prompt for side in seen for at in side)


def _options(fitted: Fitted, base: BaseScorer | None) -> dict[str, Any]:
    features = fitted.features
    options = {"parts": list(features.parts), "orders": list(features.orders), "bits": features.bits}
    if fitted.shared is not None:
        options |= {"least": features.least, "readings": list(fitted.shared.parts)}
    if base is not None and base.silence is not None:
        options |= {"silence": asdict(base.silence)}
    return options


def examples(rows: Sequence[Labelled], heads: Sequence[HeadSpec]) -> Examples:
    """Rows as places of heads and levels."""
    places = {head.name: at for at, head in enumerate(heads)}
    return Examples(
        pairs=[(row.prompt, row.response) for row in rows],
        heads=[places[row.head] for row in rows],
        levels=[heads[places[row.head]].levels.index(row.level) for row in rows],
    )


def calibrated(
    backbone: Backbone, rows: Sequence[Labelled], heads: Sequence[HeadSpec], risk: float | None
) -> tuple[tuple[Head, ...], list[str]]:
    """The heads with a temperature (and, if asked for, a threshold) found on held-out rows."""
    logits = _logits(backbone, rows)
    made: list[Head] = []
    notices: list[str] = []
    for place, head in enumerate(heads):
        mine = [at for at, row in enumerate(rows) if row.head == head.name]
        labels = np.array([head.levels.index(rows[at].level) for at in mine], dtype=np.int64)
        one = Head(name=head.name, levels=head.levels)
        if len(mine) < _LEAST_FOR_CALIBRATION or len(np.unique(labels)) < 2:
            notices.append(
                f"head {head.name}: {len(mine)} calibration labels are too few (or of one level); its probabilities are "
                "not calibrated"
            )
        else:
            one = replace(one, temperature=fit_temperature(logits[place][mine], labels))
        if risk is not None:
            one = replace(one, abstain=_abstain(logits[place][mine], labels, one.temperature, risk))
        made.append(one)
    return tuple(made), notices


def _abstain(
    logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float, risk: float
) -> Abstain:
    if not len(labels):
        return abstain_threshold([], [], risk)
    probabilities = softmax(logits / temperature)
    wrong = probabilities.argmax(axis=1) != labels
    return abstain_threshold(list(probabilities.max(axis=1)), [bool(one) for one in wrong], risk)


def measure(backbone: Backbone, settings: Settings, rows: Sequence[Labelled]) -> list[HeadFigures]:
    """The figures of labelled rows, by head and by source; sources are never pooled."""
    logits = _logits(backbone, rows)
    found: list[HeadFigures] = []
    for place, head in enumerate(settings.heads):
        sources = dict.fromkeys(row.source for row in rows if row.head == head.name)
        for source in sources:
            mine = [at for at, row in enumerate(rows) if (row.head, row.source) == (head.name, source)]
            labels = np.array([head.levels.index(rows[at].level) for at in mine], dtype=np.int64)
            probabilities = softmax(logits[place][mine] / head.temperature)
            units = [rows[at].prompt or rows[at].response for at in mine]
            found.append(figures(head.name, source, probabilities, labels, units))
    return found


def _logits(backbone: Backbone, rows: Sequence[Labelled]) -> list[NDArray[np.float64]]:
    batches = [
        backbone.logits([(row.prompt, row.response) for row in rows[at : at + 256]])
        for at in range(0, len(rows), 256)
    ]
    if not batches:
        return [np.zeros((0, 2))] * 64
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def write_scorer(folder: Path, trained: Trained, card: Callable[[Trained], str]) -> None:
    """Write the directory: weights, settings, card.

    Raises:
        LiangxinError: the folder cannot be written.
    """
    if trained.fitted is None:
        raise ValueError("only an ngram scorer is written here")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = {} if trained.known is None else {"known": trained.known}
        write_tensors(folder / WEIGHTS, {**trained.fitted.tensors(), **known})
        write_settings(folder, trained.settings)
        (folder / "card.md").write_text(card(trained), encoding="utf-8")
        (folder / SOURCES).write_text(sources_text(trained.sources, trained.trained) + "\n", encoding="utf-8")
    except OSError as error:
        raise LiangxinError(f"{folder}: the scorer cannot be written ({error.strerror or error})") from None


def mostly_chinese(rows: Sequence[Labelled]) -> bool:
    """Whether most answers' letters are Chinese, so that another script is nothing the scorer learnt."""
    counts: Counter[bool] = Counter()
    for row in rows:
        letters = [c for c in row.response[:200] if c.isalpha()]
        counts[sum("\u3400" <= c <= "\u9fff" for c in letters) * 2 > len(letters)] += 1
    return counts[True] > counts[False]
