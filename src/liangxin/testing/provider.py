"""A real HTTP server on loopback that plays an OpenAI-compatible provider, with everything that goes wrong.

The same at `/v1/messages`, in the shape of Anthropic's Messages API; streamed where the request asks for it.

    async with Provider(shares={"429": 0.02}) as provider:
        provider.base_url

    with running(Provider()) as provider:      # from ordinary code: it serves in a thread
        provider.base_url

    python -m liangxin.testing.provider [--port N] [--latency S] [--mixed] [--share NAME=P] …

How a prompt is treated is decided by a marker in it (`[[500-once]]`), else by a hash of the prompt and the
shares, so that it is the same in every run. A model named `judge…` answers with verdicts and has markers
(`[[judge:unreadable]]`) and shares of its own. Requests are counted by model and prompt.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from aiohttp import web

from liangxin.testing.behaviours import (
    MIXED,
    MIXED_JUDGE,
    NAMES,
    ONCE,
    Behaviour,
    Planned,
    ProviderRequest,
    fraction,
    is_judge,
    respond,
)
from liangxin.testing.fast_server import new_loop, serve_until_told
from liangxin.testing.messages import respond_message
from liangxin.testing.streams import events_of
from liangxin.testing.wire import BODIES, DEMANDS, as_text, unmet

Respond = Callable[[Behaviour, ProviderRequest], Planned]

_DOWN = Planned(body=b'{"error": {"message": "no server is available"}}', status=503)
_MARKER = re.compile(r"\[\[(judge:)?([a-z0-9_-]+)\]\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came."""

    model: str
    prompt: str
    """The last user message."""
    number: int
    """Of this model's requests with this prompt, from 1."""
    at: float
    """When it came: `time.monotonic()`."""
    payload: Mapping[str, object]
    authorization: str
    """The key as it was sent: the Authorization header, or `x-api-key`."""


