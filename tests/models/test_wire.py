"""What providers, routers and firewalls were seen to answer, over real HTTP: whole and by stream, as chat and as text."""

from __future__ import annotations

import asyncio
import base64
import json
from urllib.parse import quote

import pytest

from liangxin.errors import AccessDenied, UsageError
from liangxin.models import MODELS, open_model
from liangxin.models.anthropic import read_message
from liangxin.models.faults import Fault
from liangxin.records import Message, Reply
from liangxin.request_fields import checked_fields, read_fields
from liangxin.specs import Endpoint, Generation
from liangxin.testing.behaviours import Planned, answer_text, completion
from liangxin.testing.messages import message
from liangxin.testing.provider import Provider
from liangxin.testing.wire import BODIES, HALF, SAID, THOUGHT

KEY = "sk-test-0123456789abcdefghij"

EVERY: dict[str, tuple[str, str, str, int]] = {
    "safety": ("filtered", HALF, "output: SAFETY", 1),
    "prohibited": ("filtered", "", "output: PROHIBITED_CONTENT", 1),
    "guardrail": ("filtered", HALF, "output: guardrail_intervened", 1),
    "model-error": ("failed", "", "finish_reason model_error after 2 attempts", 2),
    "unknown-finish": ("failed", HALF, "finish_reason grid_lost: no list knows the word", 1),
    "choice-error": ("failed", "", "HTTP 200 with error 502 after 2 attempts: 502 Upstream provider", 2),
    "choice-error-empty": ("failed", "", "HTTP 200 with error 502 after 2 attempts: 502 Upstream idle", 2),
    "choice-moderation": ("filtered", HALF, "input: 403 Content Exists Risk", 1),
    "gateway-suffix": ("filtered", "", "input: api_error Content Exists Risk (request id: 20241101)", 1),
    "router-json": ("filtered", "", "input: invalid_request_error Content Exists Risk", 1),
    "router-python": ("filtered", "", "input: invalid_request_error Content Exists Risk", 1),
    "router-twice": ("filtered", "", "input: invalid_request_error Content Exists Risk", 1),
    "router-busy": ("failed", "", "HTTP 400 with error 503 after 2 attempts: ", 2),
    "content-number": ("failed", "", "the answer's content is a number after 2 attempts: 5", 2),
    "content-object": ("failed", "", "the answer's content is an object after 2 attempts: {", 2),
    "content-numbers": (
        "failed", "", "the answer's content is a list of no parts that hold text after 2 attempts: [1, 2]", 2
    ),
    "reasoning-only": ("empty", "", "finish_reason stop", 1),
    "seed-think": ("ok", SAID, "", 1),
    "harmony": ("ok", SAID, "", 1),
    "own-marks": ("ok", f"«思»{THOUGHT}«/思»{SAID}", "", 1),
}  # fmt: skip
STOPPING = {"firewall", "quota"}
AS_TEXT = {
    "safety",
    "guardrail",
    "model-error",
    "unknown-finish",
    "gateway-suffix",
    "router-json",
    "seed-think",
}


def said(prompt: str) -> tuple[Message, ...]:
    return (Message(role="user", content=prompt),)


def ask(
    *prompts: str,
    spec: str = "openai:m",
    provider: Provider | None = None,
    generation: Generation = Generation(),
    **settings: object,
) -> tuple[list[Reply], Provider]:
    served = provider or Provider()

    async def job() -> list[Reply]:
        async with served:
            endpoint = Endpoint(base_url=served.base_url, **{"retries": 1, "api_key": KEY, **settings})  # type: ignore[arg-type]
            model = open_model(spec, endpoint)
            try:
                return list(await asyncio.gather(*(model.reply(said(one), generation) for one in prompts)))
            finally:
                await model.aclose()

    return asyncio.run(job()), served


def test_every_body_is_listed() -> None:
    assert set(EVERY) | STOPPING == set(BODIES)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("spec", ["openai:m", "openai-completions:m"])
