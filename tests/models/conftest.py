"""A model at the test provider, both in one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from liangxin.models.http.address import read_address
from liangxin.models.http.waiting import Patience
from liangxin.models.openai import OpenAIModel
from liangxin.records import Message, Reply
from liangxin.specs import Endpoint, Generation
from liangxin.testing.provider import Provider

T = TypeVar("T")
KEY = "sk-test-0123456789abcdefghij"


@dataclass
class House:
    """Builds a provider, opens a model at it, runs a job with both, and closes them."""

    key: str = KEY

    def run(
        self,
        job: Callable[[Provider, OpenAIModel], Awaitable[T]],
        *,
        provider: Provider | None = None,
        **settings: Any,
    ) -> T:
        async def whole() -> T:
            async with provider or Provider() as served:
                model = self.open(served.base_url, **settings)
                try:
                    return await job(served, model)
                finally:
                    await model.aclose()

        return asyncio.run(whole())

    def open(self, base_url: str, *, retries: int = 2, **settings: Any) -> OpenAIModel:
        endpoint = Endpoint(**{"api_key": self.key, "timeout": 20.0, "connections": 8, **settings})
        return OpenAIModel(
            "m", endpoint, read_address(base_url), patience=Patience(retries=retries, base=0.01)
        )

    def ask(self, *prompts: str, provider: Provider | None = None, **settings: Any) -> list[Reply]:
        async def job(_: Provider, model: OpenAIModel) -> list[Reply]:
            return await asyncio.gather(*(model.reply(user(one), Generation()) for one in prompts))

        return self.run(job, provider=provider, **settings)


def user(prompt: str) -> tuple[Message, ...]:
    return (Message(role="user", content=prompt),)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def say() -> Callable[[str], tuple[Message, ...]]:
    return user
