"""What an OpenAI-compatible answer says: text, reasoning, status; or why it is none.

Pure functions over what came back, shared by everything that answers: an endpoint, a recorded file, a
script. They never raise, whatever the bytes are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from liangxin.models.blocks import Block, classify, classify_choice, complaint
from liangxin.reasoning import split_think
from liangxin.records import Reply, ReplyStatus, Usage
from liangxin.zh import clean_text

CUT_OFF = frozenset({"length", "max_tokens", "model_length", "model_context_window_exceeded"})
"""Finish reasons that mean cut off: OpenAI's, and the words of gateways, Mistral and Zhipu."""

BROKEN_OFF = frozenset({"network_error", "insufficient_system_resource", "error", "abort"})
"""Finish reasons of a provider's own failure (Zhipu, DeepSeek, OpenRouter, vLLM): asked again."""

_HTTP_ERROR = re.compile(r"[45]\d\d", re.ASCII)
_RETRIED = frozenset({408, 429})
_DENIED = frozenset({401, 403})
_MINIMAX_STATUS: Mapping[str, int] = {
    "1001": 408,
    "1002": 429,
    "1039": 429,
    "1041": 429,
    "1004": 401,
    "2049": 401,
    "1008": 402,
    "2013": 400,
}
"""platform.minimax.io/docs/api-reference/errorcode, for errors that come under HTTP 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An answer that is none: what happened, and whether asking again may help."""

    what: str
    """Short, ours: `HTTP 500`, `the answer is not JSON`."""
    said: str = ""
    """The endpoint's own words, raw: scrub before showing."""
    retry: bool = False
    limited: bool = False
    """The endpoint asks for fewer requests (429)."""
    denied: bool = False
    """The endpoint refuses the key (401, 403)."""


def read_answer(status: int, raw: bytes) -> Reply | Fault:
    """Read one HTTP answer of a chat completion endpoint."""
    try:
        body: object = json.loads(raw)
    except (ValueError, RecursionError):
        text = raw[: 1 << 16].decode("utf-8", "replace")
        what = "the answer is not JSON" if _fine(status) else f"HTTP {status}"
        return status_fault(status, what, text, retry=_fine(status))
    if isinstance(body, dict):
        choices = body.get("choices")
        if _fine(status) and isinstance(choices, list) and choices and isinstance(choices[0], dict):
            return _read_choice(choices[0], body)
        block = classify(status, body)
        if block is not None:
            return _blocked(block, usage=read_usage(body.get("usage")))
    return _read_error(status, body)


def finish(
    text: str,
    reason: str | None,
    *,
    reasoning: str = "",
    block: Block | None = None,
    usage: Usage = Usage(),
) -> Reply:
    """The reply that a content and a finish reason make.

    Args:
        text: the content as it came, a think block at its beginning included.
        reason: the finish reason; None where it is not known.
        reasoning: what came apart from the content.
        block: a block of the output, which overrules the rest; the partial text is kept as evidence.
    """
    thought = split_think(clean_text(text), lone_close=not reasoning)
    apart = clean_text(reasoning)
    known = "\n\n".join(part for part in (apart, thought.reasoning) if part.strip())
    if block is not None:
        return Reply(
            text=thought.answer,
            reasoning=known,
            status=ReplyStatus.FILTERED,
            detail=block.detail,
            usage=usage,
        )
    cut = not thought.closed if reason is None else reason.lower() in CUT_OFF
    said = bool(thought.answer.strip())
    if cut:
        status = ReplyStatus.TRUNCATED
        where = f"finish_reason {reason}" if reason else "the think block does not end"
        detail = where if said else f"{where}: nothing was said before the end"
    elif said:
        status, detail = ReplyStatus.OK, ""
    else:
        status, detail = ReplyStatus.EMPTY, f"finish_reason {reason}" if reason else ""
    return Reply(
        text=thought.answer if said else "", reasoning=known, status=status, detail=detail, usage=usage
    )


def read_recorded(text: str, reason: str | None, reasoning: str = "") -> Reply:
    """The reply that a recorded or scripted content makes: its finish reason counts as an endpoint's would."""
    if reason is not None and reason.lower() in BROKEN_OFF:
        return Reply(status=ReplyStatus.FAILED, detail=f"finish_reason {reason}")
    return finish(text, reason, reasoning=reasoning, block=classify_choice({"finish_reason": reason}, {}))


def overrule(read: Reply, status: str | None, detail: str) -> Reply:
    """A recorded or scripted reply with the status and detail that were written beside it.

    Args:
        status: one of the reply statuses; None leaves what was read. `ok` cannot make an answer of nothing.
        detail: empty leaves what was read. For a block it gets the side in front where it names none.
    """
    told = ReplyStatus(status) if status else read.status
    if told is ReplyStatus.OK and not read.text:
        told = read.status
    known = detail or (read.detail if told is read.status else f"recorded as {told}")
    if told is ReplyStatus.FILTERED and not known.startswith(("input:", "output:")):
        known = f"{'output' if read.text else 'input'}: {known}"
    return replace(read, status=told, detail=known)