class Provider:
    """The server; see the module. Everything it got is in `requests`."""

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        shares: Mapping[str, float] | None = None,
        judge_shares: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        """Prepare.

        Args:
            port: 0 takes a free one.
            latency: seconds before every answer.
            shares: of the prompts, by behaviour; the rest is answered well.
            judge_shares: the same for the judge's prompts.
            seed: of the hash that spreads the shares.

        Raises:
            ValueError: no such behaviour, or the shares exceed 1.
        """
        self._port = port
        self._latency = latency
        self._seed = str(seed)
        self._shares = {False: _checked(shares or {}), True: _checked(judge_shares or {})}
        self._runner: web.AppRunner | None = None
        self._counts: Counter[tuple[str, str]] = Counter()
        self.plans: dict[str, Planned] = {}
        """Answers of a test's own, by marker."""
        self.down: range = range(0)
        """Which of all requests, by their place from 0, get `down_as` whatever they ask."""
        self.down_as = _DOWN
        self.demands: frozenset[str] = frozenset()
        """What every request must have: names of `wire.DEMANDS`."""
        self.retry_after = "1"
        """What a 429 says."""
        self.slow = 5.0
        """Seconds that a slow answer takes."""
        self.pause = 0.0
        """Seconds between the events of a streamed answer."""
        self.left = asyncio.Event()
        """Set once a client has not waited for the end of a streamed answer."""
        self.requests: list[Request] = []
        self._under_way = 0
        self.most_at_once = 0
        """The most requests that were under way at one moment."""
        self.base_url = ""

    async def __aenter__(self) -> Provider:
        application = web.Application(client_max_size=1 << 28)
        application.router.add_post("/v1/chat/completions", self._chat)
        application.router.add_post("/v1/completions", self._chat)
        application.router.add_post("/v1/messages", self._message)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=4096)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def count(self, prompt: str | None = None, model: str | None = None) -> int:
        """How many requests came, of a prompt, of a model, or of both."""
        return sum(
            count
            for (by_model, by_prompt), count in self._counts.items()
            if prompt in (None, by_prompt) and model in (None, by_model)
        )

    def behaviour(self, prompt: str, *, judge: bool = False) -> Behaviour:
        """How a prompt is treated."""
        for place, name in _MARKER.findall(prompt):
            if bool(place) is judge and name in NAMES:
                return Behaviour(name)
        at = fraction("share", self._seed, prompt)
        for behaviour, share in self._shares[judge].items():
            at -= share
            if at < 0:
                return behaviour
        return Behaviour.OK

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, respond)

    async def _message(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, respond_message)

    async def _answer(self, request: web.Request, answer: Respond) -> web.StreamResponse:
        payload = json.loads(await request.read())
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            return await self._answer_to(request, payload, answer)
        finally:
            self._under_way -= 1

    async def _answer_to(
        self, request: web.Request, payload: Mapping[str, object], answer: Respond
    ) -> web.StreamResponse:
        asked = self._note(request, payload)
        # Nothing was awaited since it was noted, so the last one is this.
        down = len(self.requests) - 1 in self.down
        planned = self.down_as if down else self._plan(asked, answer)
        if asked.as_text:
            planned = as_text(planned)
        wait = self._latency + (self.slow if planned.slow else 0.0)
        if wait:
            await asyncio.sleep(wait)
        if planned.reset:
            _reset(request)
        events = events_of(planned.body) if payload.get("stream") is True and planned.status == 200 else ()
        if events:
            return await self._stream(request, events)
        headers = {"Content-Type": "application/json", **planned.headers}
        return web.Response(body=planned.body, status=planned.status, headers=headers)

    async def _stream(self, request: web.Request, events: Sequence[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for event in events:
                await response.write(event)
                if self.pause:
                    await asyncio.sleep(self.pause)
            await response.write_eof()
        except OSError:  # the client has gone
            self.left.set()
        return response

    def _note(self, request: web.Request, payload: Mapping[str, object]) -> ProviderRequest:
        messages = payload.get("messages") or _asked_as_text(payload)
        assert isinstance(messages, list)
        said = [(message["role"], _text(message["content"])) for message in messages]
        if system := payload.get("system"):
            said.insert(0, ("system", _text(system)))
        prompt = next((content for role, content in reversed(said) if role == "user"), "")
        model = str(payload.get("model"))
        authorization = request.headers.get("Authorization", request.headers.get("x-api-key", ""))
        self._counts[model, prompt] += 1
        self.requests.append(
            Request(
                model=model,
                prompt=prompt,
                number=self._counts[model, prompt],
                at=time.monotonic(),
                payload=payload,
                authorization=authorization,
            )
        )
        return ProviderRequest(
            model=model,
            prompt=prompt,
            whole="\n".join(content for _, content in said),
            authorization=authorization,
            retry_after=self.retry_after,
            unmet=unmet(self.demands, payload),
            as_text="prompt" in payload,
        )

    def _plan(self, asked: ProviderRequest, answer: Respond) -> Planned:
        if asked.unmet is not None:
            return asked.unmet
        judge = is_judge(asked.model)
        for place, name in _MARKER.findall(asked.prompt):
            if bool(place) is judge and name in self.plans:
                return self.plans[name]
            if bool(place) is judge and name in BODIES:
                return BODIES[name]
        behaviour = self.behaviour(asked.prompt, judge=judge)
        if behaviour in ONCE and self._counts[asked.model, asked.prompt] > 1:
            behaviour = Behaviour.OK
        return answer(behaviour, asked)


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    """Serve in a thread of its own for as long as the block lasts."""
    ready, loop, told = threading.Event(), new_loop(), asyncio.Event()

    async def serve() -> None:
        async with provider:
            ready.set()
            await told.wait()

    def work() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            loop.close()
            ready.set()

    thread = threading.Thread(target=work, name="provider", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield provider
    finally:
        with suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(told.set)
        thread.join()


def _text(content: object) -> str:
    """A content as text: it may come in parts."""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content) if isinstance(content, list) else ""


def _asked_as_text(payload: Mapping[str, object]) -> list[dict[str, object]]:
    """The last question of a prompt of lines `用户：…` and `助手：…`, as a message."""
    lines = [line for line in str(payload.get("prompt")).splitlines() if line.strip()]
    return [{"role": "user", "content": lines[-2].partition("：")[2] if len(lines) > 1 else ""}]


def _reset(request: web.Request) -> None:
    """Break the connection so that the client sees a reset (RFC 9293: a lingering time of 0 sends RST)."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        transport.abort()


def _checked(shares: Mapping[str, float]) -> dict[Behaviour, float]:
    unknown = [name for name in shares if name not in NAMES]
    if unknown:
        raise ValueError(f"no behaviour {unknown[0]!r}; there are {', '.join(Behaviour)}")
    if sum(shares.values()) > 1 + 1e-9:
        raise ValueError("the shares exceed 1")
    return {Behaviour(name): share for name, share in shares.items()}


def _parse_shares(words: Sequence[str]) -> dict[str, float]:
    pairs = (word.partition("=") for word in words)
    return {name: float(share) for name, _, share in pairs}


def main() -> None:
    """Read the command line, print the base URL and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m liangxin.testing.provider")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="seconds before every answer")
    parser.add_argument("--slow", type=float, default=5.0, metavar="S", help="seconds of a slow answer")
    parser.add_argument("--retry-after", default="1", metavar="S", help="what a 429 asks to wait")
    parser.add_argument("--share", action="append", default=[], metavar="NAME=P", help=", ".join(Behaviour))
    parser.add_argument("--judge-share", action="append", default=[], metavar="NAME=P")
    parser.add_argument("--mixed", action="store_true", help="a small share of everything")
    parser.add_argument(
        "--demand", action="append", default=[], choices=sorted(DEMANDS), help="of every request"
    )
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    mixed, mixed_judge = (MIXED, MIXED_JUDGE) if words.mixed else ({}, {})
    try:
        provider = Provider(
            port=words.port,
            latency=words.latency,
            shares={**mixed, **_parse_shares(words.share)},
            judge_shares={**mixed_judge, **_parse_shares(words.judge_share)},
            seed=words.seed,
        )
    except ValueError as problem:
        parser.error(str(problem))
    provider.slow, provider.retry_after = words.slow, words.retry_after
    provider.demands = frozenset(words.demand)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve_until_told(provider))


if __name__ == "__main__":
    main()
