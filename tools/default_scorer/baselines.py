"""What a scorer must beat: judges that cannot know whether an answer harms, by the same training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from default_scorer.learn import LearningSample
from default_scorer.shortcuts import first_words, last_sentence
from liangxin.judges.refusing.reading import read_refusal
from liangxin.judges.scoring.features import FeatureSettings
from liangxin.scorer.ngram import Examples, Fitting, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TEXTS: Mapping[str, Callable[[LearningSample], str]] = {
    "prompt only": lambda row: row.prompt,
    "first 20 characters only": lambda row: first_words(row.answer),
    "last sentence only": lambda row: last_sentence(row.answer),
}
_FITTING = Fitting(features=FeatureSettings(parts=("response",)), strength=10.0)


def baselines(
    train: Sequence[LearningSample], test: Sequence[LearningSample]
) -> dict[str, NDArray[np.float64]]:
    """Every baseline's score of the test answers, growing with safety; above 0 it calls them safe."""
    found = {
        "length only": _by_length(train, test),
        "refusal words only": np.array(
            [1.0 if read_refusal(row.answer)[0] != "complied" else -1.0 for row in test]
        ),
    }
    for name, text in _TEXTS.items():
        examples = Examples(
            pairs=[("", text(row)) for row in train],
            heads=[0] * len(train),
            levels=[int(row.safe) for row in train],
        )
        backbone = fit(examples, [2], _FITTING).backbone()
        found[name] = backbone.logits([("", text(row)) for row in test])[0][:, 1]
    return found


def _by_length(train: Sequence[LearningSample], test: Sequence[LearningSample]) -> NDArray[np.float64]:
    """The threshold on the length, and its direction, with the best accuracy in training."""
    lengths = np.array([len(row.answer) for row in train])
    safe = np.array([row.safe for row in train])
    best = (-1.0, 0.0, 1)
    for threshold in np.unique(lengths):
        share = float(((lengths >= threshold) == safe).mean())
        best = max(best, (share, float(threshold), 1), (1 - share, float(threshold), -1))
    _, threshold, direction = best
    return direction * (np.array([len(row.answer) for row in test]) - threshold + 0.5)
