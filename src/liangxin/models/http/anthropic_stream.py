"""A streamed answer of Anthropic's Messages API put together (platform.claude.com/docs: build-with-claude/streaming)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from liangxin.models.faults import Fault
from liangxin.models.http.gathering import BROKEN_OFF, not_json, with_evidence
from liangxin.records import Reply


class MessageGathering:
    """One message from its events; the counts of `message_delta` are of the whole message."""

    def __init__(self, read: Callable[[int, bytes], Reply | Fault]) -> None:
        """Begin an answer.

        Args:
            read: reads an answer that came whole.
        """
        self._read = read
        self.ended = False
        self.thinks_apart = False
        self._message: dict[str, Any] | None = None
        self._blocks: dict[int, dict[str, Any]] = {}
        self._parts: dict[tuple[int, str], list[str]] = {}
        self._error: bytes | None = None
        self._fault: Fault | None = None

    def take(self, data: bytes) -> str:
        """See `Gathering`."""
        try:
            event: object = json.loads(data)
        except (ValueError, RecursionError):
            self._fault, self.ended = not_json(data), True
            return ""
        if not isinstance(event, dict):
            return ""
        kind = event.get("type")
        if kind == "error":
            self._error, self.ended = data, True
        elif kind == "message_start" and isinstance(event.get("message"), dict):
            self._message = dict(event["message"])
        elif kind == "content_block_start":
            return self._start(event.get("index"), event.get("content_block"))
        elif kind == "content_block_delta":
            return self._add(event.get("index"), event.get("delta"))
        elif kind == "message_delta":
            self._change(event)
        elif kind == "message_stop":
            self.ended = True
        return ""

    def outcome(self) -> Reply | Fault:
        """See `Gathering`."""
        if self._fault is not None:
            return self._fault
        whole = json.dumps({**(self._message or {}), "content": self._content()}).encode()
        if self._error is not None:
            told = self._read(200, self._error)
            return told if isinstance(told, Fault) else with_evidence(told, self._read(200, whole))
        if self._message is None or not (self.ended or self._message.get("stop_reason")):
            return BROKEN_OFF
        return self._read(200, whole)

    def _start(self, index: object, block: object) -> str:
        if not isinstance(index, int) or not isinstance(block, dict):
            return ""
        self._blocks[index] = dict(block)
        self.thinks_apart = self.thinks_apart or block.get("type") == "thinking"
        return self._add(index, {name: block.get(name) for name in ("text", "thinking")})

    def _add(self, index: object, delta: object) -> str:
        """Take in what a block has got; returns what it adds to the answer."""
        if not isinstance(index, int) or not isinstance(delta, dict) or index not in self._blocks:
            return ""
        for name in ("text", "thinking"):
            value = delta.get(name)
            if isinstance(value, str) and value:
                self._parts.setdefault((index, name), []).append(value)
        said = delta.get("text")
        return said if isinstance(said, str) and self._blocks[index].get("type") == "text" else ""

    def _change(self, event: dict[str, Any]) -> None:
        if self._message is None:
            return
        delta = event.get("delta")
        told = delta if isinstance(delta, dict) else {}
        changed = {name: value for name, value in told.items() if value is not None}
        self._message |= {**changed, "usage": _merged(self._message, event)}

    def _content(self) -> list[dict[str, Any]]:
        joined = {place: "".join(parts) for place, parts in self._parts.items()}
        return [
            {
                **block,
                **{name: joined[index, name] for name in ("text", "thinking") if (index, name) in joined},
            }
            for index, block in sorted(self._blocks.items())
        ]


def _merged(message: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """The usage so far with what an event says of it; its counts are of the whole answer."""
    parts = [one for one in (message.get("usage"), event.get("usage")) if isinstance(one, dict)]
    return {name: value for part in parts for name, value in part.items() if value is not None}
