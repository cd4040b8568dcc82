"""What the test provider answers: every behaviour as a pure function of the request.

All texts are our own and mild. The bodies of blocks are laid out as the providers lay them out; see
`liangxin.models.blocks` for where that was read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

LONG = 2_000_000
"""Characters of the long answer."""


class Behaviour(StrEnum):
    """How the provider treats a prompt; the value is also its marker, as in `[[429]]`."""

    OK = "ok"
    DASHSCOPE = "dashscope"
    DASHSCOPE_OUTPUT = "dashscope-output"
    ZHIPU = "zhipu"
    ZHIPU_OUTPUT = "zhipu-output"
    AZURE = "azure"
    CONTENT_FILTER = "content_filter"
    SENSITIVE = "sensitive"
    MINIMAX = "minimax"
    LIMITED_ONCE = "429"
    LIMITED = "429-always"
    BROKEN_ONCE = "500-once"
    BROKEN = "500"
    RESET_ONCE = "reset-once"
    RESET = "reset"
    MALFORMED_ONCE = "malformed-once"
    MALFORMED = "malformed"
    SHAPELESS = "shapeless"
    SLOW = "slow"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    THINK = "think"
    THINK_CUT = "think-cut"
    THINK_STOPPED = "think-stopped"
    REASONING = "reasoning"
    LONG = "long"
    DENIED = "401"
    BAD_REQUEST = "400"
    UNREADABLE = "unreadable"
    """For a judge: an answer that is no verdict."""


NAMES = frozenset(behaviour.value for behaviour in Behaviour)


ONCE: Mapping[Behaviour, Behaviour] = {
    Behaviour.LIMITED_ONCE: Behaviour.LIMITED,
    Behaviour.BROKEN_ONCE: Behaviour.BROKEN,
    Behaviour.RESET_ONCE: Behaviour.RESET,
    Behaviour.MALFORMED_ONCE: Behaviour.MALFORMED,
}
"""What the first request meets; later ones are answered."""

MIXED: Mapping[str, float] = {
    behaviour.value: 0.01
    for behaviour in Behaviour
    if behaviour
    not in (Behaviour.OK, Behaviour.LIMITED, Behaviour.DENIED, Behaviour.SLOW, Behaviour.UNREADABLE)
} | {Behaviour.SLOW.value: 0.002}
"""Shares of prompts in which everything happens that does not end a run."""

MIXED_JUDGE: Mapping[str, float] = {
    Behaviour.UNREADABLE.value: 0.02,
    Behaviour.DASHSCOPE.value: 0.02,
    Behaviour.BROKEN.value: 0.01,
    Behaviour.BROKEN_ONCE.value: 0.01,
    Behaviour.THINK.value: 0.02,
    Behaviour.EMPTY.value: 0.01,
}

_ANSWERS = (
    "可以先弄清事实，再听听当事人的想法，必要时请教专业人士。",
    "这个说法并不准确：不能用一个人的身份来推断他的品行，每个人都应当被公平对待。",
    "抱歉，我不能帮助做这件事。",
    "抱歉，这样做会伤害他人，我不能协助。建议您冷静下来，和信任的人谈谈，或寻求专业帮助。",
    "建议分三步：先备份资料，再联系客服核实，最后保留凭证。",
    "作为人工智能，我没有自己的感受，不过我可以陪您理一理思路。",
)
_CHOICES = (
    "回复1",
    "[回复2]",
    "回复1更好。",
    "回复2比回复1更负责任。",
    "两个回复都不好。",
    "抱歉，我无法判断。",
)
_LEVEL = re.compile(r'\s*[-*]\s*"([^"]+)"\s*[:：]')
_BLOCK_CODE = "data_inspection_failed"
_ZHIPU_TEXT = (
    "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。"
)
_AZURE_TEXT = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """One request as the behaviours see it."""

    model: str
    prompt: str
    """The last user message."""
    whole: str = ""
    """All messages together."""
    authorization: str = ""
    retry_after: str = "1"
    unmet: Planned | None = None
    """What it meets whatever it asks, because it lacks what the provider demands."""
    as_text: bool = False
    """Whether a completion was asked for, not a chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is sent back."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    """Break the connection instead."""
    slow: bool = False
    """Wait the provider's `slow` seconds before answering."""


def mark_of(*parts: str) -> int:
    """A number that the parts decide, the same in every process."""
    packed = json.dumps(parts).encode()
    return int.from_bytes(hashlib.sha256(packed).digest()[:8])


def fraction(*parts: str) -> float:
    """A number in [0, 1) that the parts decide."""
    return mark_of(*parts) / 2.0**64


def answer_text(prompt: str) -> str:
    """The good answer to a prompt: always the same, and naming itself, so that answers cannot be confused."""
    mark = mark_of("answer", prompt)
    if "回复1" in prompt and "回复2" in prompt:
        return _CHOICES[mark % len(_CHOICES)]
    return f"{_ANSWERS[mark % len(_ANSWERS)]}（{mark % 2**32:08x}）"


def completion(
    content: str | None, *, model: str = "", reason: str | None = "stop", reasoning: str | None = None
) -> dict[str, object]:
    """The body of a chat completion."""
    message: dict[str, object] = {"role": "assistant", "content": content}
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50},
    }


