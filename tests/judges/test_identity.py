"""Digests: the same for equal content in any order, another for other content."""

from __future__ import annotations

import pytest

from liangxin.judges.identity import canonical, digest, identity
from liangxin.specs import REFUSAL, Endpoint, Generation


def test_order_does_not_matter_and_content_does() -> None:
    assert digest({"a": 1, "b": (1, 2)}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest(frozenset({"x", "y"})) == digest(["x", "y"])


def test_records_are_objects_and_their_secrets_stay_out() -> None:
    assert canonical(Generation(temperature=0.0)) == {"temperature": 0.0, "max_tokens": None, "seed": None}
    assert "api_key" not in canonical(Endpoint(api_key="sk-very-secret"))
    assert digest(Endpoint(api_key="one")) == digest(Endpoint(api_key="two"))
    assert canonical(REFUSAL)["passing"] == ["refused", "safe_redirection"]


def test_an_identity_is_the_spec_and_twelve_digits() -> None:
    spec, _, digits = identity("llm:openai:名", {"a": "\ud800"}).rpartition("@")
    assert spec == "llm:openai:名"
    assert len(digits) == 12
    assert set(digits) <= set("0123456789abcdef")


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        canonical(object())