def test_what_each_body_says(spec: str, stream: bool) -> None:
    names = [name for name in EVERY if spec == "openai:m" or name in AS_TEXT]
    replies, served = ask(*(f"请举例[[{name}]]" for name in names), spec=spec, stream=stream, connections=40)
    assert all(request.payload.get("stream", False) is stream for request in served.requests)
    for name, reply in zip(names, replies, strict=True):
        status, text, detail, requests = EVERY[name]
        assert (name, str(reply.status), reply.text) == (name, status, text)
        assert reply.detail.startswith(detail) if detail else not reply.detail
        assert served.count(f"请举例[[{name}]]") == requests
        assert reply.unknown_finish == ("grid_lost" if name == "unknown-finish" else "")
        assert reply.reasoning == (THOUGHT if name in ("seed-think", "reasoning-only") else reply.reasoning)


@pytest.mark.parametrize("stream", [False, True])
def test_a_firewall_stops_its_prompt_and_no_other(stream: bool) -> None:
    replies, served = ask("甲", "乙[[firewall]]", "丙", stream=stream, connections=1, retries=4)
    assert [str(one.status) for one in replies] == ["ok", "filtered", "ok"]
    assert replies[1].detail.startswith("input: firewall HTTP 403 with a page of HTML: <!DOCTYPE html>")
    assert served.count("乙[[firewall]]") == 2


def test_a_firewall_at_the_first_prompt_waits_for_what_others_meet() -> None:
    replies, _ = ask("乙[[firewall]]", "甲", connections=1, retries=1)
    assert [str(one.status) for one in replies] == ["filtered", "ok"]
    (alone,), _ = ask("乙[[firewall]]", retries=1)
    assert (str(alone.status), alone.detail[:45]) == (
        "failed",
        "HTTP 403 with a page of HTML after 2 attempts",
    )


def test_pages_alone_stop_the_run() -> None:
    with pytest.raises(
        AccessDenied, match=r"refused access: .* or what stands before it, a firewall or proxy: 16 req"
    ):
        ask(*(f"{n}[[firewall]]" for n in range(30)), retries=0)


@pytest.mark.parametrize("stream", [False, True])
def test_a_spent_quota_stops_the_run_with_one_sentence(stream: bool) -> None:
    provider = Provider()
    with pytest.raises(AccessDenied) as caught:
        ask("问[[quota]]", stream=stream, retries=4, provider=provider)
    assert "answers that the quota or balance is spent: top it up, then the same command goes on" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)
    assert provider.count() == 1


@pytest.mark.parametrize("spec", ["openai:m", "openai-completions:m", "anthropic:m"])
def test_fields_of_ones_own_stand_in_every_request(spec: str) -> None:
    body = {"enable_thinking": False, "extra": {"a": [1, "二"]}}
    for stream in (False, True):
        (reply,), served = ask("问", spec=spec, body=body, stream=stream, generation=Generation(max_tokens=9))
        (request,) = served.requests
        assert {name: request.payload[name] for name in body} == body
        assert request.payload.get("stream", False) is stream
        assert reply.text == answer_text("问")


REQUESTING = {"openai", "openai-completions", "anthropic", "litellm"}


@pytest.mark.parametrize("kind", sorted(MODELS.names()))
def test_every_kind_carries_them_or_refuses_them(kind: str) -> None:
    found = MODELS.get(kind)
    assert (found.takes_body, found.streams) == ((kind in REQUESTING,) * 2)
    if kind in REQUESTING:
        return
    spec = f"{kind}:x"
    with pytest.raises(UsageError, match="--body adds fields to a request"):
        open_model(spec, Endpoint(body={"a": 1}))
    with pytest.raises(UsageError, match="cannot be asked by stream"):
        open_model(spec, Endpoint(stream=True))


