"""One answer of llama.cpp as its pieces come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from liangxin.models.channel import Tell
from liangxin.models.reading import finish, read_usage
from liangxin.records import Reply, ReplyStatus
from liangxin.text import short


class AnswerPieces:
    """Gathers the pieces of one answer as llama.cpp streams them."""

    def __init__(self, deadline: float, stopped: Callable[[], bool], tell: Tell | None = None) -> None:
        """Begin.

        Args:
            deadline: of `time.perf_counter()`.
            stopped: whether to stop writing.
            tell: is handed the content as it comes.
        """
        self._deadline = deadline
        self._stopped = stopped
        self._tell = tell
        self._gone = False
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._reason: str | None = None
        self._usage: object = None
        self._error = ""
        self._late = False

    def take(self, piece: object) -> bool:
        """Keep one piece; True asks llama.cpp to stop."""
        for one in piece if isinstance(piece, list) else [piece]:
            if isinstance(one, dict):
                self._keep(one)
        self._late = time.perf_counter() > self._deadline and self._reason is None
        return self._late or self._gone or self._stopped()

    def reply(self, timeout: float) -> Reply:
        """What the pieces make."""
        if self._error:
            return Reply(status=ReplyStatus.FAILED, detail=f"llama.cpp: {short(self._error)}")
        if self._reason is None:
            why = f"no answer within {timeout:g} s" if self._late else "stopped before its end"
            return Reply(status=ReplyStatus.FAILED, detail=why)
        return finish(
            "".join(self._text),
            self._reason,
            reasoning="".join(self._reasoning),
            usage=read_usage(self._usage),
        )

    def _keep(self, piece: dict[str, Any]) -> None:
        error = piece.get("error", piece if "choices" not in piece and "message" in piece else None)
        if error:
            self._error = str(error.get("message", error)) if isinstance(error, dict) else str(error)
        self._usage = piece.get("usage") or self._usage
        for choice in piece.get("choices") or ():
            delta = choice.get("delta") or {}
            self._text.append(choice.get("text") or delta.get("content") or "")
            thought = delta.get("reasoning_content") or ""
            if thought:
                self._reasoning.append(thought)
            if self._tell is not None:
                self._gone = self._tell(self._text[-1], bool(self._reasoning))
            self._reason = choice.get("finish_reason") or self._reason
