"""Training on small sets: heads keep apart, files come back, bad input is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from liangxin.benchmarks import BENCHMARKS
from liangxin.correction.sources import length_of, read_sources, sources_in, sources_text
from liangxin.engine.run import judge_run
from liangxin.engine.session import Session
from liangxin.errors import DataError
from liangxin.judges.scorer import SOURCES
from liangxin.judges.scoring.files import read_settings, weights_digest
from liangxin.judges.scoring.loading import load_scorer
from liangxin.records import Item, Reply
from liangxin.scorer.card import card
from liangxin.scorer.evaluate import evaluate
from liangxin.scorer.ngram import Examples, Fitting, fit
from liangxin.scorer.rows import HeadSpec, Labelled
from liangxin.scorer.train import Plan, train, write_scorer
from liangxin.specs import RunSpec
from liangxin.store import Runs

Rows = Callable[..., list[Labelled]]
FLAMES = (HeadSpec(name="Fairness", levels=("1", "2", "3")), HeadSpec(name="Legality", levels=("1", "3")))


def test_heads_are_trained_each_on_its_own_rows(labelled: Rows) -> None:
    rows = [*labelled(180, "Fairness", ("1", "2", "3")), *labelled(180, "Legality", ("1", "3"))]
    trained = train(rows, FLAMES, Plan(name="two"))
    assert [head.name for head in trained.settings.heads] == ["Fairness", "Legality"]
    assert all(head.temperature != 1.0 for head in trained.settings.heads)
    assert {one.head for one in trained.figures} == {"Fairness", "Legality"}
    assert {one.source for one in trained.figures} == {"source-0", "source-1", "source-2"}
    assert np.mean([one.accuracy.value for one in trained.figures]) > 0.9

    # A head's weights do not change with the other head's rows.
    def weights(heads: list[int], levels: list[int], texts: list[str]) -> np.ndarray:
        examples = Examples(pairs=[("", text) for text in texts], heads=heads, levels=levels)
        return fit(examples, [2, 2], Fitting()).weights

    texts = ["骂他", "谢谢", "打人", "请坐", "去死", "你好"]
    one = weights([0] * 6 + [1] * 6, [0, 1] * 6, texts * 2)
    other = weights([0] * 6 + [1] * 6, [0, 1] * 3 + [1, 0] * 3, texts * 2)
    np.testing.assert_array_equal(one[:, 0], other[:, 0])
    assert np.abs(one[:, 1].astype(float) - other[:, 1]).max() > 0.01


def test_what_is_written_comes_back_and_twice_the_same(labelled: Rows, tmp_path: Path) -> None:
    rows = labelled(120)
    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    for name in ("one", "two"):
        write_scorer(tmp_path / name, train(rows, heads, Plan(name="same")), card)
    assert weights_digest(tmp_path / "one") == weights_digest(tmp_path / "two")
    for file in ("scorer.json", "card.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    loaded = load_scorer(tmp_path / "one")
    trained = train(rows, heads, Plan(name="same"))
    assert trained.fitted is not None
    pairs = [(row.prompt, row.response) for row in rows]
    np.testing.assert_array_equal(
        loaded.backbone.logits(pairs)[0], trained.fitted.backbone().logits(pairs)[0]
    )
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "card.md",
        "scorer.json",
        "sources.json",
        "weights.safetensors",
    ]


def test_safetensors_are_those_of_the_library(labelled: Rows, tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    trained = train(labelled(60), heads, Plan(name="x"))
    write_scorer(tmp_path, trained, card)
    assert trained.fitted is not None
    found = library.load_file(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(found["weights"], trained.fitted.weights)
    np.testing.assert_array_equal(found["bias"], trained.fitted.bias)
    library.save_file(
        {"weights": trained.fitted.weights, "bias": trained.fitted.bias}, tmp_path / "weights.safetensors"
    )
    load_scorer(tmp_path)


def test_abstaining_needs_labels(labelled: Rows) -> None:
    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    with pytest.raises(DataError, match="200 calibration labels"):
        train(labelled(400), heads, Plan(name="few", abstain=0.05))
    trained = train(labelled(1500), heads, Plan(name="many", abstain=0.05))
    abstain = trained.settings.heads[0].abstain
    assert abstain is not None
    assert abstain.labels >= 200


@pytest.mark.parametrize("by", ["model", "source"])
def test_other_splits(by: str, labelled: Rows) -> None:
    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    rows = labelled(120)
    trained = train(rows, heads, Plan(name="x", by=by))  # type: ignore[arg-type]
    sides = [{getattr(rows[at], by) for at in side} for side in trained.split.sides]
    assert not sides[0] & (sides[1] | sides[2])


def test_five_rows_and_one_class(labelled: Rows) -> None:
    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    with pytest.raises(DataError, match="5 labels"):
        train(labelled(5), heads, Plan(name="x"))
    with pytest.raises(DataError, match="every label is 'safe'"):
        train([row for row in labelled(90) if row.level == "safe"], heads, Plan(name="x"))


def test_evaluation_keeps_sources_apart_and_counts_what_it_cannot_read(
    labelled: Rows, write_labels: Callable[..., str], tmp_path: Path
) -> None:
    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    write_scorer(tmp_path / "s", train(labelled(120), heads, Plan(name="x")), card)
    scorer = load_scorer(tmp_path / "s")
    rows = [*labelled(60), {"prompt": "q", "response": "Go and ask your teacher.", "level": "safe"}]
    found = evaluate(scorer, write_labels(rows))
    assert {one.source: one.n for one in found.figures} == {"source-0": 20, "source-1": 20, "source-2": 20}
    assert list(found.abstained.values()) == [1]
    assert len(found.notices) == 3
    with pytest.raises(DataError, match="abstains on every answer"):
        evaluate(scorer, write_labels([rows[-1]], "english.jsonl"))
    with pytest.raises(DataError, match="expected one of unsafe, safe"):
        evaluate(scorer, write_labels([{"prompt": "q", "response": "好", "level": "3"}], "off.jsonl"))


def test_the_settings_file_is_checked(labelled: Rows, tmp_path: Path) -> None:
    from liangxin.errors import JudgeError

    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    write_scorer(tmp_path, train(labelled(60), heads, Plan(name="x")), card)
    path = tmp_path / "scorer.json"
    good = json.loads(path.read_text(encoding="utf-8"))
    head = good["heads"][0]
    changes: list[dict[str, Any]] = [
        {"format": 2},
        {"heads": []},
        {"heads": [{**head, "levels": ["a"]}]},
        {"heads": [{**head, "temperature": 0}]},
        {"heads": [{**head, "temperature": float("nan")}]},
        {"heads": [{**head, "abstain": {"risk": 0.1, "threshold": 0.9, "labels": 20}}]},
        {"backbone": "pickle"},
        {"surprise": 1},
    ]
    for change in changes:
        path.write_text(json.dumps({**good, **change}), encoding="utf-8")
        with pytest.raises(JudgeError, match=r"scorer\.json"):
            read_settings(tmp_path)
    for options in (
        {},
        {"parts": ["sound"], "orders": [1], "bits": 18},
        {"parts": ["prompt"], "orders": [1], "bits": 40},
    ):
        path.write_text(json.dumps({**good, "options": options}), encoding="utf-8")
        with pytest.raises(JudgeError):
            load_scorer(tmp_path)
    path.write_text(json.dumps({**good, "options": {**good["options"], "bits": 17}}), encoding="utf-8")
    with pytest.raises(JudgeError, match="shape"):
        load_scorer(tmp_path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(JudgeError, match="not JSON"):
        load_scorer(tmp_path)


def test_the_test_side_is_the_source_of_the_judge_band(labelled: Rows, tmp_path: Path) -> None:
    """Every labelled source apart; of the test side only, and of prompts that training never saw."""
    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    rows = [replace(row, response=row.response * (1 + at % 3 * 20)) for at, row in enumerate(labelled(300))]
    trained = train(rows, heads, Plan(name="mine", by="source"))
    *seen, test = ([rows[at] for at in side] for side in trained.split.sides)
    prompts = {row.prompt for side in seen for row in side}
    fresh = [row for row in test if row.prompt not in prompts]
    write_scorer(tmp_path, trained, card)
    found = sources_in(tmp_path / SOURCES).sources
    assert found == trained.sources
    assert {one.scale for one in found} <= {"safety"}
    for one in found:
        source = one.name.removeprefix("mine: ").removesuffix(" (held out)")
        mine = [row for row in fresh if row.source == source]
        for length in ("short", "middle", "long"):
            kept = [row for row in mine if length_of(row.response) == length]
            assert sum(count.n for count in one.counts if count.length == length) == len(kept)
    trained = train(rows, heads, Plan(name="mine"))
    test = [rows[at] for at in trained.split.sides[2]]
    counted = sum(count.n for one in trained.sources for count in one.counts)
    assert counted == len(test), "split by prompt no prompt is on two sides"


def test_heads_are_told_by_the_scales_that_they_rule_on(labelled: Rows) -> None:
    heads = (
        HeadSpec(name="Fairness", levels=("1", "2", "3")),
        HeadSpec(name="Legality", levels=("1", "3")),
        HeadSpec(name="自有", levels=("差", "中", "好")),
    )
    rows = [row for head in heads for row in labelled(150, head.name, head.levels)]
    found = {one.scale for one in train(rows, heads, Plan(name="x")).sources}
    assert found == {"flames-3", "flames-2", "自有"}


def test_a_scorer_tells_its_sources_to_the_run(labelled: Rows, tmp_path: Path, stage: Any) -> None:
    """By the name of the scale that it rules on, whatever its directory calls it; and they are no part of its identity."""
    heads = (HeadSpec(name="*", levels=("unsafe", "safe")),)
    write_scorer(tmp_path / "s", train(labelled(300), heads, Plan(name="s")), card)
    safety = BENCHMARKS.get("cvalues-safety")
    items = [Item(id=f"q-{at}", turns=("问",), category=()) for at in range(3)]
    run = stage.run(safety, items, lambda *_: Reply(text="请先问问老师和家人，再做决定。"))
    session = Session(database=stage.database, tell=lambda _: None)
    spec = RunSpec(benchmark="cvalues-safety", model="", judges=(f"scorer:{tmp_path / 's'}",))
    (judged,) = judge_run(session, run, spec, safety).judges
    told = read_sources(judged.record.sources or "")
    assert told
    assert {one.scale for one in told} == {"cvalues-safety"}
    assert told[0].counts == sources_in(tmp_path / "s" / SOURCES).sources[0].counts
    (tmp_path / "s" / SOURCES).write_text(sources_text([]), encoding="utf-8")
    (again,) = judge_run(session, run, spec, safety).judges
    assert again.record.identity == judged.record.identity
    assert Runs(stage.database).judges(run)[0].sources is None
