"""The adapter over real HTTP: every behaviour of a provider, its status, and how often it was asked."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from liangxin.errors import AccessDenied, UsageError
from liangxin.models import open_model
from liangxin.models.base import ChatModel
from liangxin.models.http.address import find_proxy, read_address
from liangxin.models.openai import OpenAIModel, open_openai
from liangxin.records import Message, Reply, ReplyStatus, Usage
from liangxin.specs import Endpoint, Generation
from liangxin.testing.behaviours import LONG, MIXED, Behaviour, Planned, answer_text, completion
from liangxin.testing.provider import Provider

Say = Callable[[str], tuple[Message, ...]]
RETRIES = 2
EVERY: dict[Behaviour, tuple[str, str, int]] = {
    Behaviour.OK: ("ok", "", 1),
    Behaviour.DASHSCOPE: ("filtered", "input: data_inspection_failed Input data may contain", 1),
    Behaviour.DASHSCOPE_OUTPUT: ("filtered", "output: data_inspection_failed <400> InternalError", 1),
    Behaviour.ZHIPU: ("filtered", "input: 1301 系统检测到", 1),
    Behaviour.ZHIPU_OUTPUT: ("filtered", "output: 1301 系统检测到", 1),
    Behaviour.AZURE: ("filtered", "input: content_filter (violence) The response was filtered", 1),
    Behaviour.CONTENT_FILTER: ("filtered", "output: content_filter", 1),
    Behaviour.SENSITIVE: ("filtered", "output: sensitive", 1),
    Behaviour.MINIMAX: ("filtered", "output: 1027 output new_sensitive", 1),
    Behaviour.LIMITED_ONCE: ("ok", "", 2),
    Behaviour.LIMITED: ("failed", "HTTP 429 after 3 attempts: rate_limit_exceeded", 3),
    Behaviour.BROKEN_ONCE: ("ok", "", 2),
    Behaviour.BROKEN: ("failed", "HTTP 500 after 3 attempts: internal_error internal error", 3),
    Behaviour.RESET_ONCE: ("ok", "", 2),
    Behaviour.RESET: ("failed", "connection failed after 3 attempts: ", 3),
    Behaviour.MALFORMED_ONCE: ("ok", "", 2),
    Behaviour.MALFORMED: ("failed", "the answer is not JSON after 3 attempts: {", 3),
    Behaviour.SHAPELESS: ("failed", "the answer is not a chat completion after 3 attempts: {", 3),
    Behaviour.SLOW: ("ok", "", 1),
    Behaviour.TRUNCATED: ("truncated", "finish_reason length", 1),
    Behaviour.EMPTY: ("empty", "finish_reason stop", 1),
    Behaviour.THINK: ("ok", "", 1),
    Behaviour.THINK_CUT: ("truncated", "finish_reason length: nothing was said", 1),
    Behaviour.THINK_STOPPED: ("empty", "finish_reason stop", 1),
    Behaviour.REASONING: ("ok", "", 1),
    Behaviour.LONG: ("ok", "", 1),
    Behaviour.BAD_REQUEST: ("failed", "HTTP 400: invalid_request_error bad request with", 1),
    Behaviour.UNREADABLE: ("ok", "", 1),
}
THOUGHT = {Behaviour.THINK, Behaviour.THINK_CUT, Behaviour.THINK_STOPPED, Behaviour.REASONING}


@pytest.fixture(scope="module")
def replies() -> tuple[dict[Behaviour, Reply], Provider]:
    """One prompt of every behaviour but 401, asked at once."""
    provider = Provider()
    provider.retry_after, provider.slow = "0.05", 0.05

    async def job() -> dict[Behaviour, Reply]:
        async with provider:
            endpoint = Endpoint(base_url=provider.base_url, retries=RETRIES, connections=40)
            model = open_openai("m", endpoint)
            asked = (model.reply(prompt(one), Generation()) for one in EVERY)
            found = await asyncio.gather(*asked)
            await model.aclose()
            return dict(zip(EVERY, found, strict=True))

    return asyncio.run(job()), provider


def prompt(behaviour: Behaviour) -> tuple[Message, ...]:
    return (Message(role="user", content=f"请举例[[{behaviour}]]"),)


def test_every_behaviour_is_listed() -> None:
    assert set(EVERY) == set(Behaviour) - {Behaviour.DENIED}


@pytest.mark.parametrize("behaviour", EVERY)
def test_status_detail_and_number_of_requests(
    replies: tuple[dict[Behaviour, Reply], Provider], behaviour: Behaviour
) -> None:
    reply, provider = replies[0][behaviour], replies[1]
    status, detail, requests = EVERY[behaviour]
    asked = prompt(behaviour)[0].content
    assert (str(reply.status), provider.count(asked)) == (status, requests)
    assert reply.detail.startswith(detail) if detail else reply.detail == ""
    assert reply.seconds > 0
    assert bool(reply.reasoning) is (behaviour in THOUGHT)
    if status == "ok":
        assert reply.text == (long_answer(asked) if behaviour is Behaviour.LONG else answer_text(asked))
        assert reply.usage == Usage(prompt_tokens=20, completion_tokens=30)


def long_answer(asked: str) -> str:
    text = answer_text(asked)
    return (text * (LONG // len(text) + 1))[:LONG]


def test_a_refused_key_stops_the_run_and_is_not_shown(house: Any, say: Say) -> None:
    async def job(provider: Provider, model: OpenAIModel) -> None:
        with pytest.raises(AccessDenied) as caught:
            await model.reply(say("问[[401]]"), Generation())
        message = str(caught.value)
        assert message.startswith(f"{provider.base_url.split('/')[2]} refused access: check the key in")
        assert "\n" not in message
        assert "--api-key-env" in message
        assert "***" in message
        assert house.key not in message
        assert provider.count() == 1

    house.run(job)


def test_a_block_under_403_is_a_block(house: Any) -> None:
    provider = Provider()
    body = {
        "code": "denied",
        "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
    }
    provider.plans["xai"] = Planned(body=json.dumps(body).encode(), status=403)
    (reply,) = house.ask("问[[xai]]", provider=provider)
    assert (reply.status, reply.detail[:14]) == (ReplyStatus.FILTERED, "input: denied ")


def test_the_key_is_in_no_reply_and_no_repr(house: Any) -> None:
    provider = Provider()
    echo = completion(f"您的密钥是 {house.key}。")
    provider.plans["echo"] = Planned(body=json.dumps(echo).encode())
    escaped = "".join(f"\\u{ord(c):04x}" for c in house.key)
    provider.plans["escaped"] = Planned(body=f'{{"error":{{"message":"x {escaped}"}}}}'.encode(), status=400)
    spelt = json.dumps(completion("密钥 KEY")).replace("KEY", escaped)
    provider.plans["spelt"] = Planned(body=spelt.encode())
    provider.plans["page"] = Planned(body=f"<p>{house.key * 3000}</p>".encode(), status=502)
    found = house.ask("a[[400]]", "b[[echo]]", "c[[escaped]]", "d[[page]]", "e[[spelt]]", provider=provider)
    assert [str(one.status) for one in found] == ["failed", "ok", "failed", "failed", "ok"]
    assert house.key not in repr(found)
    assert house.key[:12] not in repr(found)
    assert (found[1].text, found[4].text) == ("您的密钥是 ***。", "密钥 ***")
    model = house.open("https://h/v1")
    assert house.key not in repr(model) + str(vars(model)) + str(vars(vars(model)["_line"]))
    assert provider.requests[0].authorization == f"Bearer {house.key}"


def test_a_short_placeholder_key_does_not_touch_answers(house: Any) -> None:
    house.key = "EMPTY"
    provider = Provider()
    provider.plans["word"] = Planned(body=json.dumps(completion("EMPTY means nothing")).encode())
    (reply,) = house.ask("[[word]]", provider=provider)
    assert reply.text == "EMPTY means nothing"


def test_what_is_sent(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    house.key = None
    messages = (Message(role="system", content="简短"), Message(role="user", content="问\ud800题"))

    async def job(provider: Provider, model: OpenAIModel) -> Provider:
        await model.reply(messages, Generation())
        await model.reply(messages, Generation(temperature=0.0, max_tokens=5, seed=0))
        return provider

    first, second = house.run(job).requests
    asked = [{"role": "system", "content": "简短"}, {"role": "user", "content": "问?题"}]
    assert first.payload == {"model": "m", "messages": asked}
    assert second.payload == {"model": "m", "messages": asked, "temperature": 0.0, "max_tokens": 5, "seed": 0}
    assert first.authorization == ""


def test_retry_after_is_a_minimum_for_everybody(house: Any, say: Say) -> None:
    provider = Provider()
    provider.retry_after = "0.4"

    async def job(_: Provider, model: OpenAIModel) -> None:
        first = asyncio.ensure_future(model.reply(say("甲[[429]]"), Generation()))
        pacer: Any = None
        while pacer is None or not pacer.limited:  # the 429 has come back
            await asyncio.sleep(0)
            pacer = vars(vars(model)["_line"].asker())["_lane"].pacer
        await asyncio.gather(first, *(model.reply(say(f"乙{k}"), Generation()) for k in range(3)))

    house.run(job, provider=provider)
    limited, *later = provider.requests
    assert len(later) == 4
    assert min(one.at for one in later) - limited.at >= 0.39


async def arrived(provider: Provider) -> None:
    """Wait until a request came and an answer had time to get back."""
    for _ in range(1000):
        await asyncio.sleep(0.005)
        if provider.requests:
            break
    await asyncio.sleep(0.1)


def test_an_endpoint_that_asks_for_too_much_patience_is_not_waited_for(house: Any) -> None:
    provider = Provider()
    provider.retry_after = "86400"
    replies = house.ask(*(f"{k}[[429]]" for k in range(12)), provider=provider, connections=2)
    for reply in replies:
        assert reply.detail.startswith("HTTP 429 asking to wait 86400 s after 1 attempt")


def test_timeout_is_for_a_whole_attempt(house: Any) -> None:
    provider = Provider()
    provider.slow = 30.0
    (reply,) = house.ask("[[slow]]", provider=provider, timeout=0.2, retries=1)
    assert (str(reply.status), reply.detail) == ("failed", "no answer within 0.2 s after 2 attempts")
    assert provider.count() == 2


def test_nobody_there(house: Any, say: Say) -> None:
    async def job() -> Reply:
        async with Provider() as provider:
            address = provider.base_url
        model = house.open(address, retries=1)
        reply: Reply = await model.reply(say("问"), Generation())
        await model.aclose()
        return reply

    reply = asyncio.run(job())
    assert reply.status is ReplyStatus.FAILED
    assert reply.detail.startswith("connection failed after 2 attempts: ClientConnectorError")


def test_a_redirect_is_not_followed(house: Any) -> None:
    provider = Provider()
    provider.plans["away"] = Planned(body=b"", status=307, headers={"Location": "/v1/chat/completions"})
    (reply,) = house.ask("[[away]]", provider=provider)
    assert (str(reply.status), reply.detail, provider.count()) == ("failed", "HTTP 307", 1)


def test_compressed_answers(house: Any) -> None:
    provider = Provider()
    body = gzip.compress(json.dumps(completion("压缩的回答" * 1000)).encode())
    provider.plans["zip"] = Planned(body=body, headers={"Content-Encoding": "gzip"})
    (reply,) = house.ask("[[zip]]", provider=provider)
    assert reply.text == "压缩的回答" * 1000


def test_an_endless_answer_is_cut_off_and_not_asked_for_again(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liangxin.models.http.transport.LARGEST_BODY", 1 << 20)
    provider = Provider()
    (reply,) = house.ask("[[long]]", provider=provider)
    assert (reply.detail, provider.count()) == ("the answer is longer than 1 MB", 1)


@pytest.mark.parametrize("behaviour", ["slow", "429-always", "500"])
def test_a_cancelled_request_leaves_nothing_behind(house: Any, say: Say, behaviour: str) -> None:
    provider = Provider()
    provider.retry_after = "60"

    async def job(_: Provider, model: OpenAIModel) -> None:
        tasks = [
            asyncio.ensure_future(model.reply(say(f"{k}[[{behaviour}]]"), Generation())) for k in range(5)
        ]
        await arrived(provider)
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in done)

    house.run(job, provider=provider, retries=100)
    gc.collect()


def test_a_closed_model_can_be_used_again(house: Any, say: Say) -> None:
    async def job(provider: Provider, model: OpenAIModel) -> None:
        await model.reply(say("一"), Generation())
        await model.aclose()
        await model.aclose()
        assert (await model.reply(say("二"), Generation())).text == answer_text("二")

    house.run(job)


def test_many_prompts_with_everything_that_goes_wrong(house: Any) -> None:
    prompts = [f"第{k}题" for k in range(400)]
    found = []
    for _ in range(2):
        provider = Provider(shares=MIXED)
        provider.retry_after, provider.slow = "0.01", 0.05
        found.append(house.ask(*prompts, provider=provider, retries=1, connections=64))
        statuses = Counter(str(reply.status) for reply in found[-1])
        expected = Counter(EVERY[provider.behaviour(one)][0] for one in prompts)
        assert statuses == expected
        assert len(statuses) == 5
    shown = [[(one.status, one.text, one.reasoning) for one in replies] for replies in found]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_gets_its_own_credentials_and_not_the_key(
    house: Any, say: Say, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    heads: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        body = json.dumps(completion("经代理")).encode()
        status = b"502 Bad Gateway" if scheme == "https" else b"200 OK"
        head = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        writer.write(head + body)
        await writer.drain()
        writer.close()

    async def job() -> Reply:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv(f"{scheme}_proxy", f"http://me:s3cret-word@127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        model = open_openai(
            "m", Endpoint(base_url=f"{scheme}://model.invalid/v1", api_key=house.key, retries=0)
        )
        reply = await model.reply(say("问"), Generation())
        await model.aclose()
        server.close()
        return reply

    reply = asyncio.run(job())
    assert b"Proxy-Authorization: Basic bWU6czNjcmV0LXdvcmQ=\r\n" in heads[0]
    assert "s3cret" not in repr(reply)
    if scheme == "http":
        assert reply.text == "经代理"
        assert heads[0].startswith(b"POST http://model.invalid/v1/chat/completions HTTP/1.1\r\n")
        assert f"\r\nAuthorization: Bearer {house.key}\r\n".encode() in heads[0]
    else:
        assert reply.detail.startswith("connection failed after 1 attempt: ClientHttpProxyError")
        assert heads[0].startswith(b"CONNECT model.invalid:443 HTTP/1.1\r\n")
        assert house.key.encode() not in heads[0]


def test_proxies_are_passed_by_for_loopback_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.invalid:8080")
    monkeypatch.setenv("http_proxy", "socks5://proxy.invalid:1080")
    monkeypatch.setenv("no_proxy", "inside.example")
    for base_url in (
        "http://127.0.0.1:1/v1",
        "http://localhost/v1",
        "http://[::1]/v1",
        "https://inside.example/v1",
    ):
        assert find_proxy(read_address(base_url)) is None
    proxy = find_proxy(read_address("https://outside.example/v1"))
    assert proxy is not None
    assert proxy.url == "http://proxy.invalid:8080"
    with pytest.raises(UsageError, match="HTTP_PROXY is not an http or https address"):
        find_proxy(read_address("http://outside.example/v1"))


@pytest.mark.parametrize(
    ("base_url", "shown", "url"),
    [
        ("https://h.example/v1", "https://h.example/v1", "https://h.example/v1/chat/completions"),
        (" https://H.example:443/v1/ ", "https://h.example/v1", "https://h.example/v1/chat/completions"),
        ("http://h:8000", "http://h:8000", "http://h:8000/chat/completions"),
        ("http://h/v1/chat/completions", "http://h/v1", "http://h/v1/chat/completions"),
        ("https://me:pw@h/v1?api-version=1#x", "https://h/v1", "https://h/v1/chat/completions?api-version=1"),
        ("http://[::1]:80/v1", "http://[::1]/v1", "http://[::1]/v1/chat/completions"),
        ("https://模型.example/v1", "https://模型.example/v1", "https://模型.example/v1/chat/completions"),
    ],
)
def test_base_urls(base_url: str, shown: str, url: str) -> None:
    address = read_address(base_url)
    assert (address.shown, address.url) == (shown, url)
    assert open_openai("qwen", Endpoint(base_url=base_url)).identity == f"openai:qwen@{shown}"


@pytest.mark.parametrize(
    "base_url",
    [
        "ftp://h/v1",
        "h/v1",
        "localhost:8000/v1",
        "https://",
        "https://h:port/v1",
        "http://[::1/v1",
        "http://a b/v1",
        "//h",
    ],
)
def test_a_base_url_that_cannot_be_used(base_url: str) -> None:
    with pytest.raises(
        UsageError, match="the base URL is not an http or https address with a host:"
    ) as caught:
        open_model("openai:m", Endpoint(base_url=base_url))
    assert caught.value.exit_status == 2


def test_url_credentials_are_secret_and_sent(house: Any, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")

    async def job() -> tuple[Provider, Reply, OpenAIModel]:
        async with Provider() as provider:
            address = provider.base_url.replace("://", "://me%40x:pass-wörd@") + "?key=query-secret"
            model = open_openai("m", Endpoint(base_url=address, retries=0))
            reply = await model.reply(say("问[[400]]"), Generation())
            await model.aclose()
            return provider, reply, model

    provider, reply, model = asyncio.run(job())
    assert provider.requests[0].authorization == "Basic bWVAeDpwYXNzLXfDtnJk"
    assert model.identity == f"openai:m@{provider.base_url}"
    shown = repr(reply) + repr(model) + model.identity + repr(read_address("https://u:p4ss@h/?key=s3c"))
    for secret in ("bWVAeDpwYXNzLXfDtnJk", "pass-wörd", "query-secret", "p4ss", "s3c"):
        assert secret not in shown


def test_the_environment_is_the_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert open_openai("gpt", Endpoint()).identity == "openai:gpt@https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://one.example/v1")
    assert open_openai("m", Endpoint()).identity == "openai:m@https://one.example/v1"
    assert open_openai("m", Endpoint(base_url="http://two/v1")).identity == "openai:m@http://two/v1"


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "密钥-123"])
def test_a_key_that_no_header_can_carry(key: str) -> None:
    with pytest.raises(UsageError, match="export it again") as caught:
        open_openai("m", Endpoint(base_url="http://h/v1", api_key=key))
    assert key not in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_it_is_a_chat_model() -> None:
    model: ChatModel = open_openai("m", Endpoint(base_url="http://h/v1"))
    assert repr(model) == "OpenAIModel('openai:m@http://h/v1')"
