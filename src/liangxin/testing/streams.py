"""A test provider's whole answer cut into the server-sent events that a streaming provider would send.

Texts are cut after every few characters, so that a think tag or a surrogate pair may lie on a cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PIECES = 200
_SHORTEST = 3


def events_of(body: bytes) -> Sequence[bytes]:
    """The events of a chat completion or of a message; none where the body is neither and goes out whole."""
    try:
        whole: Any = json.loads(body)
    except ValueError:
        return ()
    if isinstance(whole, dict) and isinstance(whole.get("choices"), list):
        return [b"data: %s\n\n" % one for one in (*map(_pack, _chunks(whole)), b"[DONE]")]
    if isinstance(whole, dict) and isinstance(whole.get("content"), list):
        return [
            b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), _pack(event))
            for event in _message_events(whole)
        ]
    return ()


def cut(text: str) -> Iterator[str]:
    """A text in pieces of a few characters."""
    size = max(_SHORTEST, len(text) // _PIECES)
    return (text[at : at + size] for at in range(0, len(text), size))


def _chunks(whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """As OpenAI sends them: the role, the content, the finish reason, and last the usage without a choice."""
    head = {name: value for name, value in whole.items() if name not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    for choice in whole["choices"]:
        message = choice.get("message") or {}
        yield {**head, "choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]}
        for name in ("reasoning_content", "content"):
            value = message.get(name) or ""
            for piece in cut(value) if isinstance(value, str) else (value,):
                yield {**head, "choices": [{"index": 0, "delta": {name: piece}, "finish_reason": None}]}
        text = choice.get("text")
        for piece in cut(text) if isinstance(text, str) else ():
            yield {**head, "choices": [{"index": 0, "text": piece, "finish_reason": None}]}
        rest = {name: value for name, value in choice.items() if name not in ("message", "text")}
        yield {**head, "choices": [{**rest, "delta": {}}]}
    yield {**head, "choices": [], "usage": whole.get("usage")}


def _message_events(whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """As Anthropic sends them; the count of what was written comes at the end."""
    usage = whole.get("usage") or {}
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": begun}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        kind = block["type"]
        yield {"type": "content_block_start", "index": index, "content_block": {"type": kind, kind: ""}}
        for piece in cut(block[kind]):
            delta = {"type": f"{kind}_delta", kind: piece}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {name: whole.get(name) for name in ("stop_reason", "stop_sequence", "stop_details")}
    told = {"output_tokens": usage.get("output_tokens")}
    yield {"type": "message_delta", "delta": ended, "usage": told}
    yield {"type": "message_stop"}


def _pack(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
