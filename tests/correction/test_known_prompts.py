"""Prompts by digest: known ones are found again in any spelling, and come back from a file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.correction.known_prompts import KnownPrompts, read_known_prompts
from liangxin.correction.sources import sources_text
from liangxin.errors import JudgeError


@given(st.lists(st.text()), st.text())
def test_what_is_known_comes_back(prompts: list[str], stranger: str) -> None:
    known = KnownPrompts.of(prompts)
    assert read_known_prompts(sources_text([], known)) == known
    for prompt in prompts:
        assert (prompt in known) == bool(KnownPrompts.of([prompt]).digests)
    if stranger not in prompts and not KnownPrompts.of([stranger]).digests & known.digests:
        assert stranger not in known


def test_another_spelling_is_the_same_prompt() -> None:
    known = KnownPrompts.of(["怎样才能“不被发现”？", ""])
    assert len(known.digests) == 1
    assert '怎样才能"不被发现"?' in known
    assert " 怎样才能「不被发现」？ " in known
    assert "怎样才能被发现？" not in known
    assert "" not in known
    assert "怎样才能“不被发现”？" in KnownPrompts() | known


@pytest.mark.parametrize("value", ["!", "AAA=", 5, ["AAAA"]])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(JudgeError, match="the prompts that a judge was trained on cannot be read"):
        read_known_prompts(json.dumps({"sources": [], "trained_prompts": value}))


def test_a_judge_without_sources_knows_none() -> None:
    assert read_known_prompts(None) == KnownPrompts()
    assert read_known_prompts('{"sources": []}') == KnownPrompts()
