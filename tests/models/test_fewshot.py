"""Conversations as text: one line a turn, whatever the turn holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liangxin.models import fewshot
from liangxin.models.fewshot import ASSISTANT, EXAMPLES, USER, as_prompt
from liangxin.records import Message


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_every_turn_is_one_line(turns: list[str]) -> None:
    messages = [Message(role="user", content=turn) for turn in turns]
    lines = as_prompt(messages).split("\n")
    assert len(lines) == 2 * len(EXAMPLES) + len(turns) + 1
    assert lines[-1] == ASSISTANT
    for line, turn in zip(lines[2 * len(EXAMPLES) : -1], turns, strict=True):
        assert line.startswith(USER)
        assert line.removeprefix(USER).split() == turn.split()


def test_a_conversation_keeps_its_order_and_rules_stand_first() -> None:
    prompt = as_prompt(
        [
            Message(role="system", content="请用中文。"),
            Message(role="user", content="一"),
            Message(role="assistant", content="二"),
            Message(role="user", content="三"),
        ]
    )
    assert prompt.startswith("说明：请用中文。\n用户：")
    assert prompt.endswith("\n用户：一\n助手：二\n用户：三\n助手：")


def test_the_digest_changes_with_the_examples(monkeypatch: object) -> None:
    before = fewshot.template_digest()
    kept = fewshot.EXAMPLES
    try:
        fewshot.EXAMPLES = kept[:1]  # type: ignore[assignment]
        assert fewshot.template_digest() != before
    finally:
        fewshot.EXAMPLES = kept
    assert fewshot.template_digest() == before
    assert "{prompt}" in fewshot.template()
