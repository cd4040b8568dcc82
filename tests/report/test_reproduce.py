from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from liangxin.benchmarks import BENCHMARKS
from liangxin.engine.identity import identity_fields, manifest
from liangxin.engine.results import JudgeResult, RunResult
from liangxin.judges import judge_traits
from liangxin.models import model_traits
from liangxin.report.reproduce import Command, command, facts
from liangxin.specs import Benchmark, ChooseBy, Endpoint, Generation, RunSpec
from liangxin.store import JudgeRecord, RunRecord

FLAMES = BENCHMARKS.get("flames")
MODEL = "openai:甲 7B"


def judge(spec: str, subject: Any = "primary", said: Mapping[str, object] | None = None) -> JudgeResult:
    record = JudgeRecord(
        key=1,
        identity=f"{spec}@0",
        spec=spec,
        subject=subject,
        manifest=said or {},
        traits=judge_traits(spec),
    )
    return JudgeResult(record=record, verdicts={}, scores=())


def made(
    spec: RunSpec,
    *judges: JudgeResult,
    url: str = "http://h:1/v1",
    total: int = 50,
    benchmark: Benchmark = FLAMES,
) -> Command:
    identity = identity_fields(spec, benchmark, "d" * 64, f"{spec.model}@{url}" if url else spec.model)
    run = RunRecord(
        key=1, id="0123456789ab", name=spec.name, dataset=1, benchmark=benchmark.name, version="1.0",
        data_sha256="d" * 64, model=spec.model, trials=spec.trials, units=spec.limit or total, sample=False,
        created=0.0, manifest=manifest(spec, identity), traits=model_traits(spec.model),
    )  # fmt: skip
    result = RunResult(
        run=run,
        benchmark=benchmark,
        replies={},
        judges=judges,
        subjects=frozenset(),
        failures=(),
        failure_count=0,
    )
    return command(result, total)


def test_every_setting_of_the_identity_is_in_the_command() -> None:
    spec = RunSpec(
        benchmark="flames",
        model=MODEL,
        data="数据/Flames 1k.jsonl",
        limit=20,
        seed=7,
        trials=3,
        system="说'不'\n两行",
        name="甲",
        generation=Generation(temperature=0.7, max_tokens=100, seed=7),
        endpoint=Endpoint(base_url="http://h:1/v1", api_key="sk-secret"),
    )
    found = made(spec, judge("rule", "refusal"))
    expected = (
        "liangxin run flames --model 'openai:甲 7B' --base-url http://h:1/v1 --data '数据/Flames 1k.jsonl' "
        "--limit 20 --seed 7 --trials 3 --temperature 0.7 --max-tokens 100 "
        "--system $'说\\'不\\'\\n两行' --name '甲' --judge rule"
    )
    assert found.lines == (expected,)
    assert "secret" not in repr(found)
    assert found.version


def test_a_plain_run_has_a_plain_command() -> None:
    found = made(RunSpec(benchmark="flames", model="replay:a.jsonl"), judge("rule", "refusal"), url="")
    assert found.lines == ("liangxin run flames --model replay:a.jsonl --judge rule",)
    assert found.data == ""
    assert made(RunSpec(benchmark="flames", model="replay:a"), url="").lines[0].endswith("--judge none")


def test_a_local_model_s_way_of_choosing_is_always_said() -> None:
    choices = BENCHMARKS.get("cvalues-choice")
    ways: tuple[tuple[str, ChooseBy | None, str], ...] = (
        ("hf:m", None, " --choose-by generation"),
        ("hf:m", "generation", " --choose-by generation"),
        ("hf:m", "label", " --choose-by label"),
        (MODEL, None, ""),
        ("replay:a.jsonl", None, ""),
    )
    for model, way, words in ways:
        spec = RunSpec(benchmark="cvalues-choice", model=model, choose_by=way)
        found = made(spec, url="", benchmark=choices)
        model_word = "'openai:甲 7B'" if model == MODEL else model
        assert found.lines == (f"liangxin run cvalues-choice --model {model_word}{words} --judge none",)


SAID = {
    "model": "openai:乙@https://u:secret@judge/v1?key=secret",
    "generation": {"temperature": 0.2, "max_tokens": 64},
}
OPTIONS = [
    "--judge-base-url",
    "https://judge/v1",
    "--judge-temperature",
    "0.2",
    "--judge-max-tokens",
    "64",
    "--refusal",
]


def test_judges_that_share_their_options_share_a_line() -> None:
    found = made(
        RunSpec(benchmark="flames", model=MODEL),
        judge("llm:openai:乙", "primary", SAID),
        judge("llm:openai:乙", "refusal", SAID),
        judge("labels:人 工.jsonl"),
    )
    (line,) = found.lines
    assert shlex.split(line)[-10:] == ["llm:openai:乙", "--judge", "labels:人 工.jsonl", *OPTIONS]
    assert "secret" not in repr(found)
    assert len(found.needs) == 3


def test_llm_judges_of_different_options_have_a_line_each() -> None:
    found = made(
        RunSpec(benchmark="flames", model=MODEL),
        judge("llm:openai:乙", "refusal", SAID),
        judge("llm:openai:丙", "primary", {"model": "openai:丙@http://c/v1"}),
    )
    assert found.lines[0].endswith("--judge none")
    assert [shlex.split(line)[2:] for line in found.lines[1:]] == [
        ["0123456789ab", "--judge", "llm:openai:乙", *OPTIONS],
        ["0123456789ab", "--judge", "llm:openai:丙", "--judge-base-url", "http://c/v1"],
    ]


def test_a_judge_at_its_defaults_needs_no_options() -> None:
    said = {"generation": {"temperature": 0.0, "max_tokens": None, "seed": None}, "model": "openai:乙"}
    found = made(RunSpec(benchmark="flames", model=MODEL), judge("llm:openai:乙", "primary", said))
    assert shlex.split(found.lines[0])[-2:] == ["--judge", "llm:openai:乙"]


def test_facts_are_the_manifests_leaves() -> None:
    found = {
        fact.name: (fact.value, fact.long) for fact in facts({"a": {"b": None, "c": [1, "二"]}, "d": "x\ny"})
    }
    assert found == {"a.b": ("—", False), "a.c": ('[1, "二"]', False), "d": ("x\ny", True)}
    assert facts({"prompt": "长" * 500})[0].long


def jury(*urls: str, **generation: object) -> dict[str, object]:
    return {
        "kind": "jury",
        "members": {
            f"llm:openai:m{n}@{n}": {"model": f"openai:m{n}@{url}", "generation": generation}
            for n, url in enumerate(urls)
        },
    }


def test_a_jury_has_its_members_common_options() -> None:
    def options(said: dict[str, object]) -> list[str]:
        found = made(
            RunSpec(benchmark="flames", model=MODEL), judge("jury:llm:openai:m0,llm:openai:m1", said=said)
        )
        return shlex.split(found.lines[0])[shlex.split(found.lines[0]).index("--judge") + 2 :]

    one = jury("https://h/v1", "https://h", temperature=0.3)
    assert options(one) == ["--judge-base-url", "https://h/v1", "--judge-temperature", "0.3"]
    assert options(jury("https://a/v1", "https://b/v1", temperature=0.0)) == []
