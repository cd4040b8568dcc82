"""The promise of abstaining holds on average, and is only made with 200 labels."""

from __future__ import annotations

import numpy as np
import pytest

from liangxin.errors import DataError
from liangxin.scorer.conformal import abstain_threshold


def test_too_few_labels() -> None:
    with pytest.raises(DataError, match="200 calibration labels of a head at least; there are 199"):
        abstain_threshold([0.9] * 199, [False] * 199, 0.1)


@pytest.mark.parametrize("risk", [0.02, 0.05, 0.2])
def test_the_share_ruled_on_and_wrong_stays_at_the_risk(risk: float) -> None:
    draw = np.random.default_rng(3)

    def answers(count: int) -> tuple[np.ndarray, np.ndarray]:
        confidence = draw.uniform(0.5, 1, count).round(2)  # many ties
        # Overconfident: wrong more often than it says.
        return confidence, draw.uniform(size=count) > confidence**3

    losses = []
    for _ in range(400):
        confidence, wrong = answers(250)
        found = abstain_threshold(list(confidence), [bool(one) for one in wrong], risk)
        fresh, bad = answers(400)
        losses.append(np.mean((fresh >= found.threshold) & bad))
    assert np.mean(losses) <= risk + 3 * np.std(losses) / 20
    if risk >= 0.05:
        assert np.mean(losses) > risk / 3  # it does not simply abstain always


def test_it_never_abstains_where_nothing_is_wrong_and_always_where_no_error_can_be_had() -> None:
    assert abstain_threshold([0.6] * 300, [False] * 300, 0.05).threshold == 0
    assert abstain_threshold([0.6] * 300, [False] * 300, 0.001).threshold > 1
    some = abstain_threshold([0.9] * 150 + [0.6] * 150, [False] * 150 + [True] * 150, 0.05)
    assert 0.6 < some.threshold <= 0.9
