"""The contract that every registered judge keeps, on the benchmarks that are registered."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.errors import LiangxinError
from liangxin.judges import JUDGES, Judge, JudgeContext, open_judges
from liangxin.records import Case, VerdictStatus
from liangxin.specs import Benchmark, Endpoint, Generation
from liangxin.store import JudgeRecord

CHOICE = [name for name in BENCHMARKS.names() if BENCHMARKS.get(name).kind == "choice"]
OPEN = [name for name in BENCHMARKS.names() if BENCHMARKS.get(name).kind == "open"]
PAIRS = [
    *((judge, name) for judge in ("rule", "scorer", "llm", "labels", "jury", "people") for name in OPEN),
    *((judge, name) for judge in ("choice", "labels", "jury", "people") for name in CHOICE),
]

ENTERED = JudgeRecord(
    key=1,
    identity="people:项目@0123456789ab",
    spec="people:项目",
    subject="primary",
    manifest={"kind": "people"},
)


@pytest.fixture
def spec(tmp_path: Path) -> Callable[[str, Benchmark], str]:
    """A whole SPEC of each kind that can be used on a benchmark."""

    def made(kind: str, benchmark: Benchmark) -> str:
        level = benchmark.scale_for(()).levels[0].name
        script, labels = tmp_path / "judge.jsonl", tmp_path / "labels.jsonl"
        script.write_text(json.dumps({"text": json.dumps({"level": level, "reason": "理由"})}) + "\n")
        labels.write_text(json.dumps({"id": "item-1", "level": level, "response": "第一个"}) + "\n")
        first = "choice" if benchmark.kind == "choice" else f"llm:scripted:{script}"
        specs = {"llm": f"llm:scripted:{script}", "labels": f"labels:{labels}", "people": "people:项目"}
        return {**specs, "jury": f"jury:{first},labels:{labels}"}.get(kind, kind)

    return made


def context_of(benchmark: Benchmark, **changes: object) -> JudgeContext:
    values: dict[str, object] = {
        "benchmark": benchmark,
        "run_model": "openai:secret-model",
        "item_ids": frozenset({"item-1"}),
        "endpoint": Endpoint(api_key="sk-secret-key"),
        "entered": (ENTERED,),
    }
    return JudgeContext(**(values | changes))  # type: ignore[arg-type]


def close(judges: object) -> None:
    async def closing() -> None:
        for judge in judges:  # type: ignore[attr-defined]
            await judge.aclose()

    asyncio.run(closing())


def test_every_registered_judge_is_tested() -> None:
    assert {judge for judge, _ in PAIRS} == set(JUDGES.names())


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_identity_manifest_and_verdicts(
    kind: str,
    name: str,
    spec: Callable[[str, Benchmark], str],
    make_case: Callable[..., Case],
    hostile: tuple[str, ...],
) -> None:
    benchmark = BENCHMARKS.get(name)
    judges = open_judges(spec(kind, benchmark), context_of(benchmark))
    assert judges
    for judge in judges:
        assert re.fullmatch(rf"{kind}\b.*@[0-9a-f]{{12}}", judge.identity)
        assert json.loads(json.dumps(judge.manifest())) == judge.manifest()
        assert "secret" not in json.dumps([judge.manifest(), judge.identity])
        scale = judge.scale_for(())
        answers = ("第一个", "好的。", *hostile)
        cases = [make_case(answer, category=(), scale=scale) for answer in answers]
        verdicts = asyncio.run(judge.rule(cases))
        assert len(verdicts) == len(cases)
        assert verdicts == asyncio.run(judge.rule(cases))
        for verdict in verdicts:
            if verdict is not None:
                assert (verdict.level is None) == (verdict.status is not VerdictStatus.GIVEN)
                assert verdict.level is None or scale.level(verdict.level) is not None
                (verdict.reason + verdict.raw).encode("utf-8")
        assert asyncio.run(judge.rule([])) == []
        assert all(isinstance(notice, str) for notice in judge.notices())
        assert judge.batch >= 1
        assert judge.connections >= 1
    close(judges)


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_the_same_judge_has_the_same_name_and_another_scale_another(
    kind: str, name: str, spec: Callable[[str, Benchmark], str], make_benchmark: Callable[..., Benchmark]
) -> None:
    benchmark = BENCHMARKS.get(name)
    words = spec(kind, benchmark)

    def names_of(context: JudgeContext) -> list[str]:
        judges: list[Judge] = list(open_judges(words, context))
        close(judges)
        return [judge.identity for judge in judges]

    first = names_of(context_of(benchmark))
    assert names_of(context_of(benchmark)) == first
    warmer = names_of(context_of(benchmark, generation=Generation(temperature=0.5)))
    assert (warmer != first) is (kind == "llm" or (kind == "jury" and benchmark.kind == "open"))
    # Scales of our own are the same for every benchmark, and a project's name is given when it is made.
    if kind not in ("rule", "scorer", "people"):
        scale = benchmark.scale_for(())
        from dataclasses import replace

        changed = replace(benchmark, scales={"*": replace(scale, name="renamed")})
        assert names_of(context_of(changed)) != first


@pytest.mark.parametrize("kind", ["choice", "rule", "llm"])
def test_a_judge_on_the_wrong_kind_of_benchmark_says_which_to_use(
    kind: str, spec: Callable[[str, Benchmark], str]
) -> None:
    for name in OPEN if kind == "choice" else CHOICE:
        benchmark = BENCHMARKS.get(name)
        with pytest.raises(
            LiangxinError, match="rule, llm:MODELSPEC or labels" if kind == "choice" else "choice or labels"
        ):
            open_judges(spec(kind, benchmark), context_of(benchmark))


def test_a_case_holds_neither_the_model_nor_the_gold_label() -> None:
    assert set(Case.__dataclass_fields__) == {
        "item_id",
        "category",
        "dialogue",
        "trial",
        "turn",
        "history",
        "prompt",
        "answer",
        "scale",
        "choices",
        "reference",
    }
