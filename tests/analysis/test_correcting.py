"""Corrected rates in a run: people's labels on a part, or a calibration from elsewhere, and what is said outside it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from liangxin.analysis.blind_sample import Wish, sample
from liangxin.analysis.correcting import NOT_DRAWN, SEVERAL, corrections
from liangxin.analysis.deciding import DecisionQuestion, answer_fields, decide
from liangxin.analysis.evidence import with_evidence
from liangxin.analysis.pairs import pairs
from liangxin.analysis.validation import Subject, keep, validate
from liangxin.benchmarks import BENCHMARKS
from liangxin.engine.summary import summary
from liangxin.errors import JudgeError
from liangxin.judges.families import families
from liangxin.models import model_traits
from liangxin.records import Exchange, Item, Reply, Verdict
from liangxin.store import Evidence, Runs

FLAMES = BENCHMARKS.get("flames")
SAFETY = BENCHMARKS.get("cvalues-safety")
JUDGE = "llm:openai:乙@0123456789ab"
Stage = Any


def items(count: int) -> list[Item]:
    tops = ("甲类", "乙类")
    return [Item(id=f"q-{k}", turns=(f"第 {k} 问",), category=(tops[k % 2],)) for k in range(count)]


def truth(count: int, rate: float, seed: int) -> dict[str, bool]:
    draw = random.Random(seed)
    return {f"q-{k}": draw.random() < rate for k in range(count)}


def judged(safe: dict[str, bool], seed: int, *, caught: float = 0.6, passed: float = 0.98) -> dict[str, bool]:
    """The issue's judge: it catches 60 % of the bad answers and passes 98 % of the good."""
    draw = random.Random(seed)
    return {name: draw.random() < (passed if good else 1 - caught) for name, good in safe.items()}


def level(safe: bool) -> Verdict:
    return Verdict(level="safe" if safe else "unsafe")


def run_of(stage: Stage, name: str, rulings: dict[str, bool], **options: Any) -> Any:
    run = stage.run(
        SAFETY, items(len(rulings)), lambda *_: Reply(text="答"), name=name, model=options.pop("model", "openai:qwen-max"), **options
    )  # fmt: skip
    stage.judge(run, lambda item, _: level(rulings[item.id]), identity=JUDGE)
    return run


def judge_of(stage: Stage, run: Any) -> Any:
    return next(one for one in Runs(stage.database).judges(run) if one.identity == JUDGE)


def label(stage: Stage, run: Any, safe: dict[str, bool], wanted: set[str]) -> None:
    def people(item: Item, _exchange: Exchange) -> Verdict | None:
        return level(safe[item.id]) if item.id in wanted else None

    stage.judge(run, people, identity="labels:人.jsonl@1", annotators=("人",))


def test_labels_on_a_drawn_part_undo_the_judges_error(stage: Stage) -> None:
    safe = truth(3000, 0.88, 1)
    run = run_of(stage, "a", judged(safe, 2))
    judge = judge_of(stage, run)
    assert corrections(stage.database, run, SAFETY, judge) == {}, "nothing is known of the judge yet"
    drawn = sample(stage.database, run, SAFETY, judge, Wish(labels=400))
    assert len(drawn.rows) == 400
    assert {row["level"] for row in drawn.rows} == {""}
    assert not [row for row in drawn.rows if "qwen" in str(row)], "the model's name is not shown"
    label(stage, run, safe, {row["id"] for row in drawn.rows})
    result = with_evidence(stage.database, stage.result(run, SAFETY))
    printed: Any = summary(result)
    told = {(one["measure"], one["group"]): one for one in printed["scores"] if one["judge"] == JUDGE}
    overall = told["safe_rate", "overall"]
    corrected = overall["corrected"]
    assert overall["value"] == pytest.approx(91, abs=1.5), "what the judge reports"
    assert corrected["low"] <= 100 * sum(safe.values()) / 3000 <= corrected["high"]
    assert corrected["value"] == pytest.approx(88, abs=2.5)
    assert (corrected["method"], corrected["n_calibration"], corrected["warning"]) == ("stratified", 400, "")
    assert told["safe_rate", "甲类"]["corrected"]["value"] is not None


def test_labels_that_were_not_drawn_carry_a_warning(stage: Stage) -> None:
    safe = truth(400, 0.88, 3)
    run = run_of(stage, "a", judged(safe, 4))
    label(stage, run, safe, {f"q-{k}" for k in range(100)})
    found = corrections(stage.database, run, SAFETY, judge_of(stage, run))
    assert found["safe_rate", "overall"].warning == NOT_DRAWN


def test_a_simple_random_sample_with_enough_disagreement_is_prediction_powered(stage: Stage) -> None:
    safe = truth(2000, 0.7, 5)
    run = run_of(stage, "a", judged(safe, 6))
    judge = judge_of(stage, run)
    drawn = sample(stage.database, run, SAFETY, judge, Wish(labels=400, simple_random=True))
    label(stage, run, safe, {row["id"] for row in drawn.rows})
    found = corrections(stage.database, run, SAFETY, judge)["safe_rate", "overall"]
    assert found.method == "ppi++"
    assert found.value == pytest.approx(100 * sum(safe.values()) / 2000, abs=5)


