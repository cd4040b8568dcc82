"""Families by name: what is recognised, what is not, and the warning."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from liangxin.judges import JudgeContext, open_judges
from liangxin.judges.families import FAMILIES, families, kinship
from liangxin.models import model_traits
from liangxin.specs import Benchmark, Endpoint


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("openai:qwen-max", "qwen"),
        ("openai:Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("openai:qwq-32b", "qwen"),
        ("litellm:dashscope/qwen-plus", "qwen"),
        ("gguf:/models/qwen/Llama-3-8B.gguf", "llama"),
        ("hf:/data/models/chatglm3-6b/", "glm"),
        ("openai:glm-4.6", "glm"),
        ("openai:ernie-4.0-8k", "ernie"),
        ("openai:doubao-seed-1-6", "doubao"),
        ("openai:kimi-k2", "kimi"),
        ("openai:moonshot-v1-8k", "kimi"),
        ("openai:MiniMax-M2.7", "minimax"),
        ("openai:abab6.5s-chat", "minimax"),
        ("openai:DeepSeek-R1-Distill-Qwen-7B", "deepseek qwen"),
        ("openai:gpt-4o", "gpt"),
        ("openai:o3-mini", "gpt"),
        ("openai:o1", "gpt"),
        ("openai:gpt-neo-2.7B", ""),
        ("openai:foo1", ""),
        ("anthropic:claude-sonnet-4-5", "claude"),
        ("litellm:bedrock/us.anthropic.claude-sonnet-4", "claude"),
        ("openai:Yi-34B-Chat", "yi"),
        ("openai:dyi-3", ""),
        ("openai:internlm2_5-7b", "internlm"),
        ("openai:my-qwenlike", "qwen"),
        ("gguf", ""),
        ("openai:ep-20240607092512", ""),
        ("scripted:qwen.jsonl", ""),
        ("replay:/runs/qwen-max.jsonl", ""),
        ("", ""),
    ],
)
def test_families(spec: str, expected: str) -> None:
    assert families(spec, model_traits(spec)) == frozenset(expected.split())


def test_the_table_is_of_lower_case_names() -> None:
    assert all(name == name.lower() and pattern == pattern.lower() for name, pattern in FAMILIES.items())


def test_the_warning() -> None:
    said = kinship("openai:qwen-max", frozenset({"qwen"}))
    assert said is not None
    assert said.startswith("warning: the judge qwen-max is of the measured model's family (qwen): ")
    assert kinship("openai:qwen-max", frozenset({"glm"})) is None
    assert kinship("openai:x", frozenset()) is None
    assert kinship("scripted:qwen.jsonl", frozenset({"qwen"})) is None


def test_an_llm_judge_says_it_and_a_jury_for_each_member(
    make_benchmark: Callable[..., Benchmark], tmp_path: Path
) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text(json.dumps({"text": "x"}) + "\n", encoding="utf-8")
    endpoint = Endpoint(base_url="http://127.0.0.1:1/v1", api_key="k" * 20)
    context = JudgeContext(
        benchmark=make_benchmark(), endpoint=endpoint, run_model="openai:qwen-max", refusal=True
    )

    def said(spec: str) -> list[str]:
        judges = open_judges(spec, context)
        told = [one for judge in judges for one in judge.notices()]
        for judge in judges:
            asyncio.run(judge.aclose())
        return list(dict.fromkeys(told))

    assert said("llm:openai:glm-4") == []
    (warning,) = said("llm:openai:qwen-plus")
    assert "the judge qwen-plus is of the measured model's family (qwen)" in warning
    assert said(f"jury:llm:openai:qwen-plus,llm:scripted:{script},llm:openai:glm-4") == [warning]