def read_usage(value: object) -> Usage:
    """Token counts; None for what is missing or no count."""
    if not isinstance(value, dict):
        return Usage()
    return Usage(
        prompt_tokens=_count(value.get("prompt_tokens")),
        completion_tokens=_count(value.get("completion_tokens")),
    )


def _read_choice(choice: dict[str, object], body: dict[str, object]) -> Reply | Fault:
    usage = read_usage(body.get("usage"))
    reason = choice.get("finish_reason")
    reason = reason if isinstance(reason, str) and reason else None
    message = choice.get("message")
    if message is None and isinstance(choice.get("text"), str):  # a completion, which is no chat
        message = {"content": choice["text"]}
    block = None
    if reason != "stop" or "flag" in choice:
        block = classify_choice(choice, body)
    if block is None and "base_resp" in body:
        block = classify(200, body)
    if reason is not None and reason.lower() in BROKEN_OFF:
        return Fault(what=f"finish_reason {reason}", retry=True)
    if not isinstance(message, dict):
        if block is not None:
            return _blocked(block, usage=usage)
        return Fault(what="the answer holds no message", said=said_in(body), retry=True)
    text, thinking = content_of(message.get("content"))
    refusal = message.get("refusal")
    if not text.strip() and isinstance(refusal, str):
        text = refusal
    apart = thought_apart(message) or thinking
    if block is None and body.get("error") and not (text.strip() or apart.strip()):
        block = classify(200, {"error": body["error"]})
        return _blocked(block, usage=usage) if block else _read_error(200, {"error": body["error"]})
    return finish(text, reason, reasoning=apart, block=block, usage=usage)


def thought_apart(message: Mapping[str, object]) -> str:
    """What a message says in a field of its own that the model thought; empty where there is none."""
    for name in ("reasoning_content", "reasoning"):
        value = message.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def content_of(content: object) -> tuple[str, str]:
    """Text and thinking of a message's content: a text, a list of parts, or nothing."""
    if isinstance(content, str):
        return content, ""
    said: list[str] = []
    thought: list[str] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, dict):
            said.extend(value for name in ("text", "refusal") if isinstance(value := part.get(name), str))
            thought.append(_thinking(part.get("thinking")))
    return "".join(said), "".join(thought)


def _thinking(value: object) -> str:
    """A part's thinking: a text, or a list of text parts (Mistral)."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else ()
    return "".join(
        part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def _read_error(status: int, body: object) -> Fault:
    error = complaint(body)
    if not _fine(status):
        return status_fault(status, f"HTTP {status}", said_in(body))
    if error is None:
        return Fault(what="the answer is not a chat completion", said=said_in(body), retry=True)
    inner = _inner_status(body)
    if inner is None:
        return Fault(what="the answer is an error", said=said_in(body), retry=True)
    return status_fault(inner, f"HTTP {status} with error {inner}", said_in(body))


def status_fault(status: int, what: str, said: str, *, retry: bool = False) -> Fault:
    """The fault of an HTTP status: whether to ask again, more slowly, or not at all.

    Args:
        retry: ask again whatever the status is.
    """
    return Fault(
        what=what,
        said=said,
        retry=retry or status in _RETRIED or status >= 500,
        limited=status == 429,
        denied=status in _DENIED,
    )


def _inner_status(body: object) -> int | None:
    """The HTTP-like status of an error that came under HTTP 200, or None."""
    if not isinstance(body, dict):
        return None
    wrapped = body.get("base_resp")
    if isinstance(wrapped, dict):
        return _MINIMAX_STATUS.get(str(wrapped.get("status_code")))
    error = body.get("error")
    if not isinstance(error, dict):
        return None
    told = [str(error.get(name)) for name in ("code", "status", "http_code")]
    return next((int(one) for one in told if _HTTP_ERROR.fullmatch(one)), None)


def said_in(body: object) -> str:
    """The provider's own words in an error body: code and message where there are any, else the body."""
    error = complaint(body)
    if error is not None and error.message:
        code = error.codes[-1] if error.codes else ""
        return f"{code} {error.message}".strip()
    try:
        return json.dumps(body, ensure_ascii=False)[: 1 << 16]
    except (ValueError, RecursionError):
        return ""


def _blocked(block: Block, *, usage: Usage = Usage()) -> Reply:
    return Reply(status=ReplyStatus.FILTERED, detail=block.detail, usage=usage)


def _fine(status: int) -> bool:
    return 200 <= status <= 299


def _count(value: object) -> int | None:
    """A plausible number of tokens: a larger one is an endpoint's nonsense, and no store could hold it."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None
