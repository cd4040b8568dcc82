"""What an error body says, wherever it says it: the provider's own words through every gateway that handed them on.

Pure functions that never raise, whatever the body is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Side = Literal["input", "output"]

_LONGEST = 2000
_LONGEST_HANDED_ON = 1 << 16
_DEEPEST = 3
"""Gateways behind gateways."""

_SUFFIX = re.compile(
    r"(?:\s*[(（]\s*(?:request|trace|log)[ _-]?id\s*[:：][^()（）]*[)）])+\s*\Z", re.IGNORECASE
)
"""What one-api and new-api write behind every message: ` (request id: 2024…)` (songquanpeng/one-api,
QuantumNous/new-api: `MessageWithRequestId`)."""

SPENT_CODES: Mapping[str, str] = {
    "insufficientquota": "OpenAI and DashScope: 429 insufficient_quota (QwenLM/qwen-code#7841)",
    "billinghardlimitreached": "OpenAI: 400 billing_hard_limit_reached",
    "billingnotactive": "OpenAI: 429 billing_not_active",
    "exceededcurrentquotaerror": "Moonshot: 429 exceeded_current_quota_error (platform.kimi.com/docs/api/errors)",
    "1113": "Zhipu: 429 with 1113, the account is in arrears (docs.z.ai/api-reference/api-code)",
    "arrearage": "DashScope: 400 Arrearage (help.aliyun.com/zh/model-studio/error-code)",
    "accountoverdueerror": "Volcengine Ark: 403 AccountOverdueError (volcengine.com/docs/82379/1299023)",
    "insufficientuserquota": "one-api and new-api: 403 insufficient_user_quota",
    "billingerror": "Anthropic: 402 billing_error (platform.claude.com/docs/en/api/errors)",
}
"""Codes that say that the account can pay for nothing more, with where each was read."""

_NO_MODEL_CODES: Mapping[str, str] = {
    "modelnotfound": "OpenAI and DashScope: 404 model_not_found; new-api: 503 model_not_found, no channel serves it",
    "modelnotfounderror": "as a class of its own",
    "invalidmodel": "OpenAI: 400 invalid_model",
}
_NO_MODEL = re.compile(
    r"\bmodel\b.{0,100}\b(?:not exist|not found)|模型.{0,100}不存在", re.IGNORECASE | re.DOTALL
)
"""DeepSeek: 400 "Model Not Exist"; vLLM: 404 "The model `x` does not exist."; Zhipu: 400 with 1211, "模型不存在"."""
_ZHIPU_SPENT = re.compile(r"欠费|余额|arrears|balance", re.IGNORECASE)
"""1113 alone could be another provider's code."""
_NOT_WORD = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What an error body says, wherever it says it."""

    codes: tuple[str, ...] = ()
    """As the provider wrote them."""
    messages: tuple[str, ...] = ()
    """The innermost first: the provider's own sentence before what a gateway made of it."""
    side: Side | None = None

    @property
    def message(self) -> str:
        """The first thing said."""
        return self.messages[0] if self.messages else ""


def complaint(body: object) -> Complaint | None:
    """The error that a body holds, or None where it holds none.

    Understands `error` as an object or a text, `base_resp` (MiniMax), `error_code`/`error_msg`, a bare
    `code`/`message` or `detail` at the top where there are no choices, and a body that a message quotes as JSON: what
    was handed on comes first, since it decides.
    """
    if not isinstance(body, Mapping):
        return None
    places = list(_every_place(body, _DEEPEST))
    codes = [code for place in places for code in _codes(place)]
    messages = [said for place in places if (said := _message(place))]
    if not codes and not messages:
        return None
    return Complaint(codes=tuple(codes), messages=tuple(messages), side=_told_side(body, places))


def handed_on(body: object, deepest: int = _DEEPEST) -> Mapping[str, object] | None:
    """The provider's own body within a message of a gateway's, the innermost one; None where there is none.

    Source: BerriAI/litellm (proxy errors) and musistudio/claude-code-router#948 quote it as JSON; Python clients as a
    Python literal (`Error code: 400 - {'error': …}`).
    """
    if deepest <= 0 or not isinstance(body, Mapping):
        return None
    for place in _places(body):
        inner = _quoted(place)
        if inner is not None:
            return handed_on(inner, deepest - 1) or inner
    return None


