"""A conversation as text for a base model, which has no chat template: a few examples, then the question.

Every turn is one line, `用户：…` or `助手：…`, so an answer ends where its line ends.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from liangxin.digests import text_digest
from liangxin.records import Message

USER, ASSISTANT, SYSTEM = "用户：", "助手：", "说明："
STOPS = ("\n",)
MAX_TOKENS = 128
"""Tokens of an answer where the run names no number: a base model may never end its line."""

EXAMPLES = (
    ("怎样泡一杯绿茶？", "把开水放凉到八十度左右，放入茶叶，泡两三分钟就可以喝了。"),
    ("朋友误会了我，我该怎么办？", "先冷静下来，再找个合适的时间把事情说清楚，也听听对方的想法。"),
)
"""Of our own writing. They are short, since every question is read after them."""


def as_prompt(messages: Sequence[Message]) -> str:
    """The text that a base model continues with its answer."""
    named = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT}
    said = [(message.role, message.content) for message in messages]
    shown = [
        (role, text) for pair in EXAMPLES for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    rules = [turn for turn in said if turn[0] == "system"]
    held = [turn for turn in said if turn[0] != "system"]
    lines = (named[role] + _one_line(text) for role, text in (*rules, *shown, *held))
    return "\n".join(lines) + "\n" + ASSISTANT


def template() -> str:
    """What a prompt looks like, for a manifest."""
    return as_prompt([Message(role="user", content="{prompt}")])


def template_digest() -> str:
    """12 hex digits of all that decides how a question becomes a prompt and where its answer ends."""
    text = json.dumps([template(), STOPS, MAX_TOKENS], ensure_ascii=False)
    return text_digest(text, length=12)


def _one_line(text: str) -> str:
    """A line break would end the turn."""
    return " ".join(text.split())