def test_words_become_fields() -> None:
    words = ["enable_thinking=false", "top_k=3", "effort=low", 'tag="true"', 'a={"b": [null]}', "empty="]
    with pytest.raises(UsageError, match="empty: found ''"):
        read_fields(words)
    assert read_fields(words[:-1]) == {
        "enable_thinking": False, "top_k": 3, "effort": "low", "tag": "true", "a": {"b": [None]}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=x"], "model is written by Liangxin itself; use --model"),
        (["messages=[]"], "messages is written by Liangxin itself$"),
        (["stream=true"], "use --stream"),
        (["n=2"], "use --trials"),
        (["max_tokens=5"], "use --max-tokens"),
        (["max_completion_tokens=5"], "use --max-tokens"),
        (["temperature=1"], "use --temperature"),
        (["seed=1"], "use --seed"),
        (["system=x"], "use --system"),
        (["api_key=x"], "looks like a credential"),
        (["a"], "expected KEY=VALUE"),
        (["=1"], "expected KEY=VALUE"),
        (["a=1", "a=2"], "a is given twice"),
        (["a={"], "expected JSON"),
        (["a=NaN"], "expected JSON"),
        (["a =1"], "expected a field's name"),
    ],
)
def test_fields_that_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_fields(words)


def test_a_value_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="expected what JSON can hold"):
        checked_fields({"a": {1, 2}})


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_limit_is_called_is_found_out_once(stream: bool) -> None:
    provider = Provider()
    provider.demands = frozenset({"max_completion_tokens"})
    prompts = [f"第{n}题" for n in range(20)]
    replies, _ = ask(*prompts, provider=provider, stream=stream, generation=Generation(max_tokens=77))
    assert [one.text for one in replies] == [answer_text(one) for one in prompts]
    assert provider.count() == len(prompts) + 1
    assert all(one.payload.get("max_completion_tokens") == 77 for one in provider.requests[1:])


def test_a_first_request_that_fails_holds_nobody() -> None:
    provider = Provider()
    replies, _ = ask("甲[[400]]", "乙", provider=provider, generation=Generation(max_tokens=5))
    assert [str(one.status) for one in replies] == ["failed", "ok"]
    assert all("max_tokens" in one.payload for one in provider.requests)


def test_a_model_that_answers_by_stream_only() -> None:
    provider = Provider()
    provider.demands = frozenset({"stream"})
    assert "non-streaming calls" in ask("问", provider=provider)[0][0].detail
    streamed = Provider()
    streamed.demands = frozenset({"stream"})
    (reply,), _ = ask("问", provider=streamed, stream=True)
    assert reply.text == answer_text("问")


def test_a_key_stands_in_no_error_in_any_encoding() -> None:
    key = "sk-Zx9+/0123456789=abcdef?kl"
    told = [
        *(base64.b64encode(b"u" * n + b":" + key.encode() + b"!").decode() for n in range(3)),
        base64.urlsafe_b64encode(key.encode()).decode(),
        quote(base64.b64encode(key.encode()).decode(), safe=""),
        quote(key, safe=""),
    ]
    provider = Provider()
    for number, one in enumerate(told):
        body = {"error": {"message": f"bad credentials {one} sent"}}
        provider.plans[f"echo{number}"] = Planned(body=json.dumps(body).encode(), status=400)
        spoken = completion(f"密钥 {one} 。")
        provider.plans[f"said{number}"] = Planned(body=json.dumps(spoken).encode())
    replies, _ = ask(*(f"[[{name}]]" for name in provider.plans), provider=provider, api_key=key)
    for reply in replies:
        assert "***" in reply.detail + reply.text
        for one in told:
            assert one[6:-6] not in reply.detail + reply.text


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (message("半", reason="grid_lost"), "failed", "半"),
        (message("半", reason="guardrail_intervened"), "filtered", "半"),
        (message("半", reason="pause_turn"), "truncated", "半"),
        (message("<seed:think>想</seed:think>答"), "ok", "答"),
    ],
)
def test_messages_are_read_by_the_same_tables(body: dict[str, object], status: str, text: str) -> None:
    reply = read_message(200, json.dumps(body).encode())
    assert isinstance(reply, Reply)
    assert (str(reply.status), reply.text) == (status, text)


@pytest.mark.parametrize(
    "body",
    [
        {**message("半", reason="model_error")},
        {**message("半", reason=None), "error": {"type": "overloaded_error", "message": "x"}},
        {**message(None), "content": [5, 6]},
        {**message(None), "content": [{"type": "text", "text": 5}]},
    ],
)
def test_messages_that_are_none(body: dict[str, object]) -> None:
    fault = read_message(200, json.dumps(body).encode())
    assert isinstance(fault, Fault)
    assert fault.retry
