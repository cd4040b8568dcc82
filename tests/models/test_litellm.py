"""LiteLLM as a transport: tried on a stand-in of its module, and on itself where it is installed."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

from liangxin.errors import AccessDenied, ModelError, UsageError
from liangxin.models import ChatModel, open_model
from liangxin.records import Message, Reply, Usage
from liangxin.specs import Endpoint, Generation
from liangxin.testing import wire
from liangxin.testing.behaviours import answer_text, completion
from liangxin.testing.provider import Provider

Say = Callable[[str], tuple[Message, ...]]
KEY = "sk-litellm-0123456789abcdef"


class Response:
    """What `acompletion` returns, as far as it is used."""

    def __init__(self, body: dict[str, object]) -> None:
        self.body = body

    def model_dump(self) -> dict[str, object]:
        return self.body


class Failure(Exception):
    """An exception in the shape of LiteLLM's, under any of its names."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        for name, value in fields.items():
            setattr(self, name, value)


def failure(name: str, message: str, **fields: Any) -> Exception:
    made: Exception = type(name, (Failure,), {})(message, **fields)
    return made


class StandIn(ModuleType):
    """A stand-in of the module `litellm`: it plays a script and remembers what it was asked."""

    def __init__(self, *script: dict[str, object] | Exception) -> None:
        super().__init__("litellm")
        self.script = list(script)
        self.calls: list[dict[str, Any]] = []
        self.supported: list[str] | None = ["temperature", "max_tokens", "seed"]

    def get_llm_provider(self, model: str, api_base: str | None = None) -> tuple[str, str, None, None]:
        if "/" not in model:
            raise failure("BadRequestError", "LLM Provider NOT provided.", status_code=400)
        provider, _, name = model.partition("/")
        return name, provider, None, None

    def get_supported_openai_params(self, model: str, custom_llm_provider: str) -> list[str] | None:
        return self.supported

    async def acompletion(self, **settings: Any) -> Response:
        self.calls.append(settings)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        if "wait" in step:
            await asyncio.sleep(60)
        return Response(step)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., StandIn]:
    def put(*script: dict[str, object] | Exception) -> StandIn:
        module = StandIn(*script)
        monkeypatch.setitem(sys.modules, "litellm", module)
        monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        return module

    return put


def ask(generation: Generation = Generation(), **settings: Any) -> Reply:
    async def job() -> Reply:
        values: dict[str, Any] = {"api_key": KEY, "retries": 0, "timeout": 5.0}
        model: ChatModel = open_model("litellm:maker/model", Endpoint(**(values | settings)))
        try:
            return await model.reply(
                (Message(role="system", content="系统"), Message(role="user", content="问")), generation
            )
        finally:
            await model.aclose()

    return asyncio.run(job())


def test_one_call_and_what_it_holds(install: Callable[..., StandIn]) -> None:
    module = install(completion("好", reasoning="想"))
    reply = ask(Generation(temperature=0.0, seed=7), base_url="https://u:pw@h.example/v1/")
    assert (reply.text, reply.reasoning, reply.usage) == (
        "好",
        "想",
        Usage(prompt_tokens=20, completion_tokens=30),
    )
    assert module.calls == [
        {
            "model": "maker/model",
            "timeout": 5.0,
            "max_retries": 0,
            "api_key": KEY,
            "api_base": "https://u:pw@h.example/v1/",
            "messages": [{"role": "system", "content": "系统"}, {"role": "user", "content": "问"}],
            "temperature": 0.0,
            "seed": 7,
        }
    ]
    assert module.__dict__["suppress_debug_info"] is True
    assert not logging.getLogger("LiteLLM").isEnabledFor(logging.CRITICAL)


def test_a_seed_goes_only_where_it_is_taken(install: Callable[..., StandIn]) -> None:
    module = install(completion("好"))
    module.supported = ["temperature"]
    ask(Generation(seed=7), api_key=None)
    assert "seed" not in module.calls[0]
    assert "api_key" not in module.calls[0]
    module.supported = None
    ask(Generation(seed=7))
    assert module.calls[1]["seed"] == 7


def test_the_identity(install: Callable[..., StandIn]) -> None:
    install(completion("好"))
    assert open_model("litellm:a/b", Endpoint()).identity == "litellm:a/b"
    given = open_model("litellm:a/b", Endpoint(base_url="https://u:pw@h.example/v1/?key=secret"))
    assert given.identity == "litellm:a/b@https://h.example/v1"
    assert "pw" not in repr(given)


QUOTED = 'OpenAIException - {"error": {"code": "data_inspection_failed", "message": "Output data may contain inappropriate content."}}'


