"""A load-test endpoint: HTTP/1.1 over a bare asyncio protocol, every answer good, the same for the same request.

    python -m liangxin.testing.fast_server [--port N] [--latency S]

prints its base URL and serves until SIGTERM or SIGINT. For behaviours other than good answers use
`liangxin.testing.provider`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import zlib
from collections.abc import Callable
from typing import Protocol, cast

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_OPENINGS = ("可以这样处理", "建议先了解情况", "这件事有几种做法", "不妨从小处着手")
_REST = "：先弄清事实，再听听当事人的想法，必要时请教专业人士，并把结果告诉相关的人。"


def answer_to(body: bytes) -> bytes:
    """The whole HTTP response to a request body; equal bodies have equal answers."""
    mark = zlib.crc32(body)
    text = f"{_OPENINGS[mark % len(_OPENINGS)]}{_REST}（{mark:08x}）"
    content = (
        f'{{"id":"chatcmpl-{mark:08x}","object":"chat.completion","created":0,"model":"fast","choices":[{{"index":0,'
        f'"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],'
        '"usage":{"prompt_tokens":40,"completion_tokens":40,"total_tokens":80}}'
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


class FastProtocol(asyncio.Protocol):
    """One connection; requests are answered in order, each `latency` seconds after it came."""

    def __init__(self, latency: float, count: Callable[[], None]) -> None:
        self._latency = latency
        self._count = count
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._buffer, 0, end + 2)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._count()
            if self._latency > 0:
                asyncio.get_running_loop().call_later(self._latency, self._send, body)
            else:
                self._send(body)

    def _send(self, body: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answer_to(body))


class FastServer:
    """`async with FastServer() as server: server.base_url`."""

    def __init__(self, *, port: int = 0, latency: float = 0.0) -> None:
        """Prepare; `port` 0 takes a free one."""
        self._port = port
        self._latency = latency
        self._server: asyncio.Server | None = None
        self.requests = 0
        """How many requests came."""
        self.base_url = ""

    async def __aenter__(self) -> FastServer:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: FastProtocol(self._latency, self._counted), "127.0.0.1", self._port, backlog=4096
        )
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server is not None:
            self._server.close()

    def _counted(self) -> None:
        self.requests += 1


class Server(Protocol):
    """A server that knows its address once it is entered."""

    base_url: str

    async def __aenter__(self) -> Server:
        """Start."""
        ...

    async def __aexit__(self, *exc: object) -> None:
        """Stop."""
        ...


async def serve_until_told(server: Server) -> None:
    """Print the base URL and serve until SIGTERM or SIGINT."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    async with server:
        print(server.base_url, flush=True)
        await told.wait()


def new_loop() -> asyncio.AbstractEventLoop:
    """A uvloop where there is one, else asyncio's own."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop()
    return new_event_loop()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m liangxin.testing.fast_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, metavar="S")
    words = parser.parse_args()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve_until_told(FastServer(port=words.port, latency=words.latency)))


if __name__ == "__main__":
    main()