def calibrate(stage: Stage, *, model: str = "openai:qwen-plus", count: int = 1500) -> None:
    """The judge measured on another run, all of it labelled."""
    safe = truth(count, 0.7, 7)
    run = run_of(stage, "calibration", judged(safe, 8), model=model, data="c" * 64)
    label(stage, run, safe, set(safe))
    gold = next(one for one in Runs(stage.database).judges(run) if one.identity.startswith("labels"))
    judge = judge_of(stage, run)
    subject = Subject(
        benchmark=run.benchmark,
        judge=judge.identity,
        gold=gold.identity,
        scale="primary",
        run=run.id,
        model=model,
        families=families(model, model_traits(model)),
    )
    keep(Evidence(stage.database), validate(subject, pairs(stage.database, run, SAFETY, gold, judge)))


def test_a_calibration_from_elsewhere_corrects_and_says_its_scope(stage: Stage) -> None:
    calibrate(stage)
    safe = truth(3000, 0.88, 9)
    run = run_of(stage, "a", judged(safe, 10))
    found = corrections(stage.database, run, SAFETY, judge_of(stage, run))["safe_rate", "overall"]
    assert found.method == "rogan-gladen"
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 100 * sum(safe.values()) / 3000 <= found.high
    assert found.warning == "", "the same benchmark, dimensions and model family"
    result = with_evidence(stage.database, stage.result(run, SAFETY))
    (judge,) = result.judges
    assert judge.validation is not None
    assert judge.validation.run != run.id


def test_another_model_family_is_a_warning_in_the_value(stage: Stage) -> None:
    calibrate(stage, model="openai:glm-4")
    safe = truth(600, 0.88, 11)
    run = run_of(stage, "a", judged(safe, 12))
    found = corrections(stage.database, run, SAFETY, judge_of(stage, run))["safe_rate", "overall"]
    assert "glm" in found.warning
    assert "qwen" in found.warning
    assert found.value is not None


def test_a_judge_that_tells_nothing_is_too_weak(stage: Stage) -> None:
    safe = truth(400, 0.5, 13)
    blind = judged(safe, 14, caught=0.5, passed=0.5)
    run = run_of(stage, "calibration", blind, data="c" * 64)
    label(stage, run, safe, set(safe))
    gold = next(one for one in Runs(stage.database).judges(run) if one.identity.startswith("labels"))
    judge = judge_of(stage, run)
    subject = Subject(
        benchmark=run.benchmark,
        judge=judge.identity,
        gold=gold.identity,
        scale="primary",
        run=run.id,
        model=run.model,
        families=families(run.model, run.traits),
    )
    keep(Evidence(stage.database), validate(subject, pairs(stage.database, run, SAFETY, gold, judge)))
    other = run_of(stage, "a", judged(truth(300, 0.8, 15), 16))
    found = corrections(stage.database, other, SAFETY, judge_of(stage, other))["safe_rate", "overall"]
    assert found.value is None
    assert "too weak" in found.reason


def test_several_answers_an_item_are_not_corrected(stage: Stage) -> None:
    safe = truth(60, 0.8, 17)
    run = run_of(stage, "a", judged(safe, 18), trials=2)
    label(stage, run, safe, set(safe))
    found = corrections(stage.database, run, SAFETY, judge_of(stage, run))
    assert found["safe_rate", "overall"].reason == SEVERAL


def test_decisions_may_rest_on_the_corrected_value(stage: Stage) -> None:
    """The judge alone would claim 90 %; what people say of a sample does not allow it."""
    safe = truth(3000, 0.88, 19)
    run = run_of(stage, "a", judged(safe, 20))
    judge = judge_of(stage, run)
    claim: dict[str, Any] = {"measure": "safe_rate", "group": "overall", "at_least": 89.5, "at_most": None}
    raw = decide(stage.database, run, SAFETY, judge, DecisionQuestion(**claim, judge_trusted=True))
    assert raw.decision.verdict == "meets"
    with pytest.raises(JudgeError, match="nothing is known"):
        decide(stage.database, run, SAFETY, judge, DecisionQuestion(**claim, corrected=True))
    drawn = sample(stage.database, run, SAFETY, judge, Wish(labels=300))
    label(stage, run, safe, {row["id"] for row in drawn.rows})
    told = answer_fields(
        decide(stage.database, run, SAFETY, judge, DecisionQuestion(**claim, corrected=True))
    )
    assert told["verdict"] in ("undecided", "fails")
    assert told["low"] < 89.5
    assert told["further_items"] is None


def test_a_sample_reads_nothing_twice_and_grows(stage: Stage) -> None:
    safe = truth(200, 0.8, 21)
    run = run_of(stage, "a", judged(safe, 22))
    judge = judge_of(stage, run)
    first = sample(stage.database, run, SAFETY, judge, Wish(labels=40))
    assert sample(stage.database, run, SAFETY, judge, Wish(labels=40)) == first
    label(stage, run, safe, {row["id"] for row in first.rows})
    second = sample(stage.database, run, SAFETY, judge, Wish(labels=1000))
    names = [{row["id"] for row in one.rows} for one in (first, second)]
    assert not names[0] & names[1]
    assert len(names[0] | names[1]) == 200
    label(stage, run, safe, names[1])
    with pytest.raises(JudgeError, match="has a label already"):
        sample(stage.database, run, SAFETY, judge, Wish(labels=1))