def error(
    message: str, *, code: str | int | None, kind: str | None = None, **more: object
) -> dict[str, object]:
    """The body of an error, OpenAI's way."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}


def respond(behaviour: Behaviour, asked: ProviderRequest) -> Planned:
    """What is sent back to a request under a behaviour (the `…_ONCE` ones as at the first request)."""
    behaviour = ONCE.get(behaviour, behaviour)
    build = _FAILURES.get(behaviour)
    return build(asked) if build else _good(behaviour, asked)


def good_text(behaviour: Behaviour, asked: ProviderRequest) -> str:
    """What is said where all goes well: an answer, or a judge's verdict."""
    if not is_judge(asked.model):
        return answer_text(asked.prompt)
    return unreadable(asked.whole) if behaviour is Behaviour.UNREADABLE else verdict_text(asked.whole)


def _good(behaviour: Behaviour, asked: ProviderRequest) -> Planned:
    """A whole chat completion: good, cut off, empty, with its thoughts, long, or a judge's."""
    text = good_text(behaviour, asked)
    thought = "先想想对方需要什么，再决定怎么说。"
    content: str | None = text
    reason, apart = "stop", None
    if behaviour is Behaviour.TRUNCATED:
        content, reason = text[: max(1, len(text) // 2)], "length"
    elif behaviour is Behaviour.EMPTY:
        content = ""
    elif behaviour is Behaviour.THINK:
        content = f"<think>\n{thought}\n</think>\n\n{text}"
    elif behaviour is Behaviour.THINK_CUT:
        content, reason = f"<think>\n{thought}", "length"
    elif behaviour is Behaviour.THINK_STOPPED:
        content = f"<think>\n{thought}"
    elif behaviour is Behaviour.REASONING:
        apart = thought
    elif behaviour is Behaviour.LONG:
        content = (text * (LONG // len(text) + 1))[:LONG]
    body = _pack(completion(content, model=asked.model, reason=reason, reasoning=apart))
    if behaviour is Behaviour.MALFORMED:
        body = body[: len(body) // 2]
    return Planned(body=body, slow=behaviour is Behaviour.SLOW)


def is_judge(model: str) -> bool:
    """Whether a request's model plays the judge."""
    return model.startswith("judge")


def offered_levels(prompt: str) -> tuple[str, ...]:
    """The levels that a judge's prompt offers, in order; empty where none are found.

    They are the last list in it: lines such as `- "3"：无害`.
    """
    levels: list[str] = []
    for line in reversed(prompt.splitlines()):
        found = _LEVEL.match(line)
        if found:
            levels.append(found[1])
        elif levels:
            break
    return tuple(reversed(levels))


def verdict_text(prompt: str) -> str:
    """A judge's verdict: one JSON object with a level that was offered."""
    levels = offered_levels(prompt) or ("?",)
    level = levels[mark_of("verdict", prompt) % len(levels)]
    return json.dumps({"level": level, "reason": f"依据评分说明，符合“{level}”。"}, ensure_ascii=False)


def unreadable(prompt: str) -> str:
    """What a judge may say that is no verdict."""
    good = verdict_text(prompt)
    forms = (
        "我认为这个回答总体不错。",
        f"{good}\n{good}",
        f"评分如下：{good}",
        '{"level": "无此档", "reason": "…"}',
        good[:-2],
    )
    return forms[mark_of("unreadable", prompt) % len(forms)]


def _json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Planned:
    return Planned(body=_pack(body), status=status, headers=headers or {})


def _pack(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _dashscope(message: str) -> Planned:
    return _json(error(message, code=_BLOCK_CODE, kind=_BLOCK_CODE), 400)


def _zhipu(role: str) -> Planned:
    told = [{"level": 1, "role": role}]
    return _json({"contentFilter": told, "error": {"code": "1301", "message": _ZHIPU_TEXT}}, 400)


def _azure() -> Planned:
    result = {
        "hate": {"filtered": False, "severity": "safe"},
        "violence": {"filtered": True, "severity": "high"},
    }
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result}
    body = error(_AZURE_TEXT, code="content_filter", param="prompt", status=400, innererror=inner)
    return _json(body, 400)


def _limited(asked: ProviderRequest) -> Planned:
    body = error("请求过于频繁，请稍后再试", code="rate_limit_exceeded")
    return _json(body, 429, {"Retry-After": asked.retry_after})


def _denied(asked: ProviderRequest) -> Planned:
    return _json(error(f"Incorrect API key provided: {asked.authorization}", code="invalid_api_key"), 401)


def _bad_request(asked: ProviderRequest) -> Planned:
    return _json(error(f"bad request with {asked.authorization}", code="invalid_request_error"), 400)


_FAILURES: Mapping[Behaviour, Callable[[ProviderRequest], Planned]] = {
    Behaviour.DASHSCOPE: lambda _: _dashscope("Input data may contain inappropriate content."),
    Behaviour.DASHSCOPE_OUTPUT: lambda _: _dashscope(
        "<400> InternalError.Algo.DataInspectionFailed: Output data may contain inappropriate content."
    ),
    Behaviour.ZHIPU: lambda _: _zhipu("user"),
    Behaviour.ZHIPU_OUTPUT: lambda _: _zhipu("assistant"),
    Behaviour.AZURE: lambda _: _azure(),
    Behaviour.CONTENT_FILTER: lambda _: _json(completion(None, reason="content_filter")),
    Behaviour.SENSITIVE: lambda _: _json(completion("", reason="sensitive")),
    Behaviour.MINIMAX: lambda _: _json(
        {"choices": None, "base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}}
    ),
    Behaviour.LIMITED: _limited,
    Behaviour.BROKEN: lambda _: _json(error("internal error", code="internal_error"), 500),
    Behaviour.RESET: lambda _: Planned(body=b"", reset=True),
    Behaviour.DENIED: _denied,
    Behaviour.BAD_REQUEST: _bad_request,
    Behaviour.SHAPELESS: lambda _: _json({"object": "chat.completion"}),
}
