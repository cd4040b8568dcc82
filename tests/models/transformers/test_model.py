"""A transformers model, for real: a tiny one with random weights answers in this process."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from liangxin.errors import DataError, LiangxinError, ModelError
from liangxin.models import fewshot, open_model
from liangxin.models.transformers.files import open_folder
from liangxin.models.transformers.model import HfModel, open_hf
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
THINKING = CHATML.replace("assistant\n", "assistant\n<think>\n")
QUESTIONS = (
    "天空为什么是蓝色的？",
    "好吗？",
    "请说说" + "一个人应该怎样对待他人，怎样对待自己，" * 4 + "为什么？",
    "介绍一下北京。",
    "我心情不好，怎么办？",
    "旧手机可以直接扔掉吗？",
)


def ask(
    model: HfModel, questions: Sequence[str], generation: Generation, *, at_once: int = 16
) -> list[Reply]:
    async def whole() -> list[Reply]:
        free = asyncio.Semaphore(at_once)

        async def one(question: str) -> Reply:
            async with free:
                return await model.reply([Message(role="user", content=question)], generation)

        return await asyncio.gather(*(one(question) for question in questions))

    return asyncio.run(whole())


def close(model: HfModel) -> None:
    asyncio.run(model.aclose())


@pytest.fixture(scope="module")
def base(tiny_model: Callable[..., Path]) -> Iterator[HfModel]:
    model = open_hf(str(tiny_model()), Endpoint())
    yield model
    close(model)


@pytest.fixture
def folder(tiny_model: Callable[..., Path], tmp_path: Path) -> Path:
    """A chat model's folder that a test may spoil."""
    return Path(shutil.copytree(tiny_model(template=CHATML), tmp_path / "model"))


@pytest.mark.parametrize(
    "generation", [Generation(max_tokens=12), Generation(max_tokens=12, temperature=1.0, seed=7)]
)
def test_one_seed_gives_one_text_whatever_the_concurrency(base: HfModel, generation: Generation) -> None:
    alone = [reply.text for reply in ask(base, QUESTIONS, generation, at_once=1)]
    assert len(set(alone)) > 3
    assert [reply.text for reply in ask(base, QUESTIONS, generation)] == alone
    backwards = ask(base, QUESTIONS[::-1], generation, at_once=4)
    assert [reply.text for reply in backwards[::-1]] == alone


def test_answers_of_unlike_length_share_a_batch(base: HfModel) -> None:
    async def whole() -> list[Reply]:
        limits = (2, 20, 5, 9, 1, 13)
        return await asyncio.gather(
            *(
                base.reply([Message(role="user", content=question)], Generation(max_tokens=limit))
                for question, limit in zip(QUESTIONS, limits, strict=True)
            )
        )

    mixed, full = asyncio.run(whole()), ask(base, QUESTIONS, Generation(max_tokens=20))
    assert [reply.usage.completion_tokens for reply in mixed] == [2, 20, 5, 9, 1, 13]
    # A byte-level token may end inside a character, so a cut text is compared without its last one.
    assert all(
        long.text.startswith(short.text[:-1].rstrip("�")) for short, long in zip(mixed, full, strict=True)
    )


def test_another_seed_gives_another_text(base: HfModel) -> None:
    drawn = [
        [
            reply.text
            for reply in ask(base, QUESTIONS[:3], Generation(temperature=1.0, seed=seed, max_tokens=8))
        ]
        for seed in (1, 2)
    ]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("template", [None, CHATML])
def test_the_likeliest_text_is_the_one_that_transformers_writes(
    tiny_model: Callable[..., Path], template: str | None
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = tiny_model(template=template)
    tokenizer: Any = AutoTokenizer.from_pretrained(place)
    weights: Any = AutoModelForCausalLM.from_pretrained(place)
    model = open_hf(str(place), Endpoint())
    for reply, question in zip(ask(model, QUESTIONS, Generation(max_tokens=10)), QUESTIONS, strict=True):
        messages = [Message(role="user", content=question)]
        prompt = fewshot.as_prompt(messages)
        if template:
            prompt = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
        ids = torch.tensor([tokenizer(prompt, add_special_tokens=False).input_ids])
        with torch.inference_mode():
            out = weights.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=10, do_sample=False, pad_token_id=0
            )
        expected = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        assert reply.text == expected.partition("\n")[0]
        assert reply.usage.prompt_tokens == ids.shape[1]
    close(model)


def test_a_base_model_stops_at_the_end_of_its_line(base: HfModel) -> None:
    wild = [Generation(temperature=4.0, seed=seed) for seed in range(3)]
    replies = [reply for generation in wild for reply in ask(base, QUESTIONS, generation)]
    assert {reply.status for reply in replies} >= {ReplyStatus.OK, ReplyStatus.TRUNCATED}
    for reply in replies:
        assert "\n" not in reply.text
        full = reply.usage.completion_tokens == fewshot.MAX_TOKENS
        assert full or reply.status in (ReplyStatus.OK, ReplyStatus.EMPTY)


def test_an_answer_ends_with_the_end_token(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    weights: Any = AutoModelForCausalLM.from_pretrained(folder)
    prompt = f"<|im_start|>user\n{QUESTIONS[0]}<|im_end|>\n<|im_start|>assistant\n"
    ids = torch.tensor([tokenizer(prompt).input_ids])
    with torch.inference_mode():
        out = weights.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=6, do_sample=False, pad_token_id=0
        )
    written = out[0, ids.shape[1] :].tolist()
    last = next(at for at in range(1, 6) if written[at] not in written[:at])
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [written[last]]}))
    model = open_hf(str(folder), Endpoint())
    (reply,) = ask(model, QUESTIONS[:1], Generation(max_tokens=30))
    assert (reply.status, reply.usage.completion_tokens) == (ReplyStatus.OK, last + 1)
    assert reply.text == tokenizer.decode(written[:last], skip_special_tokens=True)
    close(model)


