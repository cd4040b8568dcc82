"""Providers told by a model's name: the table, who wins over it, and that no key goes to another's host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from liangxin.errors import UsageError
from liangxin.models import open_model
from liangxin.models.http.presets import PRESETS, preset_at, preset_for
from liangxin.models.openai import open_openai
from liangxin.records import Message
from liangxin.specs import Endpoint, Generation
from liangxin.testing.provider import Provider

Say = Callable[[str], tuple[Message, ...]]
OWN, OPENAI = "sk-own-0123456789abcdef", "sk-openai-0123456789abcdef"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", *(preset.key_variable for preset in PRESETS)):
        monkeypatch.delenv(name, raising=False)


def test_the_table() -> None:
    for preset in PRESETS:
        assert urlsplit(preset.base_url).scheme == "https"
        assert preset.key_variable.endswith("_API_KEY")
        assert preset.source
        assert all(name == name.lower() for name in preset.names)
    for part in (
        [preset.host for preset in PRESETS],
        [preset.key_variable for preset in PRESETS],
        [name for preset in PRESETS for name in preset.names],
    ):
        assert len(set(part)) == len(part)
    assert "OPENAI_API_KEY" not in {preset.key_variable for preset in PRESETS}


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("qwen-max", "dashscope.aliyuncs.com"),
        ("qwen3-235b-a22b", "dashscope.aliyuncs.com"),
        ("qwen2.5-72b-instruct", "dashscope.aliyuncs.com"),
        ("qwq-plus", "dashscope.aliyuncs.com"),
        ("glm-4.6", "open.bigmodel.cn"),
        ("ernie-4.0-turbo-8k", "qianfan.baidubce.com"),
        ("doubao-seed-1-6-251015", "ark.cn-beijing.volces.com"),
        ("moonshot-v1-8k", "api.moonshot.cn"),
        ("kimi-k2-thinking", "api.moonshot.cn"),
        ("deepseek-chat", "api.deepseek.com"),
        ("MiniMax-M2.7", "api.minimaxi.com"),
        ("gpt-4o", None),
        ("Qwen/Qwen2.5-7B-Instruct", None),
        ("deepseek-r1:7b", None),
        ("my-qwen-max", None),
        ("glm", None),
        ("abab6.5s-chat", None),
    ],
)
def test_which_names_are_known(name: str, host: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    found = preset_for(name)
    assert (found.host if found else None) == host
    if found is not None:
        monkeypatch.setenv(found.key_variable, OWN)
        assert preset_at(found.host) is found
        assert open_openai(name, Endpoint()).identity == f"openai:{name}@{found.base_url}"


def test_the_address_that_is_given_wins_then_the_variable_then_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", OWN)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example/v1")
    given = Endpoint(base_url="https://mine.example/v1")
    assert open_openai("qwen-max", given).identity == "openai:qwen-max@https://mine.example/v1"
    assert open_openai("qwen-max", Endpoint()).identity == "openai:qwen-max@https://gateway.example/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    assert "dashscope.aliyuncs.com" in open_openai("qwen-max", Endpoint()).identity
    assert open_openai("gpt-4o", Endpoint()).identity == "openai:gpt-4o@https://api.openai.com/v1"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.provider)
def test_without_its_own_key_a_provider_is_not_asked(preset: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    (name, variable) = next((one.names[0], one.key_variable) for one in PRESETS if one is preset)
    with pytest.raises(UsageError, match=f"export its key as {variable} or") as caught:
        open_model(f"openai:{name}x", Endpoint())
    assert OPENAI not in str(caught.value)
    monkeypatch.setenv(variable, "  ")
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not sent there"):
        open_model(f"openai:{name}x", Endpoint())


def sent(say: Say, monkeypatch: pytest.MonkeyPatch, *, by_name: bool, api_key: str | None = None) -> str:
    """The Authorization that arrives where a preset's host is the loopback server."""

    async def job() -> str:
        async with Provider() as provider:
            here = replace(PRESETS[0], base_url=provider.base_url)
            monkeypatch.setattr("liangxin.models.http.presets.PRESETS", (here, *PRESETS[1:]))
            base_url = None if by_name else provider.base_url
            model = open_openai("qwen-max", Endpoint(base_url=base_url, api_key=api_key, retries=0))
            assert model.identity == f"openai:qwen-max@{provider.base_url}"
            await model.reply(say("问"), Generation())
            await model.aclose()
            return provider.requests[0].authorization

    return asyncio.run(job())


def test_the_providers_own_key_is_what_arrives(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    monkeypatch.setenv("DASHSCOPE_API_KEY", OWN)
    assert sent(say, monkeypatch, by_name=True) == f"Bearer {OWN}"
    assert sent(say, monkeypatch, by_name=False) == f"Bearer {OWN}"
    assert sent(say, monkeypatch, by_name=True, api_key="sk-given-0123456789") == "Bearer sk-given-0123456789"
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    assert sent(say, monkeypatch, by_name=True, api_key="sk-given-0123456789") == "Bearer sk-given-0123456789"
    # An address that the user named is the one that OPENAI_API_KEY is for, as with every OpenAI client.
    assert sent(say, monkeypatch, by_name=False) == f"Bearer {OPENAI}"


def test_a_providers_key_goes_nowhere_else(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    for preset in PRESETS:
        monkeypatch.setenv(preset.key_variable, OWN)

    async def job() -> str:
        async with Provider() as provider:
            model = open_openai("qwen-max", Endpoint(base_url=provider.base_url, retries=0))
            await model.reply(say("问"), Generation())
            await model.aclose()
            return provider.requests[0].authorization

    assert asyncio.run(job()) == ""


def test_a_refused_key_names_the_variable_it_came_from(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", OWN)

    async def job() -> str:
        async with Provider() as provider:
            here = replace(PRESETS[0], base_url=provider.base_url)
            monkeypatch.setattr("liangxin.models.http.presets.PRESETS", (here,))
            model = open_openai("qwen-max", Endpoint(retries=0))
            with pytest.raises(Exception, match="check the key in DASHSCOPE_API_KEY") as caught:
                await model.reply(say("问[[401]]"), Generation())
            await model.aclose()
            return str(caught.value)

    assert OWN not in asyncio.run(job())
