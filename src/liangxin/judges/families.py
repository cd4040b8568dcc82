"""Which family a model belongs to, by its name alone: a judge is known to favour answers of its own kind.

Source of the worry: Zheng et al. 2023 (arXiv:2306.05685, section 3.3, self-enhancement bias); Panickssery et
al. 2024 (arXiv:2404.13076). A name is all there is to go by: a deployment under another name (an Ark endpoint
`ep-…`), a fine-tuned model or a file of recorded answers is not recognised, and nothing is said then. A name
may tell two families (DeepSeek-R1-Distill-Qwen-7B is of both).
"""

from __future__ import annotations

import re

from liangxin.models import model_traits
from liangxin.registry import kind_and_name
from liangxin.traits import ModelTraits

FAMILIES: dict[str, str] = {
    "qwen": r"qwen|qwq|qvq|tongyi",
    "glm": r"glm-?\d|glm-|chatglm|charglm|codegeex",
    "ernie": r"ernie|wenxin",
    "doubao": r"doubao|skylark",
    "kimi": r"kimi|moonshot",
    "deepseek": r"deepseek",
    "minimax": r"minimax|abab\d",
    "baichuan": r"baichuan",
    "yi": r"yi-(?:\d|large|medium|lightning|spark|vision)",
    "internlm": r"internlm|intern-s\d",
    "hunyuan": r"hunyuan",
    "spark": r"spark-?(?:lite|pro|max|ultra|x1|v?\d)|sparkdesk|4\.0ultra",
    "step": r"step-\d",
    "sensechat": r"sensechat|sensenova",
    "pangu": r"pangu",
    "minicpm": r"minicpm",
    "gpt": r"gpt-(?:\d|oss)|chatgpt|o[134](?:-|$)",
    "claude": r"claude",
    "gemini": r"gemini|gemma",
    "llama": r"llama-?\d|meta-llama|codellama",
    "mistral": r"mistral|mixtral|ministral|magistral|codestral",
    "grok": r"grok",
    "phi": r"phi-?\d",
}
"""Family -> how a word of a model's name begins: makers' own series, as their cards and platforms write them."""

_KNOWN = {
    family: re.compile(rf"(?<![a-z0-9])(?:{pattern})", re.ASCII) for family, pattern in FAMILIES.items()
}


def families(spec: str, traits: ModelTraits) -> frozenset[str]:
    """The families that the name in a model SPEC tells; none for recorded or scripted answers."""
    _, name = kind_and_name(spec)
    if traits.recorded or traits.scripted:
        return frozenset()
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1].lower()
    return frozenset(family for family, pattern in _KNOWN.items() if pattern.search(last))


def kinship(judge: str, measured: frozenset[str]) -> str | None:
    """The sentence that warns of a judge of the measured model's family, or None.

    Args:
        judge: the judging model's SPEC.
        measured: the measured model's families.
    """
    shared = families(judge, model_traits(judge)) & measured
    if not shared:
        return None
    _, name = kind_and_name(judge)
    return (
        f"warning: the judge {name} is of the measured model's family ({', '.join(sorted(shared))}): judges tend to "
        "favour their own kind; check against people's labels or a judge of another family"
    )
