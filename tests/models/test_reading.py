"""Reading an answer's bytes: statuses, reasoning, hostile text; nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.models.faults import Fault
from liangxin.models.reading import (
    finish,
    overrule,
    read_answer,
    read_recorded,
    read_usage,
)
from liangxin.reasoning import split_think
from liangxin.records import Reply, ReplyStatus, Usage


def body(content: Any = "好", reason: Any = "stop", **message: Any) -> dict[str, Any]:
    return {
        "choices": [
            {"message": {"role": "assistant", "content": content, **message}, "finish_reason": reason}
        ]
    }


def read(value: Any, status: int = 200) -> Reply | Fault:
    return read_answer(status, json.dumps(value).encode())


PARTS = [
    {"type": "text", "text": "甲"},
    {"type": "image_url", "image_url": {}},
    "乙",
    {"text": "丙"},
    7,
    None,
]
THINKING = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "想"}]},
    {"type": "text", "text": "答"},
]
GOOD: list[tuple[dict[str, Any], str, str, str]] = [
    (body(), "好", "", "ok"),
    (body(reason=None), "好", "", "ok"),
    (body(reason="length"), "好", "", "truncated"),
    (body(reason="MAX_TOKENS"), "好", "", "truncated"),
    (body(None), "", "", "empty"),
    (body("  \n"), "", "", "empty"),
    (body(None, "length"), "", "", "truncated"),
    (body(None, reasoning_content="想"), "", "想", "empty"),
    (body(None, "length", reasoning_content="想"), "", "想", "truncated"),
    (body("答", reasoning_content="想"), "答", "想", "ok"),
    (body("答", reasoning="想"), "答", "想", "ok"),
    (body("答", reasoning={"a": 1}, reasoning_content=""), "答", "", "ok"),
    (body("<think>想</think>\n\n答"), "答", "想", "ok"),
    (body("\n <think>\n想\n</think>答", "length"), "答", "想", "truncated"),
    (body("<think></think>答"), "答", "", "ok"),
    (body("<think>想", "length"), "", "想", "truncated"),
    (body("<think>想", None), "", "想", "truncated"),
    (body("<think>想", "stop"), "", "想", "empty"),
    (body("<think>想</think>", "stop"), "", "想", "empty"),
    (body("想</think>答"), "答", "想", "ok"),
    (body("想</think>答", reasoning_content="早"), "想</think>答", "早", "ok"),
    (body("说说<think>标签</think>"), "说说<think>标签</think>", "", "ok"),
    (body(PARTS), "甲乙丙", "", "ok"),
    (body(THINKING), "答", "想", "ok"),
    (body(None, refusal="不能帮忙"), "不能帮忙", "", "ok"),
    (body("", refusal="不能帮忙"), "不能帮忙", "", "ok"),
    (body("答", refusal="不能帮忙"), "答", "", "ok"),
    (body([{"type": "refusal", "refusal": "不能"}]), "不能", "", "ok"),
    (body(None, "tool_calls", tool_calls=[{"id": "1"}]), "", "", "empty"),
    (body("a\ud800b\0c"), "a\ufffdb\ufffdc", "", "ok"),
    (body("\ud83d\ude00"), "\U0001f600", "", "ok"),
    (body("半", "content_filter"), "半", "", "filtered"),
    ({**body(), "base_resp": {"status_code": 0}}, "好", "", "ok"),
    (
        {**body("半"), "base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}},
        "半",
        "",
        "filtered",
    ),
    ({**body("好"), "error": {"code": 502}}, "好", "", "ok"),
    ({"choices": [{"finish_reason": "content_filter"}]}, "", "", "filtered"),
    ({**body(None), "error": {"message": "Content Exists Risk"}}, "", "", "filtered"),
]


@pytest.mark.parametrize(("value", "text", "reasoning", "status"), GOOD)
def test_what_an_answer_says(value: dict[str, Any], text: str, reasoning: str, status: str) -> None:
    reply = read(value)
    assert isinstance(reply, Reply)
    assert (reply.text, reply.reasoning, str(reply.status)) == (text, reasoning, status)


FAULTS: list[tuple[int, Any, Fault]] = [
    (200, {}, Fault(what="the answer is not a chat completion", said="{}", retry=True)),
    (200, [1], Fault(what="the answer is not a chat completion", said="[1]", retry=True)),
    (
        200,
        {"choices": []},
        Fault(what="the answer is not a chat completion", said='{"choices": []}', retry=True),
    ),
    (200, {"choices": [{}]}, Fault(what="the answer holds no message", said='{"choices": [{}]}', retry=True)),
    (200, body("x", "network_error"), Fault(what="finish_reason network_error", retry=True)),
    (
        200,
        {"error": {"message": "no", "code": 502}},
        Fault(what="HTTP 200 with error 502", said="502 no", retry=True),
    ),
    (
        200,
        {"error": {"message": "no", "code": "404"}},
        Fault(what="HTTP 200 with error 404", said="404 no", absent=True),
    ),
    (
        200,
        {"error": {"message": "no", "code": 401}},
        Fault(what="HTTP 200 with error 401", said="401 no", denied=True),
    ),
    (200, {"error": {"message": "odd"}}, Fault(what="the answer is an error", said="odd", retry=True)),
    (
        200,
        {**body(None), "error": {"message": "odd"}},
        Fault(what="the answer is an error", said="odd", retry=True),
    ),
    (
        200,
        {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
        Fault(what="HTTP 200 with error 429", said="1002 rate limit", retry=True, limited=True),
    ),
    (
        200,
        {"base_resp": {"status_code": 1004, "status_msg": "auth"}},
        Fault(what="HTTP 200 with error 401", said="1004 auth", denied=True),
    ),
    (
        200,
        {"base_resp": {"status_code": 1000, "status_msg": "unknown error"}},
        Fault(what="the answer is an error", said="1000 unknown error", retry=True),
    ),
    (400, {"error": {"message": "bad", "code": "x"}}, Fault(what="HTTP 400", said="x bad")),
    (401, {"error": "who?"}, Fault(what="HTTP 401", said="who?", denied=True)),
    (403, {}, Fault(what="HTTP 403", said="{}", denied=True)),
    (404, {"detail": "Not Found"}, Fault(what="HTTP 404", said="Not Found", absent=True)),
    (408, {}, Fault(what="HTTP 408", said="{}", retry=True)),
    (429, {}, Fault(what="HTTP 429", said="{}", retry=True, limited=True)),
    (500, {"error": {"message": "oh"}}, Fault(what="HTTP 500", said="oh", retry=True)),
    (503, body(), Fault(what="HTTP 503", said=json.dumps(body(), ensure_ascii=False), retry=True)),
    (302, None, Fault(what="HTTP 302", said="null", absent=True)),
]


@pytest.mark.parametrize(("status", "value", "fault"), FAULTS)
def test_why_an_answer_is_none(status: int, value: Any, fault: Fault) -> None:
    assert read(value, status) == fault


@pytest.mark.parametrize(
    ("status", "what", "retry"),
    [
        (200, "the answer is not JSON", True),
        (502, "HTTP 502", True),
        (404, "HTTP 404", False),
        (429, "HTTP 429", True),
    ],
)
@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b'{"a":', b"\xff\xfe\xfd", b"[" * 100_000, b'{"a":1}x', b"\xef\xbb\xbf"]
)
def test_what_is_not_json(status: int, what: str, retry: bool, raw: bytes) -> None:
    fault = read_answer(status, raw)
    assert isinstance(fault, Fault)
    assert (fault.what, fault.retry, fault.denied) == (what, retry, False)


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf", b"\n \n"])
def test_json_with_a_mark_or_blanks_in_front(prefix: bytes) -> None:
    assert read_answer(200, prefix + json.dumps(body()).encode()) == Reply(text="好")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "finish_reason", "error", "code", "usage", "text", "type"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
SHAPED = st.builds(
    lambda message, reason, rest: {"choices": [{"message": message, "finish_reason": reason}], **rest},
    st.dictionaries(
        st.sampled_from(["content", "reasoning_content", "reasoning", "refusal", "tool_calls"]),
        JSON | st.sampled_from(["<think>", "<think>a</think>b", "b</think>"]),
    ),
    JSON | st.sampled_from(["stop", "length", "content_filter", "sensitive", "error"]),
    st.dictionaries(st.sampled_from(["usage", "error", "base_resp", "contentFilter"]), JSON),
)


@given(st.integers(100, 599) | st.just(200), JSON | SHAPED)
def test_no_json_raises(status: int, value: object) -> None:
    consistent(read(value, status))


@given(st.integers(100, 599), st.binary(max_size=60))
def test_no_bytes_raise(status: int, raw: bytes) -> None:
    consistent(read_answer(status, raw))


def consistent(found: Reply | Fault) -> None:
    if isinstance(found, Fault):
        assert found.what
        return
    (found.text + found.reasoning).encode()
    assert "\0" not in found.text + found.reasoning
    if found.status is ReplyStatus.OK:
        assert found.text.strip()
    if found.status is ReplyStatus.EMPTY:
        assert not found.text
    if found.status is ReplyStatus.FILTERED:
        assert found.detail.startswith(("input: ", "output: "))


@given(st.text(), st.text())
def test_a_think_block_is_split_without_loss(thought: str, answer: str) -> None:
    if "</think>" in thought:
        return
    split = split_think(f"<think>{thought}</think>{answer}")
    assert (split.reasoning, split.answer, split.closed) == (thought.strip(), answer.lstrip(), True)
    assert split_think(f"<think>{thought}").closed is False


@given(st.text())
def test_a_content_without_tags_is_the_answer(content: str) -> None:
    if "<think>" not in content and "</think>" not in content:
        assert split_think(content).answer == content


@pytest.mark.parametrize(
    ("value", "usage"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(prompt_tokens=3, completion_tokens=4)),
        ({"prompt_tokens": True, "completion_tokens": -1}, Usage()),
        ({"prompt_tokens": 10**30, "completion_tokens": 0}, Usage(completion_tokens=0)),
        ({"prompt_tokens": 3.5, "completion_tokens": "4"}, Usage()),
        (None, Usage()),
        ([1], Usage()),
    ],
)
def test_usage(value: object, usage: Usage) -> None:
    assert read_usage(value) == usage


def test_reasoning_from_both_places_is_kept() -> None:
    assert finish("<think>二</think>答", "stop", reasoning="一").reasoning == "一\n\n二"


@pytest.mark.parametrize(
    ("text", "reason", "status", "detail"),
    [
        ("答", None, "ok", ""),
        ("答", "sensitive", "filtered", "output: sensitive"),
        ("答", "length", "truncated", "finish_reason length"),
        ("答", "network_error", "failed", "finish_reason network_error"),
        ("<think>想", None, "truncated", "the think block does not end: nothing was said before the end"),
        ("", None, "empty", ""),
    ],
)
def test_recorded_contents_are_read_as_an_endpoints(
    text: str, reason: str | None, status: str, detail: str
) -> None:
    reply = read_recorded(text, reason)
    assert (str(reply.status), reply.detail) == (status, detail)


@pytest.mark.parametrize(
    ("text", "told", "detail", "status", "shown"),
    [
        ("答", None, "", "ok", ""),
        ("答", None, "注", "ok", "注"),
        ("答", "truncated", "", "truncated", "recorded as truncated"),
        ("", "ok", "", "empty", ""),
        ("", "filtered", "", "filtered", "input: recorded as filtered"),
        ("半", "filtered", "1301", "filtered", "output: 1301"),
        ("", "filtered", "output: x", "filtered", "output: x"),
        ("", "failed", "HTTP 500", "failed", "HTTP 500"),
    ],
)
def test_a_stated_status_overrules(text: str, told: str | None, detail: str, status: str, shown: str) -> None:
    reply = overrule(read_recorded(text, None), told, detail)
    assert (str(reply.status), reply.detail) == (status, shown)
