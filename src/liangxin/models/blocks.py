"""Providers' content blocks: what says that a filter, not the model, ended the exchange.

One table, `SIGNALS`, for blocks that come as an error (under any HTTP status, 200 included); those that come as a
finish reason stand in `finish_reasons`. Every entry names where it was read. Baidu
Qianfan's error codes for content could not be verified and are left out (its list of V2 errors as copied on
public pages names none); its blocks are read from `finish_reason` and `flag`. Everything here is pure and
never raises on any JSON value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from liangxin.models.complaints import Complaint, Side, bare, complaint, role_side
from liangxin.models.finish_reasons import Ending, ending, finish_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block, as a person should read it."""

    side: Side
    """What was blocked. Where the provider does not say, an error counts as `input`, a finish reason as `output`."""
    code: str
    """The provider's own word for it."""
    message: str = ""

    @property
    def detail(self) -> str:
        """`input: CODE message` or `output: CODE message`."""
        return f"{self.side}: {self.code} {self.message}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How one provider says that it blocked something."""

    provider: str
    source: str
    """Where the signal was read."""
    codes: frozenset[str] = frozenset()
    """Compared by letters and digits alone, without case, to every part of a dotted code."""
    message: re.Pattern[str] | None = None
    """Searched in the error's message."""
    both: bool = False
    """Code and message are needed: the code alone could be another provider's."""
    side: Side | None = None
    """None: told by the message, `param` or role."""


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


SIGNALS: tuple[Signal, ...] = (
    Signal(
        provider="Alibaba DashScope",
        source="help.aliyun.com/zh/model-studio/error-code: 400-DataInspectionFailed/data_inspection_failed, "
        "'Input/Output data may contain inappropriate content.'; QwenLM/qwen-code #2905 for the <400> prefix",
        codes=frozenset({"datainspectionfailed"}),
        message=_text(r"\bdata may contain inappropriate content\b"),
    ),
    Signal(
        provider="Zhipu (BigModel, Z.ai)",
        source="docs.z.ai/api-reference/api-code: 1301, 'potentially unsafe or sensitive content in input or "
        "generation'; the body's contentFilter[].role tells the side",
        codes=frozenset({"1301"}),
        message=_text(r"不安全或敏感内容|potentially unsafe or sensitive content"),
    ),
    Signal(
        provider="Azure OpenAI",
        source="learn.microsoft.com, Azure OpenAI content filtering: 400 with code content_filter and "
        "innererror.code ResponsibleAIPolicyViolation, for a prompt that is filtered",
        codes=frozenset({"contentfilter", "responsibleaipolicyviolation"}),
    ),
    Signal(
        provider="Moonshot (Kimi)",
        source="platform.kimi.com/docs/api/errors: 400, type content_filter",
        message=_text(r"rejected because it was considered high risk"),
    ),
    Signal(
        provider="OpenAI",
        source="microsoft/PyRIT #1463: codes content_filter, moderation_blocked, content_policy_violation",
        codes=frozenset({"contentpolicyviolation", "moderationblocked"}),
    ),
    Signal(
        provider="OpenAI",
        source="microsoft/PyRIT #1463: invalid_prompt is a block only where the message says so",
        codes=frozenset({"invalidprompt"}),
        message=_text(r"safety reasons|usage polic|flagged"),
        both=True,
        side="input",
    ),
    Signal(
        provider="DeepSeek",
        source="deepseek-ai/awesome-deepseek-integration #13, deepseek-ai/DeepSeek-V2 #30: 400, "
        "code invalid_request_error, 'Content Exists Risk'",
        message=_text(r"(?:^|[:：\-–—]\s+)\W*content exists risk\W*$"),
        side="input",
    ),
    Signal(
        provider="MiniMax",
        source="platform.minimax.io/docs/api-reference/errorcode: 1026 'input new_sensitive', 1027 'output "
        "new_sensitive'; seen under HTTP 200 (base_resp), 422 and 500",
        message=_text(r"\b(?:input|output) new_sensitive\b"),
    ),
    Signal(
        provider="Volcengine Ark (BytePlus ModelArk)",
        source="volcengine.com/docs/82379/1299023: SensitiveContentDetected and its kinds, "
        "InputTextSensitiveContentDetected, InputTextRiskDetection",
        codes=frozenset(
            {"sensitivecontentdetected", "inputtextsensitivecontentdetected", "inputtextriskdetection"}
        ),
        side="input",
    ),
    Signal(
        provider="Volcengine Ark (BytePlus ModelArk)",
        source="volcengine.com/docs/82379/1299023: OutputTextSensitiveContentDetected, OutputTextRiskDetection",
        codes=frozenset({"outputtextsensitivecontentdetected", "outputtextriskdetection"}),
        side="output",
    ),
    Signal(
        provider="Anthropic",
        source="anthropics/claude-code #6195, #43487, #58367: 400, invalid_request_error, 'Output blocked by "
        "content filtering policy'; its classifiers' own stop reason is read in `anthropic`",
        message=_text(r"\boutput blocked by content filtering policy\b"),
        side="output",
    ),
    Signal(
        provider="iFlytek Spark",
        source="xfyun.cn/doc/spark, error codes: 10013 输入内容审核不通过, 10019 会话内容有涉及违规信息的倾向",
        codes=frozenset({"10013", "10019"}),
        message=_text(r"审核|敏感|违规|audit|sensitive|violat"),
        both=True,
        side="input",
    ),
    Signal(
        provider="iFlytek Spark",
        source="xfyun.cn/doc/spark, error codes: 10014 输出内容涉及敏感信息",
        codes=frozenset({"10014"}),
        message=_text(r"审核|敏感|违规|audit|sensitive|violat"),
        both=True,
        side="output",
    ),
    Signal(
        provider="StepFun",
        source="recorded by several public clients: 451, type censorship_blocked, 'The content you provided or "
        "machine outputted is blocked.'",
        codes=frozenset({"censorshipblocked"}),
        message=_text(r"content you provided or machine outputted is blocked"),
        side="input",
    ),
    Signal(
        provider="xAI",
        source="UKGovernmentBEIS/inspect_ai #2267: 403, 'Content violates usage guidelines. … Failed check: "
        "SAFETY_CHECK_TYPE_…'",
        message=_text(r"content violates usage guidelines|failed check: safety_check_type"),
    ),
    Signal(
        provider="OpenRouter",
        source="openrouter.ai/docs/errors: 403, 'requires moderation and your input was flagged', "
        "metadata.flagged_input",
        message=_text(r"requires moderation.{0,80}\bflagged"),
        side="input",
    ),
    Signal(
        provider="one-api and new-api gateways",
        source="openai/openai-cookbook #1224: 400, code sensitive_words_detected",
        codes=frozenset({"sensitivewordsdetected", "promptblocked"}),
        side="input",
    ),
)

