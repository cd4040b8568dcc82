"""Streamed answers: the same reply as an unstreamed one, whatever goes wrong and wherever the pieces are cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.errors import AccessDenied
from liangxin.models import Streaming, stream_or_reply
from liangxin.models.anthropic import open_anthropic, read_message
from liangxin.models.base import ChatModel
from liangxin.models.completions import open_completions
from liangxin.models.http.anthropic_stream import MessageGathering
from liangxin.models.http.gathering import ChatGathering
from liangxin.models.http.sse import Events
from liangxin.models.openai import OpenAIModel, open_openai
from liangxin.models.reading import finish
from liangxin.models.recorded.scripted import ScriptedModel
from liangxin.models.scrub import Secrets
from liangxin.models.visible import Visible
from liangxin.records import Message, Reply, ReplyStatus, Usage
from liangxin.specs import Endpoint, Generation
from liangxin.testing.behaviours import Behaviour
from liangxin.testing.provider import Provider

BEHAVIOURS = tuple(one for one in Behaviour if one is not Behaviour.DENIED)
Say = Callable[[str], tuple[Message, ...]]


def prompt(behaviour: Behaviour) -> tuple[Message, ...]:
    return (Message(role="user", content=f"请举例[[{behaviour}]]"),)


async def take(model: ChatModel, messages: Sequence[Message]) -> tuple[list[str], Reply]:
    """The pieces of a streamed answer and its reply, which comes last and once."""
    said = [piece async for piece in stream_or_reply(model, messages, Generation())]
    reply = said.pop()
    assert isinstance(reply, Reply)
    pieces = [piece for piece in said if isinstance(piece, str)]
    assert len(pieces) == len(said)
    assert all(pieces)
    return pieces, reply


def everything(
    open_model: Callable[[str, Endpoint], ChatModel], *, stream: bool
) -> dict[Behaviour, tuple[list[str], Reply]]:
    """Every behaviour but 401 at a provider of its own, asked at once."""
    provider = Provider()
    provider.retry_after, provider.slow = "0.05", 0.05

    async def job() -> dict[Behaviour, tuple[list[str], Reply]]:
        async with provider:
            model = open_model("m", Endpoint(base_url=provider.base_url, retries=2, connections=40))

            async def one(behaviour: Behaviour) -> tuple[list[str], Reply]:
                if stream:
                    return await take(model, prompt(behaviour))
                return [], await model.reply(prompt(behaviour), Generation())

            found = await asyncio.gather(*(one(behaviour) for behaviour in BEHAVIOURS))
            await model.aclose()
            return dict(zip(BEHAVIOURS, found, strict=True))

    return asyncio.run(job())


@pytest.fixture(scope="module", params=[open_openai, open_anthropic], ids=["openai", "anthropic"])
def both(request: pytest.FixtureRequest) -> tuple[dict[Behaviour, Any], dict[Behaviour, Any]]:
    return everything(request.param, stream=True), everything(request.param, stream=False)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_streamed_reply_equals_an_unstreamed_one(
    both: tuple[dict[Behaviour, Any], dict[Behaviour, Any]], behaviour: Behaviour
) -> None:
    (pieces, streamed), (_, whole) = both[0][behaviour], both[1][behaviour]
    # A failed connection is quoted with the local port in it.
    connection = streamed.detail.startswith("connection failed")
    assert replace(streamed, seconds=0.0, detail="") == replace(whole, seconds=0.0, detail="")
    assert connection or streamed.detail == whole.detail
    assert "".join(pieces) == whole.text
    if behaviour in (Behaviour.OK, Behaviour.LONG, Behaviour.THINK, Behaviour.REASONING):
        assert len(pieces) > 3


def test_the_request_asks_for_a_stream_and_for_counts_only_where_they_are_known(house: Any, say: Say) -> None:
    async def job(provider: Provider, model: OpenAIModel) -> None:
        await take(model, say("你好"))
        sent = dict(provider.requests[-1].payload)
        await model.reply(say("你好"), Generation())
        assert sent == {**provider.requests[-1].payload, "stream": True}

    house.run(job)
    known = open_openai("m", Endpoint(base_url="https://api.openai.com/v1", api_key="sk-unused-0123456789"))
    assert json.loads(b"{" + known._streamed[1:])["stream_options"] == {"include_usage": True}


def test_a_refused_key_stops_and_is_not_shown(house: Any, say: Say) -> None:
    async def job(provider: Provider, model: OpenAIModel) -> None:
        with pytest.raises(AccessDenied) as caught:
            await take(model, say("问[[401]]"))
        assert house.key not in str(caught.value)
        assert provider.count() == 1

    house.run(job)


def test_who_stops_listening_ends_the_request_and_frees_its_turn(house: Any, say: Say) -> None:
    provider = Provider()
    provider.pause = 0.01

    async def job(served: Provider, model: OpenAIModel) -> None:
        async with aclosing(model.stream(say("问[[long]]"), Generation())) as pieces:
            async for piece in pieces:
                assert isinstance(piece, str)
                break
        # One request at a time: this one would wait for ever if the turn had not been given back.
        model._line.asker()._lane.pacer.limited = True
        model._line.asker()._lane.pacer._limit = 1.0
        served.pause = 0.0
        _, reply = await asyncio.wait_for(take(model, say("你好")), 10)
        assert reply.status is ReplyStatus.OK
        await asyncio.wait_for(provider.left.wait(), 10)

    house.run(job, provider=provider, connections=1)


def test_a_cancelled_task_ends_the_request_too(house: Any, say: Say) -> None:
    provider = Provider()
    provider.pause = 0.01

    async def job(_: Provider, model: OpenAIModel) -> None:
        begun = asyncio.Event()

        async def read() -> None:
            async for _ in model.stream(say("问[[long]]"), Generation()):
                begun.set()

        task = asyncio.create_task(read())
        await asyncio.wait_for(begun.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert model._line.asker()._lane.pacer.under_way == 0
        await asyncio.wait_for(provider.left.wait(), 10)

    house.run(job, provider=provider)


@asynccontextmanager
async def canned(*answers: Sequence[bytes | None]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that sends each request's bytes piece by piece (None waits for ever) and closes."""
    requests: list[bytes] = []
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        with suppress(OSError):
            await answer(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        parts = answers[min(len(requests), len(answers) - 1)]
        requests.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for part in parts:
            if part is None:
                await reader.read()
                break
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.001)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", requests
        await asyncio.gather(*served)


