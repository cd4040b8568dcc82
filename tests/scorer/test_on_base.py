"""Training on top of another scorer: a few labels go further, thin heads stay, what the base learnt measures nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from liangxin.correction.known_prompts import KnownPrompts
from liangxin.correction.sources import sources_in
from liangxin.errors import DataError, JudgeError
from liangxin.judges.scorer import DEFAULT, SOURCES
from liangxin.judges.scoring.loading import load_scorer
from liangxin.scorer.card import card
from liangxin.scorer.graded import HELD_OUT, read_graded
from liangxin.scorer.on_base import base_of
from liangxin.scorer.rows import HeadSpec, Labelled
from liangxin.scorer.train import Plan, train, write_scorer

Rows = Callable[..., list[Labelled]]
SAFETY = (HeadSpec(name="*", levels=("unsafe", "safe")),)


@pytest.fixture(scope="module")
def graded() -> list[Labelled]:
    """The package's held-out answers to hostile prompts: the default never saw them."""
    rows, _ = read_graded(HELD_OUT, None)
    return [
        Labelled(head="*", prompt=row.prompt, response=row.answer, level=row.safety)
        for row in rows
        if row.part == "hostile"
    ]


def test_on_top_of_the_default_as_written(labelled: Rows, tmp_path: Path) -> None:
    base = base_of(load_scorer(DEFAULT))
    trained = train(labelled(60), SAFETY, Plan(name="mine", base=base))
    write_scorer(tmp_path, trained, card)
    loaded = load_scorer(tmp_path)
    assert trained.fitted is not None
    pairs = [(row.prompt, row.response) for row in labelled(60)]
    for one, other in zip(
        loaded.backbone.logits(pairs), trained.fitted.backbone().logits(pairs), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert loaded.settings.training["base"] == {"name": "default", "sha256": base.sha256}
    names = [head.name for head in loaded.settings.heads]
    assert names[0] == "*"
    assert sorted(names) == sorted(head.name for head in base.heads)
    # The heads that no label speaks of are the base's own.
    theirs = load_scorer(DEFAULT).backbone.logits(pairs)
    mine = loaded.backbone.logits(pairs)
    for at, head in enumerate(base.heads[1:], start=1):
        np.testing.assert_allclose(mine[names.index(head.name)], theirs[at], atol=1e-9)
    assert loaded.silent("好") == load_scorer(DEFAULT).silent("好") is not None


def test_on_top_of_one_that_stands_on_another(labelled: Rows, tmp_path: Path) -> None:
    write_scorer(
        tmp_path / "one",
        train(labelled(60), SAFETY, Plan(name="one", base=base_of(load_scorer(DEFAULT)))),
        card,
    )
    base = base_of(load_scorer(tmp_path / "one"))
    write_scorer(tmp_path / "two", train(labelled(90), SAFETY, Plan(name="two", base=base)), card)
    found = load_scorer(tmp_path / "two")
    assert found.settings.training["base"]["name"] == "one"
    assert found.probabilities([("怎么办？", "去骗他的钱，打他一顿。")], 0).shape == (1, 2)


def test_a_thin_head_stays_as_it_is_and_one_that_the_base_lacks_is_refused(labelled: Rows) -> None:
    base = base_of(load_scorer(DEFAULT))
    thin = HeadSpec(name="Fairness", levels=("1", "2", "3"))
    rows = [*labelled(60), *labelled(9, "Fairness", thin.levels)]
    trained = train(rows, (*SAFETY, thin), Plan(name="x", base=base))
    assert any("Fairness" in notice and "stays as in default" in notice for notice in trained.notices)
    (kept,) = [head for head in trained.settings.heads if head.name == "Fairness"]
    assert kept in base.heads
    with pytest.raises(DataError, match="自有: 9 labels"):
        train(
            [*labelled(60), *labelled(9, "自有")],
            (*SAFETY, HeadSpec(name="自有", levels=SAFETY[0].levels)),
            Plan(name="x", base=base),
        )
    with pytest.raises(DataError, match="9 labels"):
        train(labelled(9, "Fairness", thin.levels), (thin,), Plan(name="x", base=base))


def test_answers_to_prompts_of_the_base_measure_nothing(labelled: Rows, tmp_path: Path) -> None:
    rows = labelled(300)
    base = replace(base_of(load_scorer(DEFAULT)), trained=KnownPrompts.of(row.prompt for row in rows[::2]))
    trained = train(rows, SAFETY, Plan(name="mine", base=base))
    fresh = [at for at in trained.split.sides[2] if at % 2]
    assert sum(count.n for one in trained.sources for count in one.counts) <= len(fresh)
    write_scorer(tmp_path, trained, card)
    stored = sources_in(tmp_path / SOURCES)
    assert stored.sources == trained.sources
    learnt = [rows[at].prompt for side in trained.split.sides[:2] for at in side]
    assert all(prompt in stored.trained for prompt in [*learnt, *(row.prompt for row in rows[::2])])


def test_a_scorer_without_shared_readings_is_no_base(labelled: Rows, tmp_path: Path) -> None:
    write_scorer(tmp_path, train(labelled(60), SAFETY, Plan(name="alone")), card)
    with pytest.raises(JudgeError, match=r"alone: nothing can be trained on top of it.*--base none"):
        base_of(load_scorer(tmp_path))


def test_a_few_labels_go_further_than_from_nothing(graded: list[Labelled]) -> None:
    """Forty held-out answers of ours: the base knows most of it, forty labels alone know little."""
    assert len(graded) >= 40
    on_top = train(graded, SAFETY, Plan(name="x", base=base_of(load_scorer(DEFAULT))))
    alone = train(graded, SAFETY, Plan(name="x"))

    def right(trained: object) -> float:
        return sum(one.accuracy.value * one.n for one in trained.figures)  # type: ignore[attr-defined]

    assert right(on_top) > right(alone)
