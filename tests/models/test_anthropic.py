"""The Messages API over real HTTP: what is sent, every behaviour's status, and that nothing ever raises."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.errors import AccessDenied, UsageError
from liangxin.models import open_model
from liangxin.models.anthropic import DEFAULT_MAX_TOKENS, open_anthropic, read_message
from liangxin.models.base import ChatModel
from liangxin.models.faults import Fault
from liangxin.records import Message, Reply, ReplyStatus, Usage
from liangxin.specs import Endpoint, Generation
from liangxin.testing.behaviours import LONG, Behaviour, Planned, answer_text
from liangxin.testing.messages import THOUGHT, error, message
from liangxin.testing.provider import Provider

Say = Callable[[str], tuple[Message, ...]]
T = TypeVar("T")
KEY = "sk-ant-test-0123456789abcdef"
REFUSED = ("filtered", "output: refusal general_harms", 1)
LATE = ("filtered", "output: refusal", 1)
EVERY: dict[Behaviour, tuple[str, str, int]] = {
    Behaviour.OK: ("ok", "", 1),
    Behaviour.DASHSCOPE: REFUSED,
    Behaviour.ZHIPU: REFUSED,
    Behaviour.CONTENT_FILTER: REFUSED,
    Behaviour.SENSITIVE: REFUSED,
    Behaviour.DASHSCOPE_OUTPUT: LATE,
    Behaviour.ZHIPU_OUTPUT: LATE,
    Behaviour.MINIMAX: LATE,
    Behaviour.AZURE: ("filtered", "output: invalid_request_error Output blocked by content filtering", 1),
    Behaviour.LIMITED_ONCE: ("ok", "", 2),
    Behaviour.LIMITED: ("failed", "HTTP 429 after 3 attempts: rate_limit_error This request would", 3),
    Behaviour.BROKEN_ONCE: ("ok", "", 2),
    Behaviour.BROKEN: ("failed", "HTTP 529 after 3 attempts: overloaded_error Overloaded", 3),
    Behaviour.RESET_ONCE: ("ok", "", 2),
    Behaviour.RESET: ("failed", "connection failed after 3 attempts: ", 3),
    Behaviour.MALFORMED_ONCE: ("ok", "", 2),
    Behaviour.MALFORMED: ("failed", "the answer is not JSON after 3 attempts: {", 3),
    Behaviour.SHAPELESS: ("failed", "the answer is not a message after 3 attempts: {", 3),
    Behaviour.SLOW: ("ok", "", 1),
    Behaviour.TRUNCATED: ("truncated", "finish_reason max_tokens", 1),
    Behaviour.EMPTY: ("empty", "finish_reason end_turn", 1),
    Behaviour.THINK: ("ok", "", 1),
    Behaviour.THINK_CUT: ("truncated", "finish_reason max_tokens: nothing was said", 1),
    Behaviour.THINK_STOPPED: ("empty", "finish_reason end_turn", 1),
    Behaviour.REASONING: ("ok", "", 1),
    Behaviour.LONG: ("ok", "", 1),
    Behaviour.BAD_REQUEST: ("failed", "HTTP 400: invalid_request_error bad request with ***", 1),
    Behaviour.UNREADABLE: ("ok", "", 1),
}
THOUGHT_OF = {Behaviour.THINK, Behaviour.THINK_CUT, Behaviour.THINK_STOPPED, Behaviour.REASONING}


def at(
    job: Callable[[Provider, ChatModel], Awaitable[T]], provider: Provider | None = None, **settings: Any
) -> T:
    """Run a job with a provider and a model at it."""

    async def whole() -> T:
        async with provider or Provider() as served:
            values: dict[str, Any] = {"base_url": served.base_url, "api_key": KEY, "retries": 2}
            endpoint = Endpoint(**(values | settings))
            model = open_model("anthropic:claude-x", endpoint)
            try:
                return await job(served, model)
            finally:
                await model.aclose()

    return asyncio.run(whole())


@pytest.fixture(scope="module")
def replies() -> tuple[dict[Behaviour, Reply], Provider]:
    """One prompt of every behaviour but 401, asked at once."""
    provider = Provider()
    provider.retry_after, provider.slow = "0.05", 0.05

    async def job(_: Provider, model: ChatModel) -> dict[Behaviour, Reply]:
        asked = (model.reply((Message(role="user", content=prompt(one)),), Generation()) for one in EVERY)
        return dict(zip(EVERY, await asyncio.gather(*asked), strict=True))

    return at(job, provider, connections=40), provider


def prompt(behaviour: Behaviour) -> str:
    return f"请举例[[{behaviour}]]"


def test_every_behaviour_is_listed() -> None:
    assert set(EVERY) == set(Behaviour) - {Behaviour.DENIED}


@pytest.mark.parametrize("behaviour", EVERY)
def test_status_detail_and_number_of_requests(
    replies: tuple[dict[Behaviour, Reply], Provider], behaviour: Behaviour
) -> None:
    reply, provider = replies[0][behaviour], replies[1]
    status, detail, requests = EVERY[behaviour]
    whole = answer_text(prompt(behaviour))
    assert (str(reply.status), provider.count(prompt(behaviour))) == (status, requests)
    assert reply.detail.startswith(detail) if detail else reply.detail == ""
    assert reply.reasoning == (THOUGHT if behaviour in THOUGHT_OF else "")
    if status == "ok":
        assert reply.text == ((whole * (LONG // len(whole) + 1))[:LONG] if behaviour == "long" else whole)
        assert reply.usage == Usage(prompt_tokens=20, completion_tokens=30)
    if EVERY[behaviour] == LATE:  # what was written before the refusal is evidence
        assert reply.text
        assert whole.startswith(reply.text)
    assert KEY not in repr(reply)


def test_what_is_sent() -> None:
    async def job(provider: Provider, model: ChatModel) -> None:
        talk = (
            Message(role="system", content="请用中文。"),
            Message(role="user", content="一"),
            Message(role="assistant", content="二"),
            Message(role="user", content="三\ud800"),
        )
        await model.reply(talk, Generation(temperature=0.0, max_tokens=99, seed=7))
        await model.reply(talk[1:2], Generation())
        first, second = provider.requests
        assert first.payload == {
            "model": "claude-x",
            "max_tokens": 99,
            "messages": [
                {"role": "user", "content": "一"},
                {"role": "assistant", "content": "二"},
                {"role": "user", "content": "三?"},
            ],
            "system": "请用中文。",
            "temperature": 0.0,
        }
        assert second.payload == {
            "model": "claude-x",
            "max_tokens": DEFAULT_MAX_TOKENS,
            "messages": [{"role": "user", "content": "一"}],
        }
        assert first.authorization == KEY

    at(job)


def test_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        body = json.dumps(message("好")).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async def job() -> Reply:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/gateway"
        monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
        monkeypatch.setenv("ANTHROPIC_API_KEY", f" {KEY}\n")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-provider")
        model = open_anthropic("claude-x", Endpoint())
        assert model.identity == f"anthropic:claude-x@{address}"
        reply = await model.reply((Message(role="user", content="问"),), Generation())
        await model.aclose()
        server.close()
        return reply

    assert asyncio.run(job()).text == "好"
    assert heads[0].startswith(b"POST /gateway/v1/messages HTTP/1.1\r\n")
    assert b"\r\nanthropic-version: 2023-06-01\r\n" in heads[0]
    assert f"\r\nx-api-key: {KEY}\r\n".encode() in heads[0]
    assert b"Authorization" not in heads[0]
    assert b"another-provider" not in heads[0]


def test_a_refused_key_stops_the_run_and_is_not_shown() -> None:
    async def job(provider: Provider, model: ChatModel) -> None:
        with pytest.raises(AccessDenied, match="check the key in ANTHROPIC_API_KEY") as caught:
            await model.reply((Message(role="user", content="问[[401]]"),), Generation())
        assert KEY not in str(caught.value)
        assert "authentication_error" in str(caught.value)
        assert KEY not in repr(model)
        assert provider.count() == 1

    at(job)


def test_an_error_under_200_is_read_by_its_type() -> None:
    provider = Provider()
    provider.retry_after = "0"
    for name, kind in (("busy", "overloaded_error"), ("bad", "invalid_request_error"), ("odd", "strange")):
        provider.plans[name] = Planned(body=json.dumps(error(kind, "no")).encode())

    async def job(_: Provider, model: ChatModel) -> list[str]:
        talks = [(Message(role="user", content=f"[[{name}]]"),) for name in provider.plans]
        return [one.detail for one in await asyncio.gather(*(model.reply(t, Generation()) for t in talks))]

    assert at(job, provider, retries=1) == [
        "HTTP 200 with error 529 after 2 attempts: overloaded_error no",
        "HTTP 200 with error 400: invalid_request_error no",
        "the answer is not a message after 2 attempts: strange no",
    ]


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("https://h.example", "https://h.example"),
        ("https://h.example/v1/", "https://h.example"),
        ("https://h.example/anthropic/v1", "https://h.example/anthropic"),
        ("https://h.example/v1/messages", "https://h.example"),
        ("https://me:pw@h.example/v1?token=x", "https://h.example"),
    ],
)
def test_base_urls(base_url: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    assert open_anthropic("c", Endpoint(base_url=base_url)).identity == f"anthropic:c@{shown}"
    assert open_anthropic("c", Endpoint()).identity == "anthropic:c@https://api.anthropic.com"


def test_what_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "h/v1")
    with pytest.raises(UsageError, match="--base-url or ANTHROPIC_BASE_URL"):
        open_model("anthropic:c", Endpoint())
    with pytest.raises(UsageError, match="export it again"):
        open_model("anthropic:c", Endpoint(base_url="https://h", api_key="密钥"))


def test_stop_reasons_of_their_own() -> None:
    def read(reason: object, text: str | None = "好", **more: Any) -> Reply | Fault:
        body = message(text, **more) | {"stop_reason": reason}
        return read_message(200, json.dumps(body).encode())

    def status(reason: object, text: str | None = "好") -> str:
        found = read(reason, text)
        assert isinstance(found, Reply)
        return str(found.status)

    assert [status(one) for one in ("end_turn", "stop_sequence", None, 3)] == ["ok"] * 4
    assert status("max_tokens") == status("model_context_window_exceeded") == "truncated"
    assert status("refusal") == status("refusal", None) == "filtered"
    # A model that declines in its own words has answered.
    assert status("end_turn", "抱歉，我不能帮助做这件事。") == "ok"
    found = read("refusal", None, details={"category": None, "explanation": "declined"})
    assert isinstance(found, Reply)
    assert found.detail == "output: refusal declined"


def test_content_is_put_together_and_the_unknown_left_out() -> None:
    body = message(None) | {
        "content": [
            {"type": "thinking", "thinking": "想"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "一"},
            {"type": "tool_use", "text": "不"},
            "散",
            {"type": "text", "text": None},
            {"type": "text", "text": "二"},
        ],
        "usage": {"input_tokens": True, "output_tokens": -1},
    }
    assert read_message(200, json.dumps(body).encode()) == Reply(text="一二", reasoning="想")


FIELDS = """type content text thinking stop_reason stop_details category error message usage
input_tokens"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(FIELDS.split()),
            inner,
            max_size=6,
        )
    ),
    max_leaves=15,
)


@given(st.integers(100, 599), st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_answer_raises(status: int, raw: bytes) -> None:
    found = read_message(status, raw)
    assert isinstance(found, Reply | Fault)
    if isinstance(found, Reply) and found.status is not ReplyStatus.FILTERED:
        assert 200 <= status <= 299
        assert (found.status is ReplyStatus.OK) <= bool(found.text)