def bare(message: str) -> str:
    """A message without what gateways write behind it."""
    return _SUFFIX.sub("", message)


def is_spent(error: Complaint) -> bool:
    """Whether an error says for good that nothing more can be paid for."""
    for code in error.codes:
        plain = _NOT_WORD.sub("", code.lower().rpartition(".")[2])
        if plain in SPENT_CODES and (not plain.isdigit() or any(map(_ZHIPU_SPENT.search, error.messages))):
            return True
    return False


def names_no_model(error: Complaint) -> bool:
    """Whether an error says that there is no model of the name that was asked for."""
    plain = (_NOT_WORD.sub("", code.lower().rpartition(".")[2]) for code in error.codes)
    return any(code in _NO_MODEL_CODES for code in plain) or any(map(_NO_MODEL.search, error.messages))


def says_something(error: object) -> bool:
    """Whether what stands as an error is one: some endpoints send it empty beside every good answer."""
    if isinstance(error, Mapping):
        return any(says_something(value) for value in error.values())
    return error not in (None, "", 0, "0", False, [])


def _every_place(body: Mapping[str, object], deepest: int) -> Iterator[Mapping[str, object]]:
    for place in _places(body):
        inner = _quoted(place) if deepest > 1 else None
        if inner is not None:
            yield from _every_place(inner, deepest - 1)
        yield place


def _quoted(place: Mapping[str, object]) -> Mapping[str, object] | None:
    """The body that a place's message quotes."""
    text = _said(place)
    start = text.find("{")
    if start < 0:
        return None
    text = text[start : start + _LONGEST_HANDED_ON]
    found = _json_at_beginning(text)
    if found is None and text.startswith('{\\"'):  # quoted once more, as a JSON text within a text
        found = _json_at_beginning(text.replace('\\"', '"').replace("\\\\", "\\"))
    if found is None and "raw" not in place:
        found = _literal(text)
    return found if isinstance(found, dict) and any(map(says_something, found.values())) else None


def _json_at_beginning(text: str) -> object:
    try:
        found: object = json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None
    return found


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text[: min(text.rfind("}") + 1, _LONGEST)])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _places(body: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    error = body.get("error")
    if isinstance(error, Mapping):
        yield error
        inner = error.get("innererror")
        if isinstance(inner, Mapping):
            yield inner
        metadata = error.get("metadata")
        if isinstance(metadata, Mapping):  # a gateway hands on the provider's own body as text
            yield {"raw": metadata.get("raw")}
    elif isinstance(error, str) and error:
        yield {"message": error}
    wrapped = body.get("base_resp")
    if isinstance(wrapped, Mapping) and wrapped.get("status_code") not in (0, "0", None):
        yield {"code": wrapped.get("status_code"), "message": wrapped.get("status_msg")}
    if "choices" not in body:
        yield body


def _codes(place: Mapping[str, object]) -> Iterator[str]:
    for name in ("type", "code", "error_code"):
        value = place.get(name)
        if isinstance(value, str) and value:
            yield value
        elif isinstance(value, int) and not isinstance(value, bool) and value:
            yield str(value)


def _said(place: Mapping[str, object]) -> str:
    names = ("message", "error_msg", "msg", "detail", "raw")
    return next((value for name in names if isinstance(value := place.get(name), str) and value), "")


def _message(place: Mapping[str, object]) -> str:
    return _said(place)[:_LONGEST]


def _told_side(body: Mapping[str, object], places: list[Mapping[str, object]]) -> Side | None:
    role = role_side(body)
    if role is not None:
        return role
    return "input" if any(place.get("param") == "prompt" for place in places) else None


def role_side(body: Mapping[str, object]) -> Side | None:
    """The side by Zhipu's `contentFilter`: role `assistant` is the output, `user` and `history` the input."""
    found = body.get("contentFilter", body.get("content_filter"))
    told = [
        one
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, Mapping) and isinstance(one.get("role"), str)
    ]
    if not told:
        return None
    gravest = min(told, key=_level)
    return "output" if gravest["role"] == "assistant" else "input"


def _level(one: Mapping[str, object]) -> int:
    """Zhipu's level of gravity: 0 is the worst, 3 the least."""
    level = one.get("level")
    return level if isinstance(level, int) else 3
