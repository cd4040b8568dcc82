"""Finish reasons: what each provider's word for the end of an answer means.

One table. Every row names where its words stand, or says that it is our own reading. A word is compared by letters and digits alone, without case and without
the name of its enumeration (`FinishReason.SAFETY`, `FINISH_REASON_SAFETY`). A word in no row says nothing that could
be believed, so an answer that ends with it is not `ok`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto


class Ending(Enum):
    """How an answer came to its end."""

    UNSAID = auto()
    """The provider names no reason."""
    COMPLETE = auto()
    CUT_OFF = auto()
    BLOCKED = auto()
    """A filter ended it, not the model."""
    BROKEN = auto()
    """A failure of the provider's own: it may be asked again."""
    UNKNOWN = auto()
    """A word in no row of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishWords:
    """The words of one provider or program; each list separated by blanks, as it writes them."""

    provider: str
    source: str
    complete: str = ""
    cut_off: str = ""
    blocked: str = ""
    broken: str = ""


TABLE: tuple[FinishWords, ...] = (
    FinishWords(
        provider="OpenAI, Azure, vLLM, SGLang, llama.cpp",
        source="platform.openai.com/docs/api-reference/chat/object: finish_reason; vllm/v1/request.py and "
        "sglang/srt/managers/schedule_batch.py: abort",
        complete="stop tool_calls function_call",
        cut_off="length max_tokens max_completion_tokens max_output_tokens",
        blocked="content_filter",
        broken="abort aborted",
    ),
    FinishWords(
        provider="Google Gemini and Vertex AI",
        source="ai.google.dev/api/generate-content#FinishReason, cloud.google.com/vertex-ai FinishReason; passed through "
        "in HKUDS/Vibe-Trading#308 and NousResearch/hermes-agent#53610",
        complete="STOP",
        cut_off="MAX_TOKENS",
        blocked="SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT "
        "IMAGE_RECITATION MODEL_ARMOR",
        broken="LANGUAGE OTHER MALFORMED_FUNCTION_CALL MALFORMED_RESPONSE UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS "
        "MISSING_THOUGHT_SIGNATURE NO_IMAGE IMAGE_OTHER FINISH_REASON_UNSPECIFIED UNSPECIFIED",
    ),
    FinishWords(
        provider="Anthropic",
        source="platform.claude.com/docs: build-with-claude/handling-stop-reasons",
        complete="end_turn stop_sequence tool_use",
        cut_off="max_tokens model_context_window_exceeded pause_turn",
        blocked="refusal",
    ),
    FinishWords(
        provider="Amazon Bedrock",
        source="docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse: stopReason",
        complete="end_turn tool_use stop_sequence",
        cut_off="max_tokens model_context_window_exceeded",
        blocked="guardrail_intervened content_filtered",
        broken="malformed_model_output malformed_tool_use",
    ),
    FinishWords(
        provider="Zhipu (BigModel, Z.ai)",
        source="docs.bigmodel.cn/api-reference: finish_reason (sensitive: 内容被安全审核接口拦截)",
        complete="stop tool_calls",
        cut_off="length model_context_window_exceeded",
        blocked="sensitive",
        broken="network_error",
    ),
    FinishWords(
        provider="Tencent Hunyuan",
        source="Tencent Hunyuan's documentation of FinishReason (sensitive: 安全审核未通过)",
        complete="stop tool_calls",
        blocked="sensitive",
    ),
    FinishWords(
        provider="Baidu Qianfan",
        source="cloud.baidu.com/doc/qianfan: finish_reason (content_filter: 输出内容被截断、兜底、替换)",
        complete="normal stop function_call tool_calls",
        cut_off="length",
        blocked="content_filter",
    ),
    FinishWords(
        provider="DeepSeek",
        source="api-docs.deepseek.com/api/create-chat-completion: finish_reason",
        complete="stop tool_calls",
        cut_off="length",
        blocked="content_filter",
        broken="insufficient_system_resource",
    ),
    FinishWords(
        provider="MiniMax",
        source="platform.minimax.io/docs/api-reference/text-chat: finish_reason",
        complete="stop tool_calls",
        cut_off="length",
    ),
    FinishWords(
        provider="Mistral",
        source="docs.mistral.ai/api: finish_reason",
        complete="stop tool_calls",
        cut_off="length model_length",
        broken="error",
    ),
    FinishWords(
        provider="Cohere",
        source="docs.cohere.com/reference/chat: finish_reason, v1 and v2",
        complete="COMPLETE STOP_SEQUENCE TOOL_CALL",
        cut_off="MAX_TOKENS ERROR_LIMIT",
        blocked="ERROR_TOXIC",
        broken="ERROR TIMEOUT USER_CANCEL",
    ),
    FinishWords(
        provider="IBM watsonx",
        source="ibm.github.io/watsonx-ai-node-sdk, WatsonXAI.TextGenResult: stop_reason",
        complete="eos_token stop_sequence",
        cut_off="max_tokens token_limit not_finished",
        broken="time_limit cancelled error",
    ),
    FinishWords(
        provider="Hugging Face text-generation-inference, Together",
        source="huggingface.co/docs/text-generation-inference: FinishReason; docs.together.ai/reference: eos",
        complete="eos_token stop_sequence eos stop",
        cut_off="length",
    ),
    FinishWords(
        provider="OpenRouter, Vercel AI gateway",
        source="openrouter.ai/docs/api-reference/overview: finish_reason; ai-sdk.dev: LanguageModelV2FinishReason",
        complete="stop tool-calls",
        cut_off="length",
        blocked="content-filter",
        broken="error other unknown",
    ),
    FinishWords(
        provider="routers and gateways, as reported",
        source="words put there for a failure of what stands behind them: HKUDS/Vibe-Trading#308, "
        "NousResearch/hermes-agent#53610",
        broken="model_error server_error timeout cancelled",
    ),
    FinishWords(
        provider="plain words for an end",
        source="our own reading, seen at no provider: they leave no doubt, and stand here so that they are asked again",
        complete="completed finished",
        cut_off="incomplete",
        blocked="moderation blocked safety_filter",
        broken="internal_error upstream_error canceled failed failure interrupted disconnected overloaded rate_limit",
    ),
)
"""Words of a rate limit or failure count as broken: what was said before them is half an answer."""

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_ENUMERATION = re.compile(r"\A(?:finish|stop)reason(?=.)")
_UNSAID = frozenset({"", "null", "none"})
"""DashScope streams the text `null` until the answer ends (help.aliyun.com/zh/model-studio, qwen API: finish_reason)."""


def _plain(word: str) -> str:
    return _ENUMERATION.sub("", _NOT_WORD.sub("", word.rpartition(".")[2].lower()))


def _endings() -> dict[str, Ending]:
    """Every word's meaning; a word that two rows read otherwise would be a fault of the table, which a test refuses."""
    return {
        _plain(word): ending
        for row in TABLE
        for ending, words in row_words(row)
        for word in words
    }  # fmt: skip


def row_words(row: FinishWords) -> tuple[tuple[Ending, list[str]], ...]:
    """A row's words by what they mean."""
    return (
        (Ending.COMPLETE, row.complete.split()),
        (Ending.CUT_OFF, row.cut_off.split()),
        (Ending.BLOCKED, row.blocked.split()),
        (Ending.BROKEN, row.broken.split()),
    )


_KNOWN = _endings()


def finish_word(value: object) -> str | None:
    """A finish reason as the provider writes it; None where there is none, or what stands there is no word."""
    return value if isinstance(value, str) and value.strip().lower() not in _UNSAID else None


def ending(word: str | None) -> Ending:
    """What a finish reason means."""
    return Ending.UNSAID if word is None else _KNOWN.get(_plain(word), Ending.UNKNOWN)