_HIDDEN_FLAGS = (3, 4)
"""Baidu Qianfan, choices[].flag: 3 禁止上屏 (must not be shown), 4 撤屏 (withdrawn)."""

_MINIMAX_CODES: Mapping[str, Side] = {"1026": "input", "1027": "output"}
_MINIMAX_FLAGS: Mapping[str, Side] = {"input_sensitive": "input", "output_sensitive": "output"}
"""platform.minimax.io/docs/api-reference/text-chat: set also where the answer came, so alone they say little."""

_NOT_WORD = re.compile(r"[^a-z0-9]")
_INPUT = _text(r"\binput|\bprompt\b|输入")
_OUTPUT = _text(r"\boutput|\bcompletion\b|输出")


def classify(status: int, body: object) -> Block | None:
    """The block that an error body reports, or None where the error is another.

    Args:
        status: the HTTP status; a block is believed under any, because providers use 200, 400, 403, 422,
            429, 451 and 500 for it.
    """
    error = complaint(body)
    wrapped = _minimax(body)
    if wrapped is not None:
        return Block(side=wrapped[0], code=wrapped[1], message=error.message if error else "")
    if error is None:
        return None
    for signal in SIGNALS:
        found = _matched(signal, error)
        if found is not None:
            code, message = found
            side = signal.side or error.side or _spoken_side(message)
            categories = _filtered_categories(body)
            return Block(side=side, code=code or f"HTTP {status}", message=f"{categories} {message}".strip())
    return None


def classify_choice(choice: Mapping[str, object], body: Mapping[str, object]) -> Block | None:
    """The block that a finished choice reports by its finish reason or flag, or None."""
    for name in (
        "finish_reason",
        "native_finish_reason",
    ):  # the second is OpenRouter's: the provider's own word
        word = finish_word(choice.get(name))
        if word is not None and ending(word) is Ending.BLOCKED:
            return Block(side=role_side(body) or "output", code=word)
    flag = choice.get("flag")
    if isinstance(flag, int) and flag in _HIDDEN_FLAGS:
        return Block(side="output", code=f"flag {flag}")
    return None


def _filtered_categories(body: object) -> str:
    """Which of Azure's categories were filtered, as `(hate, violence)`."""
    for name in ("error", "innererror", "content_filter_result"):
        body = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping):
        return ""
    names = sorted(
        str(name)
        for name, result in body.items()
        if isinstance(result, Mapping) and result.get("filtered") is True
    )
    return f"({', '.join(names)})" if names else ""


def _matched(signal: Signal, error: Complaint) -> tuple[str, str] | None:
    """The code and the message by which an error fits a signal, or None."""
    code = next((code for code in error.codes if not signal.codes.isdisjoint(_parts(code))), None)
    pattern = signal.message
    said = next((one for one in error.messages if pattern.search(bare(one))), None) if pattern else None
    if (code is None or said is None) if signal.both else (code is None and said is None):
        return None
    return code or next(iter(error.codes), ""), said or error.message


def _parts(code: str) -> list[str]:
    return [_NOT_WORD.sub("", part) for part in code[:200].lower().split(".")]


def _minimax(body: object) -> tuple[Side, str] | None:
    """MiniMax's block: by its code, or by its flag where nothing was said (a flagged answer may be whole)."""
    wrapped = body.get("base_resp") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(wrapped, Mapping):
        return None
    code = str(wrapped.get("status_code"))
    side = _MINIMAX_CODES.get(code)
    if side is not None:
        return side, code
    for flag, flagged in _MINIMAX_FLAGS.items():
        if body.get(flag) is True and not _says_something(body):
            return flagged, flag
    return None


def _says_something(body: Mapping[str, object]) -> bool:
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if isinstance(message, Mapping) and message.get("content"):
            return True
    return False


def _spoken_side(message: str) -> Side:
    """The side that a message speaks of; `input` where it names both or neither."""
    return "output" if _OUTPUT.search(message) and not _INPUT.search(message) else "input"
