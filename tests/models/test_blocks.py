"""Content blocks, provider by provider, as their bodies look; and what only resembles one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.models import blocks
from liangxin.models.blocks import SIGNALS, Block, Signal, classify, classify_choice
from liangxin.models.complaints import complaint

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = """error innererror code message type param base_resp status_code status_msg contentFilter role level choices
metadata raw detail content_filter_result input_sensitive content"""
NAMES = st.sampled_from(KEYS.split())
SHAPED = st.recursive(
    JSON | st.sampled_from(["content_filter", "1301", 1026, "Content Exists Risk", "assistant"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)


def said(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


DASHSCOPE = {"code": "data_inspection_failed", "type": "data_inspection_failed", "param": None}
MOONSHOT = {"code": 400, "param": "prompt", "type": "content_filter"}
ARK = "The request failed because the input text may contain sensitive information."
STEP = {"message": "The content you provided or machine outputted is blocked.", "type": "censorship_blocked"}
ZHIPU = {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}
CASES: list[tuple[int, Any, str, str]] = [
    (
        400,
        said("Input data may contain inappropriate content.", **DASHSCOPE),
        "input",
        "data_inspection_failed",
    ),
    (
        400,
        said("Output data may contain inappropriate content. For details, see: https://x", **DASHSCOPE),
        "output",
        "data_inspection_failed",
    ),
    (
        400,
        said("Input or output data may contain inappropriate content.", **DASHSCOPE),
        "input",
        "data_inspection_failed",
    ),
    (
        429,
        said("<400> InternalError.Algo.DataInspectionFailed: Output data may contain inappropriate content."),
        "output",
        "HTTP 429",
    ),
    (
        400,
        {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."},
        "input",
        "DataInspectionFailed",
    ),
    (400, {"error": ZHIPU}, "input", "1301"),
    (400, {"error": ZHIPU, "contentFilter": [{"level": 1, "role": "assistant"}]}, "output", "1301"),
    (
        400,
        {
            "error": ZHIPU,
            "contentFilter": [{"level": 3, "role": "assistant"}, {"level": 0, "role": "history"}],
        },
        "input",
        "1301",
    ),
    (400, {"error": {**ZHIPU, "code": 1301}}, "input", "1301"),
    (
        400,
        said(
            "filtered",
            code="content_filter",
            param="prompt",
            innererror={"code": "ResponsibleAIPolicyViolation"},
        ),
        "input",
        "content_filter",
    ),
    (
        400,
        said("The request was rejected because it was considered high risk", **MOONSHOT),
        "input",
        "content_filter",
    ),
    (400, said("no", code="content_policy_violation"), "input", "content_policy_violation"),
    (
        400,
        said(
            "Invalid prompt: we've limited access to this content for safety reasons.", code="invalid_prompt"
        ),
        "input",
        "invalid_prompt",
    ),
    (
        400,
        said("Content Exists Risk", code="invalid_request_error", type="invalid_request_error"),
        "input",
        "invalid_request_error",
    ),
    (400, {"detail": "Content Exists Risk"}, "input", "HTTP 400"),
    (200, {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}, "input", "1026"),
    (
        200,
        {"choices": None, "base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}},
        "output",
        "1027",
    ),
    (
        422,
        said("output new_sensitive (1027)", type="unprocessable_entity_error", http_code="422"),
        "output",
        "unprocessable_entity_error",
    ),
    (400, said(ARK, code="SensitiveContentDetected"), "input", "SensitiveContentDetected"),
    (
        400,
        said(ARK, code="SensitiveContentDetected.SevereViolation", type="BadRequest"),
        "input",
        "SensitiveContentDetected.SevereViolation",
    ),
    (400, said("x", code="InputTextSensitiveContentDetected"), "input", "InputTextSensitiveContentDetected"),
    (
        400,
        said("x", code="OutputTextSensitiveContentDetected"),
        "output",
        "OutputTextSensitiveContentDetected",
    ),
    (400, said("x", code="OutputTextRiskDetection"), "output", "OutputTextRiskDetection"),
    (200, {"code": 10013, "message": "输入内容审核不通过，涉嫌违规", "sid": "cha"}, "input", "10013"),
    (200, said("输出内容涉及敏感信息，审核不通过", code="10014"), "output", "10014"),
    (
        200,
        {"choices": [], "input_sensitive": True, "base_resp": {"status_code": 0}},
        "input",
        "input_sensitive",
    ),
    (
        200,
        {
            "choices": [{"message": {"content": ""}}],
            "output_sensitive": True,
            "base_resp": {"status_code": 0, "status_msg": ""},
        },
        "output",
        "output_sensitive",
    ),
    (
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "Output blocked by content filtering policy",
            },
        },
        "output",
        "invalid_request_error",
    ),
    (451, {"error": STEP}, "input", "censorship_blocked"),
    (451, said("Provider returned error", code=451, metadata={"raw": str(STEP)}), "input", "451"),
    (
        403,
        {"code": "denied", "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"},
        "input",
        "denied",
    ),
    (403, said("Your chosen model requires moderation and your input was flagged", code=403), "input", "403"),
    (
        400,
        said("input contains sensitive words: [x]", type="new_api_error", code="sensitive_words_detected"),
        "input",
        "sensitive_words_detected",
    ),
]


@pytest.mark.parametrize(("status", "body", "side", "code"), CASES)
def test_blocks(status: int, body: Any, side: str, code: str) -> None:
    block = classify(status, body)
    assert block is not None
    assert (block.side, block.code) == (side, code)
    assert block.detail.startswith(f"{side}: {code}")


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: f"{signal.provider} {signal.side}")
def test_every_signal_is_tested_and_says_where_it_was_read(
    signal: Signal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signal.source
    assert signal.codes or signal.message
    assert not signal.both or (signal.codes and signal.message)
    monkeypatch.setattr(blocks, "SIGNALS", (signal,))
    monkeypatch.setattr(blocks, "_MINIMAX_CODES", {})
    assert any(classify(status, body) for status, body, *_ in CASES)


@pytest.mark.parametrize(
    "body",
    [
        said("Rate limit reached", code="rate_limit_exceeded"),
        said("您的账户已达到速率限制", code="1302"),
        said("The input has 5000 tokens, more than allowed", code="invalid_request_error"),
        said("Invalid prompt: your schema is malformed", code="invalid_prompt"),
        said("unknown field 10013", code="10013"),
        said("the message 'Content Exists Risk' is quoted here", code="invalid_request_error"),
        said("Internal error. CSD code: 5", code="ContentSecurityDetectionError"),
        {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
        {"base_resp": {"status_code": 0, "status_msg": "success"}},
        {
            "choices": [{"message": {"content": "一个完整的回答"}}],
            "output_sensitive": True,
            "base_resp": {"status_code": 0},
        },
        {"choices": [], "input_sensitive": False, "base_resp": {"status_code": 0}},
        {"input_sensitive": True, "error": {"message": "Rate limit reached"}},
        {"choices": [], "message": "Content Exists Risk"},
        {"error": None},
        {"error": []},
        {"error": {"code": ["content_filter"], "message": {"a": 1}}},
        "content_filter",
        ["content_filter"],
        None,
    ],
)
def test_other_errors_are_no_blocks(body: Any) -> None:
    assert classify(400, body) is None


def test_azures_categories_are_named() -> None:
    inner = {
        "content_filter_result": {
            "violence": {"filtered": True},
            "hate": {"filtered": False},
            "sexual": {"filtered": True},
            "x": 1,
        }
    }
    block = classify(400, said("The response was filtered", code="content_filter", innererror=inner))
    assert block == Block(
        side="input", code="content_filter", message="(sexual, violence) The response was filtered"
    )


@pytest.mark.parametrize(
    ("choice", "body", "detail"),
    [
        ({"finish_reason": "content_filter"}, {}, "output: content_filter"),
        ({"finish_reason": "sensitive"}, {}, "output: sensitive"),
        (
            {"finish_reason": "sensitive"},
            {"content_filter": [{"role": "user", "level": 0}]},
            "input: sensitive",
        ),
        ({"finish_reason": "stop", "flag": 3}, {}, "output: flag 3"),
        ({"finish_reason": "stop", "flag": 4}, {}, "output: flag 4"),
        ({"finish_reason": "stop", "flag": 1}, {}, None),
        ({"finish_reason": "length"}, {}, None),
        ({"finish_reason": ["content_filter"]}, {"contentFilter": 3}, None),
        ({}, {}, None),
    ],
)
def test_finished_choices(choice: dict[str, Any], body: dict[str, Any], detail: str | None) -> None:
    block = classify_choice(choice, body)
    assert (block.detail if block else None) == detail


@given(st.integers(100, 599), SHAPED)
def test_no_body_raises(status: int, body: object) -> None:
    block = classify(status, body)
    assert block is None or block.detail.startswith(("input: ", "output: "))
    assert block is None or complaint(body) is not None or block.code == "input_sensitive"
    if isinstance(body, dict):
        classify_choice(body, body)
