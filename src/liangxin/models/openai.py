"""Any OpenAI-compatible `/chat/completions` endpoint, through an adapter thin enough to see its raw codes."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import replace

from liangxin.models.faults import Fault
from liangxin.models.http.address import Address, Proxy, find_proxy, read_address
from liangxin.models.http.line import Access, EndpointLine, json_headers, usable_key
from liangxin.models.http.presets import preset_at, preset_for, preset_key
from liangxin.models.http.token_limit import TokenLimit
from liangxin.models.http.transport import Heard
from liangxin.models.http.waiting import Patience
from liangxin.models.scrub import basic_credentials
from liangxin.records import Message, Reply
from liangxin.specs import Endpoint, Generation

DEFAULT_BASE_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"

COUNTING_HOSTS = frozenset({"api.openai.com", "dashscope.aliyuncs.com", "api.deepseek.com"})
"""Hosts whose documentation has `stream_options.include_usage` (platform.openai.com/docs/api-reference/chat,
alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope, api-docs.deepseek.com); others
may refuse a field that they do not know, and many send the counts unasked."""
_WITH_USAGE = b',"stream_options":{"include_usage":true}'

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def open_openai(name: str, endpoint: Endpoint) -> OpenAIModel:
    """The model `name` at the endpoint, else at OPENAI_BASE_URL, else at its provider's, else at OpenAI's own.

    Raises:
        UsageError: the base URL, the key or the proxy cannot be used, or a provider's key is missing.
    """
    base_url = endpoint.base_url or os.environ.get("OPENAI_BASE_URL")
    preset = None if base_url else preset_for(name)
    if preset is not None:
        base_url = preset.base_url
        if not endpoint.api_key:
            endpoint = replace(endpoint, api_key=preset_key(preset, name, os.environ))
    address = read_address(base_url or DEFAULT_BASE_URL)
    return OpenAIModel(name, endpoint, address, find_proxy(address))


class OpenAIModel:
    """One model behind one endpoint. Its connections belong to the loop of the first request."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        address: Address,
        proxy: Proxy | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Prepare everything that requests share; nothing is connected yet.

        Args:
            patience: by default the endpoint's retries with the usual waits.
        """
        self.identity = f"openai:{name}@{address.shown}"
        self._head = f'{{"model":{_encode(name)},"messages":'
        self._line = EndpointLine(_access(endpoint, address, proxy), endpoint, patience)
        self.place = self._line.place("OPENAI_BASE_URL")
        self._body = endpoint.body
        self._by_stream = endpoint.stream
        self._limit = TokenLimit()
        self._tail: tuple[Generation | None, str, str] = (None, "", "")
        self._streamed = b',"stream":true' + (_WITH_USAGE if address.host in COUNTING_HOSTS else b"") + b"}"

    def __repr__(self) -> str:
        return f"OpenAIModel({self.identity!r})"

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """Ask for the next message.

        Raises:
            AccessDenied: the endpoint refused the key, or the account can pay for nothing more.
        """
        asker = self._line.asker()
        ask = asker.ask_streamed if self._by_stream else asker.ask
        if generation.max_tokens is None:
            return await ask(self._written(messages, generation, stream=self._by_stream))
        await self._limit.turn()
        try:
            return await ask(*self._limited(messages, generation, stream=self._by_stream))
        finally:
            self._limit.release()

    async def stream(
        self, messages: Sequence[Message], generation: Generation
    ) -> AsyncGenerator[str | Reply, None]:
        """The next message while it is written; see `Streaming`."""
        asker = self._line.asker()
        written, heard = self._limited(messages, generation, stream=True)
        async with aclosing(asker.stream(written, heard)) as pieces:
            async for piece in pieces:
                yield piece

    def sparing(self) -> AbstractContextManager[None]:
        """See `Hosted`."""
        return self._line.sparing()

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        await self._line.aclose()

    def _limited(
        self, messages: Sequence[Message], generation: Generation, *, stream: bool
    ) -> tuple[bytes, Heard]:
        """A request's body, and what makes it again once it is known what the token limit is called."""
        used = self._limit.field

        def heard(outcome: Reply | Fault) -> bytes | None:
            nonlocal used
            again = self._limit.heard(outcome, used)
            used = self._limit.field
            return self._written(messages, generation, stream=stream) if again else None

        return self._written(messages, generation, stream=stream), heard

    def _written(self, messages: Sequence[Message], generation: Generation, *, stream: bool) -> bytes:
        whole = self._payload(messages, generation)
        return whole.removesuffix(b"}") + self._streamed if stream else whole

    def _payload(self, messages: Sequence[Message], generation: Generation) -> bytes:
        """The request's body. What does not change between requests is kept as text."""
        limit = self._limit.field
        if self._tail[0] is not generation or self._tail[1] != limit:
            self._tail = (generation, limit, _settings(generation, limit) + self._own_fields())
        said = _encode([{"role": message.role, "content": message.content} for message in messages])
        return f"{self._head}{said}{self._tail[2]}}}".encode(errors="replace")

    def _own_fields(self) -> str:
        """The user's own fields as the end of a JSON object."""
        return f",{_encode(self._body)[1:-1]}" if self._body else ""


def _access(endpoint: Endpoint, address: Address, proxy: Proxy | None) -> Access:
    """The key to send: the endpoint's own, else none where the URL holds credentials, else the environment's.

    At a known provider's host its own variable goes before OPENAI_API_KEY, so that OpenAI's key stays at home.

    Raises:
        UsageError: no header can carry the key.
    """
    preset = preset_at(address.host)
    variable = preset.key_variable if preset else KEY_VARIABLE
    key = endpoint.api_key
    if key is None and address.credentials is None:
        key = os.environ.get(variable) or os.environ.get(KEY_VARIABLE)
    key = usable_key(key)
    headers = json_headers()
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    elif address.credentials is not None:
        headers["Authorization"] = f"Basic {basic_credentials(*address.credentials)}"
    return Access(address=address, headers=headers, key=key, variable=variable, proxy=proxy)


def _settings(generation: Generation, limit: str) -> str:
    """The sampling settings as the end of a JSON object; what is None is not sent."""
    named = {
        "temperature": generation.temperature,
        limit: generation.max_tokens,
        "seed": generation.seed,
    }
    return "".join(f',"{name}":{_encode(value)}' for name, value in named.items() if value is not None)