def chunk(reason: str | None = None, **delta: str) -> bytes:
    body = {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def heard(
    house: Any, *answers: Sequence[bytes | None], times: int = 1, **settings: Any
) -> tuple[list[tuple[list[str], Reply]], int]:
    """What was streamed, time after time, and how many requests were made."""

    async def job() -> tuple[list[tuple[list[str], Reply]], int]:
        async with canned(*answers) as (base_url, requests):
            model = house.open(base_url, **settings)
            messages = (Message(role="user", content="问"),)
            found = [await asyncio.wait_for(take(model, messages), 20) for _ in range(times)]
            await model.aclose()
            return found, len(requests)

    return asyncio.run(job())


def test_a_stream_that_breaks_off_is_asked_again_only_while_nothing_was_shown(house: Any) -> None:
    whole = (chunk(content="好的"), chunk("stop"), DONE)
    (got,), requests = heard(house, (chunk(role="assistant"),), whole)
    assert (got[0], got[1].status, requests) == (["好的"], ReplyStatus.OK, 2)
    ((pieces, reply),), requests = heard(house, (chunk(content="好"),), whole)
    assert (pieces, reply.text, requests) == (["好"], "", 1)
    assert (reply.status, reply.detail) == (
        ReplyStatus.FAILED,
        "the stream ended before the answer did",
    )


def test_a_stream_that_stands_still_has_failed(house: Any) -> None:
    ((pieces, reply),), requests = heard(house, (chunk(content="好"), None), timeout=0.2)
    assert (pieces, requests, reply.detail) == (["好"], 1, "no answer within 0.2 s")


def test_a_block_in_the_middle_keeps_what_was_said(house: Any) -> None:
    code = "data_inspection_failed"
    error = {
        "error": {"code": code, "type": code, "message": "Output data may contain inappropriate content."}
    }
    said = (
        chunk(content="<think>想"),
        chunk(content="</think>好"),
        b"data: %s\n\n" % json.dumps(error).encode(),
    )
    ((pieces, reply),), requests = heard(house, said)
    assert (pieces, requests) == (["好"], 1)
    assert (reply.status, reply.text, reply.reasoning) == (ReplyStatus.FILTERED, "好", "想")
    assert reply.detail.startswith("output: data_inspection_failed")


def test_another_error_in_the_middle_has_failed(house: Any) -> None:
    error = b'data: {"error": {"code": 502, "message": "upstream went away"}}\n\n'
    ((_, reply),), requests = heard(house, (chunk(content="好"), error, DONE))
    assert (reply.status, requests) == (ReplyStatus.FAILED, 1)
    assert "upstream went away" in reply.detail


def test_what_is_no_json_in_the_middle_has_failed(house: Any) -> None:
    ((_, reply),), _ = heard(house, (chunk(content="好"), b"data: {\n\n"))
    assert reply.detail == "a part of the stream is not JSON: {"


def test_a_think_block_that_the_template_opened_is_shown_once_at_most(house: Any) -> None:
    thinks = (
        chunk(content="想一想"),
        chunk(content="</thi"),
        chunk(content="nk>\n\n好"),
        chunk("stop"),
        DONE,
    )
    (first, second), _ = heard(house, thinks, times=2)
    for _, reply in (first, second):
        assert (reply.text, reply.reasoning, reply.status) == ("好", "想一想", ReplyStatus.OK)
    assert second[0] == ["好"]


def test_a_key_that_comes_back_in_two_halves_is_masked(house: Any) -> None:
    half = len(house.key) // 2
    said = (
        chunk(content="密钥" + house.key[:half]),
        chunk(content=house.key[half:] + "。"),
        chunk(content=house.key),
        chunk("stop"),
    )
    ((pieces, reply),), _ = heard(house, said)
    assert "".join(pieces) == reply.text == "密钥***。***"


def test_half_a_character_waits_for_the_other_half(house: Any) -> None:
    parts = [
        b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % half for half in (rb"\ud83d", rb"\ude00")
    ]
    ((pieces, reply),), _ = heard(house, (*parts, chunk("stop")))
    assert (pieces, reply.text) == (["\U0001f600"], "\U0001f600")


def test_an_endpoint_that_does_not_stream_shows_its_answer_whole(house: Any) -> None:
    body = {"choices": [{"message": {"content": "好的"}, "finish_reason": "stop"}]}
    ((pieces, reply),), _ = heard(house, (b" \n", json.dumps(body).encode()))
    assert (pieces, reply.text, reply.status) == (["好的"], "好的", ReplyStatus.OK)


def test_a_whole_message_in_the_last_chunk_is_not_said_twice(house: Any) -> None:
    whole = {"choices": [{"message": {"content": "好的"}, "finish_reason": "stop"}]}
    ((pieces, reply),), _ = heard(
        house, (chunk(content="好"), b"data: %s\n\n" % json.dumps(whole).encode(), DONE)
    )
    assert ("".join(pieces), reply.text) == ("好的", "好的")


def test_usage_is_read_where_providers_put_it(house: Any) -> None:
    counts = {"prompt_tokens": 3, "completion_tokens": 5}
    beside = {"choices": [], "usage": counts}
    within = {"choices": [{"delta": {}, "finish_reason": "stop", "usage": counts}]}
    for last in (beside, within):
        said = (chunk(content="好"), chunk("stop"), b"data: %s\n\n" % json.dumps(last).encode(), DONE)
        ((_, reply),), _ = heard(house, said)
        assert reply.usage == Usage(prompt_tokens=3, completion_tokens=5)


def test_a_base_model_is_streamed_too(house: Any) -> None:
    async def job() -> None:
        texts = [b'data: {"choices":[{"text":"%s"}]}\n\n' % part.encode() for part in ("好", "的")]
        async with canned((*texts, b'data: {"choices":[{"text":"","finish_reason":"stop"}]}\n\n')) as (
            url,
            _,
        ):
            model = open_completions("m", Endpoint(base_url=url))
            pieces, reply = await take(model, (Message(role="user", content="问"),))
            await model.aclose()
            assert (pieces, reply.text, reply.status) == (["好", "的"], "好的", ReplyStatus.OK)

    asyncio.run(job())


def test_a_model_that_cannot_stream_shows_its_text_at_once() -> None:
    answer = Reply(text="好", reasoning="想")
    model = ScriptedModel(lambda messages, generation: answer)
    assert not isinstance(model, Streaming)
    assert asyncio.run(take(model, ())) == (["好"], answer)
    failed = Reply(status=ReplyStatus.FAILED, detail="x")
    assert asyncio.run(take(ScriptedModel(lambda messages, generation: failed), ())) == ([], failed)


def test_an_overloaded_messages_endpoint_in_the_middle(house: Any) -> None:
    del house
    gathering = MessageGathering(read_message)
    gathering.take(b'{"type":"message_start","message":{"usage":{"input_tokens":4}}}')
    gathering.take(b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')
    outcome = gathering.outcome()
    assert not isinstance(outcome, Reply)
    assert (outcome.retry, outcome.what) == (True, "HTTP 200 with error 529")


PARTS = st.lists(
    st.sampled_from(["<think>", "</think>", " ", "\n", "好", "想", "<", "</", "x", "\ud83d", "\ude00"])
)


@given(parts=PARTS, cuts=st.lists(st.integers(0, 40)), waits=st.booleans())
def test_what_is_shown_is_a_beginning_of_the_answer(parts: list[str], cuts: list[int], waits: bool) -> None:
    content = "".join(parts)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    visible = Visible(waits=waits)
    pieces = [visible.take(content[a:b]) for a, b in pairwise(edges)]
    answer = finish(content, "stop").text
    if not visible.lone_close:
        assert answer.startswith("".join(pieces))
    if not visible.lone_close or waits:
        assert "".join(pieces) + visible.rest(answer) == answer


@given(text=st.text(alphabet="ab-", max_size=60), cuts=st.lists(st.integers(0, 60)))
def test_no_secret_is_shown_in_pieces(text: str, cuts: list[int]) -> None:
    secret = "abababababababab-ab"
    content = text + secret + text
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    visible = Visible(Secrets([secret]))
    pieces = [visible.take(content[a:b]) for a, b in pairwise(edges)]
    assert secret not in "".join(pieces)
    assert secret[:-1] not in "".join(pieces)


@given(
    events=st.lists(st.lists(st.text(alphabet="a: 好\t", max_size=6), min_size=1, max_size=3)),
    cuts=st.lists(st.integers(0, 400)),
    line=st.sampled_from([b"\n", b"\r\n"]),
)
def test_events_are_the_same_wherever_the_bytes_are_cut(
    events: list[list[str]], cuts: list[int], line: bytes
) -> None:
    raw = b": comment" + line
    for lines in events:
        raw += b"event: x" + line + b"".join(b"data: " + one.encode() + line for one in lines) + line
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    parser = Events()
    found = [data for a, b in pairwise(edges) for data in parser.feed(raw[a:b])]
    assert found == ["\n".join(lines).encode() for lines in events]
    assert list(parser.end()) == []


KEYS = [
    "choices",
    "delta",
    "message",
    "content",
    "text",
    "error",
    "usage",
    "index",
    "type",
    "refusal",
    "content_block",
    "finish_reason",
    "thinking",
    "reasoning_content",
    "base_resp",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)
EVENT = st.dictionaries(
    st.sampled_from(["choices", "type", "message", "index", "content_block", "delta", "usage", "error"]),
    JSON | st.sampled_from(["message_start", "content_block_start", "content_block_delta", "error", 0]),
)


@given(values=st.lists(EVENT | JSON, max_size=6), raw=st.binary(max_size=20))
def test_no_event_makes_a_gathering_raise(values: list[object], raw: bytes) -> None:
    for gathering in (ChatGathering(), MessageGathering(read_message)):
        for value in values:
            assert isinstance(gathering.take(json.dumps(value).encode()), str)
        gathering.take(raw)
        gathering.outcome()


@given(raw=st.binary(max_size=60))
def test_no_bytes_make_the_event_reader_raise(raw: bytes) -> None:
    parser = Events()
    assert all(isinstance(one, bytes) for one in (*parser.feed(raw), *parser.end()))
