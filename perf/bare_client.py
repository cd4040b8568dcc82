"""The baseline: a bare aiohttp client that asks and writes JSON lines, and does nothing else.

Usage: python perf/bare_client.py BASE_URL DATA.jsonl OUT.jsonl CONNECTIONS

A row of DATA with `follow_up` is asked in two turns, the answer to the first in the history.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import aiohttp


async def main(base_url: str, data: str, out: str, connections: int) -> None:
    """Ask every row of `data` with `connections` workers."""
    with Path(data).open(encoding="utf-8") as lines, Path(out).open("w", encoding="utf-8") as sink:
        rows = (json.loads(line) for line in lines)
        connector = aiohttp.TCPConnector(limit=connections)
        async with aiohttp.ClientSession(connector=connector) as session:
            url = f"{base_url}/chat/completions"
            await asyncio.gather(*(worker(session, url, rows, sink) for _ in range(connections)))


async def worker(
    session: aiohttp.ClientSession, url: str, rows: Iterator[dict[str, str]], sink: IO[str]
) -> None:
    """Take rows from the shared iterator until it ends."""
    for row in rows:
        turns = [row["prompt"]] if "prompt" in row else [row["question"], row["follow_up"]]
        messages: list[dict[str, str]] = []
        for prompt in turns:
            messages.append({"role": "user", "content": prompt})
            async with session.post(url, json={"model": "bare", "messages": messages}) as response:
                body = await response.json()
            text = body["choices"][0]["message"]["content"]
            messages.append({"role": "assistant", "content": text})
        sink.write(json.dumps(messages, ensure_ascii=False) + "\n")


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