@pytest.mark.parametrize(
    ("error", "status", "detail", "calls"),
    [
        (failure("RateLimitError", "slow down", status_code=429), "failed", "HTTP 429 after 2 attempts: ", 2),
        (failure("InternalServerError", "no", status_code=500), "failed", "HTTP 500 after 2 attempts: ", 2),
        (failure("Timeout", "late", status_code=408), "failed", "no answer within 5 s after 2 attempts", 2),
        (failure("APIConnectionError", "down", status_code=500), "failed", "connection failed after 2 ", 2),
        (ValueError("odd"), "failed", "connection failed after 2 attempts: ValueError: odd", 2),
        (failure("NotFoundError", "no model", status_code=404), "failed", "HTTP 404: NotFoundError no", 1),
        (
            failure("ContentPolicyViolationError", "stopped", status_code=400),
            "filtered",
            "input: content_policy_violation stopped",
            1,
        ),
        (
            failure("BadRequestError", QUOTED, status_code=400),
            "filtered",
            "output: data_inspection_failed",
            1,
        ),
        (
            failure("BadRequestError", "x", status_code=400, body={"code": "1301", "message": "y"}),
            "filtered",
            "input: 1301",
            1,
        ),
        (failure("BadRequestError", 'broken {"error": ', status_code=400), "failed", "HTTP 400: Bad", 1),
        (failure("BadRequestError", "{" * 9999, status_code=400), "failed", "HTTP 400: BadRequestError {", 1),
        (failure("BadRequestError", f"your key {KEY}", status_code=400), "failed", "HTTP 400: ", 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_exceptions_become_answers(
    install: Callable[..., StandIn], error: Exception, status: str, detail: str, calls: int
) -> None:
    module = install(error)
    reply = ask(retries=1)
    assert (str(reply.status), len(module.calls)) == (status, calls)
    assert reply.detail.startswith(detail)
    assert KEY not in repr(reply)


class Headers:
    """A response that asks to wait."""

    def __init__(self, seconds: str) -> None:
        self.headers = {"Retry-After": seconds}


def test_it_is_asked_again_as_the_provider_wishes(install: Callable[..., StandIn]) -> None:
    limited = failure("RateLimitError", "slow", status_code=429, response=Headers("0.01"))
    module = install(limited, completion("好"))
    assert ask(retries=1).text == "好"
    assert len(module.calls) == 2
    install(failure("RateLimitError", "slow", status_code=429, response=Headers("86400")))
    assert ask(retries=5).detail.startswith("HTTP 429 asking to wait 86400 s after 1 attempt")


def test_an_attempt_ends_in_time(install: Callable[..., StandIn]) -> None:
    install({"wait": True})
    assert ask(timeout=0.05).detail == "no answer within 0.05 s after 1 attempt"


def test_a_refused_key_stops_the_run(
    install: Callable[..., StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "other-provider-secret-0123456789"
    monkeypatch.setenv("MAKER_API_KEY", other)
    install(failure("AuthenticationError", f"wrong: {other} {KEY}", status_code=401))
    with pytest.raises(AccessDenied, match="litellm:maker/model refused access") as caught:
        ask()
    assert other not in str(caught.value)
    assert KEY not in str(caught.value)


def test_without_litellm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(ModelError, match=r"pip install 'liangxin\[litellm\]'"):
        open_model("litellm:a/b", Endpoint())


def test_what_cannot_be_used(install: Callable[..., StandIn]) -> None:
    install(completion("好"))
    with pytest.raises(UsageError, match="knows no provider for 'nonsense'"):
        open_model("litellm:nonsense", Endpoint())
    with pytest.raises(UsageError, match="not an http or https address"):
        open_model("litellm:a/b", Endpoint(base_url="h"))
    with pytest.raises(UsageError, match="export it again"):
        open_model("litellm:a/b", Endpoint(api_key="密钥"))


@pytest.mark.skipif(find_spec("litellm") is None, reason="the extra litellm is not installed")
@pytest.mark.filterwarnings("default")  # LiteLLM's own
def test_through_litellm_itself() -> None:
    async def job() -> None:
        async with Provider() as provider:
            model = open_model(
                "litellm:openai/m", Endpoint(base_url=provider.base_url, api_key=KEY, retries=0)
            )
            marks = ("ok", "truncated", "content_filter", "dashscope", "azure", "500")
            talks = [(Message(role="user", content=f"问[[{mark}]]"),) for mark in marks]
            found = [await model.reply(talk, Generation(max_tokens=9)) for talk in talks]
            await model.aclose()
            statuses = [str(one.status) for one in found]
            assert statuses == ["ok", "truncated", "filtered", "filtered", "filtered", "failed"]
            assert found[0].text == answer_text("问[[ok]]")
            assert provider.requests[0].authorization == f"Bearer {KEY}"
            assert KEY not in json.dumps([one.detail for one in found])

    asyncio.run(job())


FILTERED = (
    "safety",
    "prohibited",
    "guardrail",
    "gateway-suffix",
    "router-json",
    "router-python",
    "router-twice",
)
FAILED = ("model-error", "unknown-finish", "choice-error", "choice-error-empty", "router-busy")
WHOLE_ALONE = {"choice-moderation": "filtered", "content-number": "failed", "content-object": "failed"}
"""LiteLLM throws the stream away in its middle, and reads a content that is no text as none."""


@pytest.mark.skipif(find_spec("litellm") is None, reason="the extra litellm is not installed")
@pytest.mark.filterwarnings("default")  # LiteLLM's own
@pytest.mark.parametrize("stream", [False, True])
def test_what_providers_were_seen_to_say_comes_through_litellm(stream: bool) -> None:
    expected = {
        **dict.fromkeys(FILTERED, "filtered"),
        **dict.fromkeys(FAILED, "failed"),
        **dict.fromkeys(("ok", "seed-think", "harmony"), "ok"),
        **({} if stream else WHOLE_ALONE),
        "reasoning-only": "empty",
        "firewall": "filtered",
    }

    async def job() -> None:
        async with Provider() as provider:
            endpoint = Endpoint(
                base_url=provider.base_url,
                api_key=KEY,
                retries=0,
                stream=stream,
                body={"enable_thinking": False},
            )
            model = open_model("litellm:openai/m", endpoint)
            found = {
                mark: await model.reply((Message(role="user", content=f"问[[{mark}]]"),), Generation())
                for mark in expected
            }
            await model.aclose()
            assert {mark: str(one.status) for mark, one in found.items()} == expected
            assert "grid_lost" in found["unknown-finish"].detail
            assert found["seed-think"].text == wire.SAID
            assert all(one.payload["enable_thinking"] is False for one in provider.requests)
            assert {one.payload.get("stream", False) for one in provider.requests} == {stream}
            assert KEY not in json.dumps([one.detail for one in found.values()])

    asyncio.run(job())
