"""The events of a streamed answer put together into the one answer they stand for.

What was put together is read by the same function as an answer that came whole, so that status, block codes,
think blocks and usage cannot come out differently.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Protocol

from liangxin.models.complaints import complaint, says_something
from liangxin.models.faults import Fault, wrong_content_fault
from liangxin.models.finish_reasons import finish_word
from liangxin.models.reading import content_of, read_answer, thought_apart, wrong_content
from liangxin.records import Reply, ReplyStatus

BROKEN_OFF = Fault(what="the stream ended before the answer did", retry=True)
_DONE = b"[DONE]"


class Gathering(Protocol):
    """One streamed answer of one protocol."""

    ended: bool
    """The provider has said that nothing follows, or something came after which nothing can."""
    thinks_apart: bool
    """Whether thoughts have come outside the content."""

    def take(self, data: bytes) -> str:
        """Take in one event; returns the content that it adds."""
        ...

    def outcome(self) -> Reply | Fault:
        """What all of it says."""
        ...


class ChatGathering:
    """A stream of chat completion chunks (or of completion chunks).

    Source: the chunk object of platform.openai.com/docs/api-reference/chat-streaming, with the differences of
    other providers: the whole message in a last chunk (MiniMax), usage within a choice (Moonshot), an error
    in the middle.
    """

    def __init__(self) -> None:
        self.ended = False
        self.thinks_apart = False
        self._said: list[str] = []
        self._refused: list[str] = []
        self._thought: list[str] = []
        self._choice: dict[str, Any] = {}
        self._body: dict[str, Any] = {}
        self._came = False
        self._done = False
        self._error: bytes | None = None
        self._fault: Fault | None = None

    def take(self, data: bytes) -> str:
        """See `Gathering`."""
        if data.strip() == _DONE:
            self._done = self.ended = True
            return ""
        try:
            chunk: object = json.loads(data)
        except (ValueError, RecursionError):
            self._fault, self.ended = not_json(data), True
            return ""
        if not isinstance(chunk, dict):
            return ""
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict) and _wrong(chunk):
            self._error, self.ended = data, True
            return ""
        # Flags of a block and the usage stand beside the choices, in any chunk.
        self._body |= {
            name: value for name, value in chunk.items() if name != "choices" and value is not None
        }
        return self._read(choice) if isinstance(choice, dict) else ""

    def outcome(self) -> Reply | Fault:
        """See `Gathering`."""
        if self._fault is not None:
            return self._fault
        whole = self._whole()
        if self._error is not None:
            told = read_answer(200, self._error)
            return told if isinstance(told, Fault) else with_evidence(told, read_answer(200, whole))
        if not self._done and "finish_reason" not in self._choice:
            told = read_answer(200, whole) if self._came and self._failing else BROKEN_OFF
            return told if isinstance(told, Fault) or told.status is ReplyStatus.FILTERED else BROKEN_OFF
        return read_answer(200, whole)

    def whole(self) -> bytes | None:
        """The answer as it would have come whole; None where it broke off without a word of why."""
        ended = self._done or "finish_reason" in self._choice or (self._came and self._failing)
        return self._whole() if ended and self._fault is None else None

    @property
    def _failing(self) -> bool:
        """Whether something came beside the choice that tells why no more did."""
        return any(says_something(one.get("error")) for one in (self._choice, self._body)) or bool(
            self._body.get("base_resp")
        )

    def _read(self, choice: dict[str, Any]) -> str:
        self._came = True
        self._choice |= {
            name: value
            for name, value in choice.items()
            if name not in ("delta", "message", "text") and value not in (None, "")
        }
        if finish_word(self._choice.get("finish_reason")) is None:
            self._choice.pop("finish_reason", None)
        if isinstance(choice.get("usage"), dict):
            self._body["usage"] = choice["usage"]
        whole = choice.get("message")
        if isinstance(whole, dict) and not isinstance(choice.get("delta"), dict):
            return self._replace(whole)
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            text = choice.get("text")
            delta = {"content": text} if isinstance(text, str) else {}
        return self._add(delta)

    def _add(self, delta: dict[str, Any]) -> str:
        if found := wrong_content(delta.get("content")):
            self._fault, self.ended = wrong_content_fault(found, delta["content"]), True
            return ""
        if says_something(delta.get("error")):
            self._choice["error"] = delta["error"]
        said, thought = content_of(delta.get("content"))
        apart = thought_apart(delta) or thought
        if apart:
            self._thought.append(apart)
            self.thinks_apart = True
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refused.append(refusal)
        if said:
            self._said.append(said)
            return said
        return refusal if isinstance(refusal, str) and not "".join(self._said).strip() else ""

    def _replace(self, message: dict[str, Any]) -> str:
        """Take a whole message for what was gathered of it; returns what it adds."""
        before = "".join(self._said)
        self._said, self._refused, self._thought = [], [], []
        self._add(message)
        after = "".join(self._said)
        return after[len(before) :] if after.startswith(before) else ""

    def _whole(self) -> bytes:
        """The answer as it would have come whole; a surrogate pair that was cut in two is joined by it."""
        message: dict[str, Any] = {"content": "".join(self._said)}
        if self._refused:
            message["refusal"] = "".join(self._refused)
        if self._thought:
            message["reasoning_content"] = "".join(self._thought)
        choices = [{**self._choice, "message": message}] if self._came else []
        return json.dumps({**self._body, "choices": choices}).encode()


def _wrong(chunk: dict[str, Any]) -> bool:
    """Whether a chunk without a choice is an error; MiniMax's says 0 where all is well."""
    error = complaint({name: value for name, value in chunk.items() if name != "choices"})
    named = chunk.get("error") or chunk.get("base_resp") or chunk.get("error_code")
    return error is not None and bool(named or "choices" not in chunk)


def not_json(data: bytes) -> Fault:
    """The fault of an event that cannot be read."""
    said = data[: 1 << 16].decode("utf-8", "replace")
    return Fault(what="a part of the stream is not JSON", said=said, retry=True)


def with_evidence(block: Reply, said: Reply | Fault) -> Reply:
    """A block that came in the middle, with what had been said before it."""
    if isinstance(said, Fault) or said.status is ReplyStatus.FILTERED:
        return block
    return replace(block, text=said.text, reasoning=said.reasoning, usage=said.usage)
