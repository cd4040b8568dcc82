"""The table that says what scorers are worth: sources x splits x scorers and baselines, made by one command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from default_scorer.baselines import baselines
from default_scorer.public import COLD_TEST, COLD_TRAIN, read_set
from liangxin.judges.scoring.features import FeatureSettings
from liangxin.scorer.metrics import Figure, HeadFigures, accuracy_difference, figures
from liangxin.scorer.ngram import Examples, Fitting, fit
from liangxin.scorer.rows import HeadSpec, Labelled
from liangxin.scorer.train import examples

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAFETY_HEAD = (HeadSpec(name="*", levels=("unsafe", "safe")),)
COLD_FITTING = Fitting(features=FeatureSettings(parts=("response",)), strength=4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One scorer (or baseline) on one source."""

    split: str
    judge: str
    figures: HeadFigures
    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A scorer against the best baseline on the same answers."""

    source: str
    baseline: str
    difference: Figure
    """Accuracy of the scorer minus the baseline's, paired."""

    @property
    def beaten(self) -> bool:
        """Whether the scorer is better by more than the interval."""
        return self.difference.low is not None and self.difference.low > 0


def lines(split: str, judges: Mapping[str, NDArray[np.float64]], rows: Sequence[Labelled]) -> list[Line]:
    """Every judge's figures on every source of the rows, sources apart."""
    found: list[Line] = []
    for source in dict.fromkeys(row.source for row in rows):
        mine = [at for at, row in enumerate(rows) if row.source == source]
        labels = np.array([SAFETY_HEAD[0].levels.index(rows[at].level) for at in mine], dtype=np.int64)
        units = [rows[at].prompt or rows[at].response for at in mine]
        for judge, probabilities in judges.items():
            own = probabilities[mine]
            found.append(
                Line(
                    split=split,
                    judge=judge,
                    figures=figures("*", source, own, labels, units),
                    right=own.argmax(axis=1) == labels,
                )
            )
    return found


def compare(found: Sequence[Line], judge: str, source: str, rows: Sequence[Labelled]) -> Comparison:
    """The judge against the most accurate baseline of the same lines."""
    here = [line for line in found if line.figures.source == source]
    own = next(line for line in here if line.judge == judge)
    best = max(
        (line for line in here if line.judge.endswith("only")), key=lambda line: line.figures.accuracy.value
    )
    units = [row.prompt or row.response for row in rows if row.source == source]
    return Comparison(
        source=source,
        baseline=best.judge,
        difference=accuracy_difference(own.right, best.right, units, source),
    )


def cold_lines(folder: Path) -> tuple[list[Line], int]:
    """COLD's own split: trained on its train file, measured on its test file, with and without texts in both.

    Returns:
        The lines, and how many test texts are in the training file too.
    """
    learnt, test = read_set(COLD_TRAIN, folder), read_set(COLD_TEST, folder)
    train = examples(learnt, SAFETY_HEAD)
    seen = {row.response for row in learnt}
    pairs = [(row.prompt, row.response) for row in test]
    judges = {
        "ngram (response, 1-3)": probabilities(fit(train, [2], COLD_FITTING).backbone().logits(pairs)[0]),
        **baselines(train, pairs, COLD_FITTING),
    }
    fresh = [at for at, row in enumerate(test) if row.response not in seen]
    apart = {name: values[fresh] for name, values in judges.items()}
    found = [
        *lines("COLD's own test file", judges, test),
        *lines("COLD's own, without texts in train", apart, [test[at] for at in fresh]),
    ]
    return found, len(test) - len(fresh)


def probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Uncalibrated probabilities from logits."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    whole: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return whole


def markdown(found: Sequence[Line]) -> str:
    """The table in Markdown; 95 % intervals, `[–]` where nothing varied, – where one level is absent."""
    out = [
        "| source | split | judge | n | accuracy | macro-F1 | AUC | calibration error | recall of unsafe at 5 % false alarms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in found:
        one = line.figures
        recall = one.recall[0]
        cells = (
            one.source,
            line.split,
            line.judge,
            one.n,
            one.accuracy,
            one.macro_f1,
            one.auc or "–",
            one.calibration_error,
            recall or "–",
        )
        out.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(out)


def fitted_probabilities(
    train: Examples, test: Sequence[tuple[str, str]], fitting: Fitting
) -> NDArray[np.float64]:
    """Uncalibrated probabilities of an `ngram` scorer fitted on the examples."""
    return probabilities(fit(train, [2], fitting).backbone().logits(test)[0])