def test_a_think_block_that_the_template_opens_is_no_answer(tiny_model: Callable[..., Path]) -> None:
    model = open_hf(str(tiny_model(template=THINKING)), Endpoint())
    (reply,) = ask(model, QUESTIONS[:1], Generation(max_tokens=5))
    assert (reply.status, reply.text) == (ReplyStatus.TRUNCATED, "")
    assert reply.reasoning
    close(model)


def test_the_limit_and_the_context_have_their_statuses(base: HfModel) -> None:
    (cut,) = ask(base, ["给我讲一个很长的故事。"], Generation(max_tokens=2))
    assert (cut.status, cut.detail, cut.usage.completion_tokens) == (
        ReplyStatus.TRUNCATED,
        "finish_reason length",
        2,
    )
    long, fine = ask(base, ["好" * 2000, "好吗？"], Generation(max_tokens=2))
    assert (long.status, fine.status) == (ReplyStatus.FAILED, ReplyStatus.TRUNCATED)
    assert "the model holds 1024" in long.detail


def test_what_takes_too_long_has_failed(tiny_model: Callable[..., Path]) -> None:
    model = open_hf(str(tiny_model()), Endpoint(timeout=1e-9))
    replies = ask(model, QUESTIONS[:2], Generation(max_tokens=50))
    assert {(reply.status, reply.detail) for reply in replies} == {
        (ReplyStatus.FAILED, "no answer in time (--timeout)")
    }
    close(model)


def test_the_loop_stays_alive_and_closing_stops_what_is_written(tiny_model: Callable[..., Path]) -> None:
    async def whole() -> tuple[int, Reply]:
        model = open_hf(str(tiny_model(template=CHATML)), Endpoint())
        story = [Message(role="user", content="给我讲一个故事。")]
        await model.reply(story, Generation(max_tokens=1))
        answer = asyncio.ensure_future(model.reply(story, Generation(max_tokens=1000)))
        ticks = 0
        while ticks < 10 and not answer.done():
            await asyncio.sleep(0.005)
            ticks += 1
        await model.aclose()
        return ticks, await answer

    ticks, reply = asyncio.run(whole())
    assert ticks > 3
    assert reply.status in (ReplyStatus.FAILED, ReplyStatus.OK)


def test_nothing_is_fetched(tiny_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    model = open_hf(str(tiny_model(template=CHATML, seed=1)), Endpoint())
    (reply,) = ask(model, QUESTIONS[:1], Generation(max_tokens=2))
    assert reply.status is ReplyStatus.TRUNCATED
    close(model)


def test_the_identity_is_the_content(tiny_model: Callable[..., Path], folder: Path) -> None:
    before = open_folder(str(folder)).identity
    assert before == open_folder(str(tiny_model(template=CHATML))).identity
    assert before != open_folder(str(tiny_model())).identity
    (folder / "README.md").write_text("a note")
    assert open_folder(str(folder)).identity == before
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    changed = open_folder(str(folder)).identity
    assert changed != before
    (folder / "chat_template.jinja").write_text(CHATML + " ")
    assert open_folder(str(folder)).identity.split("+")[1] != changed.split("+")[1]


def test_the_template_stands_for_the_manifest(tiny_model: Callable[..., Path], tmp_path: Path) -> None:
    assert open_folder(str(tiny_model())).template == fewshot.template()
    assert open_folder(str(tiny_model(template=CHATML))).template == CHATML
    old = Path(shutil.copytree(tiny_model(), tmp_path / "old"))
    settings = json.loads((old / "tokenizer_config.json").read_text())
    for value in (CHATML, [{"name": "tool_use", "template": "x"}, {"name": "default", "template": CHATML}]):
        (old / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": value}))
        assert open_folder(str(old)).template == CHATML


def test_folders_that_hold_no_model(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        open_folder(str(tmp_path / "absent"))
    with pytest.raises(ModelError, match=r"there is no config\.json"):
        open_folder(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"no file \*\.safetensors"):
        open_folder(str(tmp_path))
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match="pickles only"):
        open_folder(str(tmp_path))


def refused(folder: Path, match: str, *messages: Message) -> None:
    model = open_hf(str(folder), Endpoint())

    async def whole() -> None:
        try:
            with pytest.raises(LiangxinError, match=match):
                await model.reply(messages or (Message(role="user", content="好"),), Generation())
        finally:
            await model.aclose()

    asyncio.run(whole())


def test_damaged_weights_and_settings_are_one_sentence(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    refused(folder, "cannot be loaded by transformers")
    (folder / "config.json").write_text("{}")
    refused(folder, "cannot be loaded by transformers")


def test_code_in_the_folder_is_not_run(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "own-kind", "auto_map": own}))
    (folder / "own.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
    refused(folder, "cannot be loaded by transformers")
    assert not (folder / "ran").exists()


def test_a_template_that_refuses_says_so(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no system role here') }}")
    refused(
        folder, "no system role here", Message(role="system", content="x"), Message(role="user", content="好")
    )


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("liangxin.models.transformers.model.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'liangxin\[hf\]'"):
        open_model(f"hf:{tmp_path}", Endpoint())
