"""What the test provider answers at `/v1/messages`: the same behaviours in the shape of Anthropic's Messages API.

Blocks of other providers become Anthropic's own: a refusal of its classifiers, with or without text before
it, or its content filter's error. See `liangxin.models.anthropic` for where the shapes were read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from liangxin.testing.behaviours import LONG, ONCE, Behaviour, Planned, ProviderRequest, good_text

THOUGHT = "先想想对方需要什么，再决定怎么说。"

_REFUSED = frozenset(
    {
        Behaviour.DASHSCOPE,
        Behaviour.ZHIPU,
        Behaviour.CONTENT_FILTER,
        Behaviour.SENSITIVE,
    }
)
"""Refused before anything was written."""
_REFUSED_LATE = frozenset({Behaviour.DASHSCOPE_OUTPUT, Behaviour.ZHIPU_OUTPUT, Behaviour.MINIMAX})
"""Refused in the middle of the answer."""
_ERRORS: Mapping[Behaviour, tuple[int, str, str]] = {
    Behaviour.AZURE: (400, "invalid_request_error", "Output blocked by content filtering policy"),
    Behaviour.LIMITED: (429, "rate_limit_error", "This request would exceed your rate limit."),
    Behaviour.BROKEN: (529, "overloaded_error", "Overloaded"),
    Behaviour.DENIED: (401, "authentication_error", "invalid x-api-key {key}"),
    Behaviour.BAD_REQUEST: (400, "invalid_request_error", "bad request with {key}"),
}


def message(
    text: str | None,
    *,
    model: str = "",
    reason: str | None = "end_turn",
    thinking: str | None = None,
    details: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The body of a message; no text makes an empty content."""
    content: list[dict[str, object]] = []
    if thinking is not None:
        content.append({"type": "thinking", "thinking": thinking, "signature": "c2ln"})
    if text is not None:
        content.append({"type": "text", "text": text})
    return {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "stop_details": details,
        "usage": {"input_tokens": 12, "cache_read_input_tokens": 8, "output_tokens": 30},
    }


def error(kind: str, said: str) -> dict[str, object]:
    """The body of an error."""
    return {"type": "error", "error": {"type": kind, "message": said}, "request_id": "req_test"}


def respond_message(behaviour: Behaviour, asked: ProviderRequest) -> Planned:
    """What is sent back to a request under a behaviour (the `…_ONCE` ones as at the first request)."""
    behaviour = ONCE.get(behaviour, behaviour)
    if behaviour in _ERRORS:
        status, kind, said = _ERRORS[behaviour]
        headers = {"Retry-After": asked.retry_after} if status == 429 else {}
        body = _pack(error(kind, said.format(key=asked.authorization)))
        return Planned(body=body, status=status, headers=headers)
    if behaviour is Behaviour.RESET:
        return Planned(body=b"", reset=True)
    if behaviour is Behaviour.SHAPELESS:
        return Planned(body=_pack({"type": "message"}))
    body = _pack(_good(behaviour, asked))
    if behaviour is Behaviour.MALFORMED:
        body = body[: len(body) // 2]
    return Planned(body=body, slow=behaviour is Behaviour.SLOW)


def _good(behaviour: Behaviour, asked: ProviderRequest) -> dict[str, object]:
    whole = good_text(behaviour, asked)
    text: str | None = whole
    thinking, details = None, None
    reason = "end_turn"
    if behaviour in _REFUSED:
        text, reason = None, "refusal"
        details = {"type": "refusal", "category": "general_harms", "explanation": None}
    elif behaviour in _REFUSED_LATE:
        text, reason = whole[: len(whole) // 2], "refusal"
    elif behaviour is Behaviour.TRUNCATED:
        text, reason = whole[: max(1, len(whole) // 2)], "max_tokens"
    elif behaviour is Behaviour.EMPTY:
        text = None
    elif behaviour in (Behaviour.THINK, Behaviour.REASONING):
        thinking = THOUGHT
    elif behaviour is Behaviour.THINK_CUT:
        text, thinking, reason = None, THOUGHT, "max_tokens"
    elif behaviour is Behaviour.THINK_STOPPED:
        text, thinking = None, THOUGHT
    elif behaviour is Behaviour.LONG:
        text = (whole * (LONG // len(whole) + 1))[:LONG]
    return message(text, model=asked.model, reason=reason, thinking=thinking, details=details)


def _pack(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
