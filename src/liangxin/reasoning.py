"""What a model thought before it answered, split off from what it said: the one place that knows the marks.

Pure functions that never raise, whatever the text is.
"""

from __future__ import annotations

from dataclasses import dataclass

OPEN, CLOSE = "<think>", "</think>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A content split into what was thought and what was said."""

    reasoning: str
    answer: str
    closed: bool = True
    """False: the think block never ends, so nothing was said."""


def split_think(content: str, *, lone_close: bool = True) -> Thought:
    """Split off the think block at the beginning of a content, closed or not.

    Args:
        lone_close: a closing tag alone ends a block too, since chat templates may open it in the prompt.
    """
    start = content.lstrip()
    if start.startswith(OPEN):
        inner, closed, answer = start[len(OPEN) :].partition(CLOSE)
        return Thought(reasoning=inner.strip(), answer=answer.lstrip(), closed=bool(closed))
    if lone_close and CLOSE in content:
        before, _, answer = content.partition(CLOSE)
        if OPEN not in before:
            return Thought(reasoning=before.strip(), answer=answer.lstrip())
    return Thought(reasoning="", answer=content)


def strip_think(content: str) -> str:
    """What was said: nothing where the block never closes, as the answer was cut off before it began."""
    return split_think(content).answer


def with_thought(reasoning: str, answer: str) -> str:
    """The content that `split_think` takes apart again."""
    return f"{OPEN}{reasoning}{CLOSE}\n{answer}" if reasoning else answer
