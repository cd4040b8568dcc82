"""What providers, routers and firewalls were seen to answer besides what their documentation shows: bodies by marker.

Laid out as public reports show them (see `liangxin.models.finish_reasons`, `complaints` and `faults` for where); the
texts are our own. A prompt with `[[safety]]` meets the body of that name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from liangxin.testing.behaviours import Planned, completion, error

HALF = "首先，你可以"
SAID = "各位来宾，晚上好。"
THOUGHT = "抱歉，我不能写这种内容。不过用户坚持。"

_RISK = error("Content Exists Risk", code="invalid_request_error", kind="invalid_request_error")
_PAGE = "<!DOCTYPE html><html><head><title>请求已被拦截</title></head><body>Web 应用防火墙</body></html>"


def _body(value: object, status: int = 200) -> Planned:
    return Planned(body=json.dumps(value, ensure_ascii=False).encode(), status=status)


def _choice(content: object, reason: str | None, **more: object) -> Planned:
    message = {"role": "assistant", "content": content}
    return _body({"choices": [{"index": 0, "message": message, "finish_reason": reason, **more}]})


def _told(message: str, status: int = 400, **more: object) -> Planned:
    return _body(
        {"error": {"message": message, "type": "api_error", "param": None, "code": "400", **more}}, status
    )


BODIES: Mapping[str, Planned] = {
    "safety": _choice(HALF, "SAFETY"),
    "prohibited": _choice(None, "PROHIBITED_CONTENT"),
    "guardrail": _choice(HALF, "guardrail_intervened"),
    "model-error": _choice(HALF, "model_error"),
    "unknown-finish": _choice(HALF, "grid_lost"),
    "choice-error": _choice(HALF, None, error={"code": 502, "message": "Upstream provider disconnected"}),
    "choice-error-empty": _choice("", None, error={"code": 502, "message": "Upstream idle timeout exceeded"}),
    "choice-moderation": _choice(HALF, None, error={"code": 403, "message": "Content Exists Risk"}),
    "gateway-suffix": _told("Content Exists Risk (request id: 20241101)"),
    "router-json": _told(
        f"Error from provider(deepseek,deepseek-chat: 400): {json.dumps(_RISK)}",
        500,
        code="provider_response_error",
    ),
    "router-python": _told(
        f"litellm.BadRequestError: DeepseekException - Error code: 400 - {_RISK}. Received Model"
    ),
    "router-twice": _told(f"upstream said {json.dumps(json.dumps(_RISK))}", 500),
    "router-busy": _told(
        "Error from provider: " + json.dumps(error("busy", code=503)), 400, code="provider_response_error"
    ),
    "content-number": _choice(5, "stop"),
    "content-object": _choice({"text": SAID}, "stop"),
    "content-numbers": _choice([1, 2], "stop"),
    "firewall": Planned(body=_PAGE.encode(), status=403, headers={"Content-Type": "text/html"}),
    "quota": _body(
        error("You exceeded your current quota.", code="insufficient_quota", kind="insufficient_quota"), 429
    ),
    "reasoning-only": _body(completion(None, reasoning=THOUGHT)),
    "seed-think": _choice(f"<seed:think>{THOUGHT}</seed:think>{SAID}", "stop"),
    "harmony": _choice(
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{SAID}<|return|>",
        "stop",
    ),
    "own-marks": _choice(f"«思»{THOUGHT}«/思»{SAID}", "stop"),
}

DEMANDS: Mapping[str, Planned] = {
    "stream": _told("parameter.enable_thinking must be set to false for non-streaming calls"),
    "max_completion_tokens": _told(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        code="unsupported_parameter",
        param="max_tokens",
    ),
}
"""What a request meets that lacks what the provider demands: a stream, or the token limit under its newer name."""


def unmet(demands: frozenset[str], payload: Mapping[str, object]) -> Planned | None:
    """What a request meets where the provider demands something that it lacks."""
    lacks = {"stream": payload.get("stream") is not True, "max_completion_tokens": "max_tokens" in payload}
    return next((DEMANDS[name] for name in sorted(demands) if lacks[name]), None)


def as_text(planned: Planned) -> Planned:
    """A chat completion as a completion: each choice has a text and no message."""
    try:
        whole = json.loads(planned.body)
    except ValueError:
        return planned
    for choice in whole.get("choices") or () if isinstance(whole, dict) else ():
        choice["text"] = (choice.pop("message", None) or {}).get("content") or ""
    return replace(planned, body=json.dumps(whole, ensure_ascii=False).encode())
