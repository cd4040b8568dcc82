"""`litellm:NAME`: any provider that LiteLLM knows, as one more transport under our own patience and reading.

LiteLLM makes one attempt; what it returns or raises is put back into an OpenAI-compatible answer, so that
blocks, retries and keys are treated as everywhere. It is slower than `openai:` and `anthropic:`, which need
no extra. Read at docs.litellm.ai: completion/input, exception_mapping; tried with LiteLLM 1.106.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from types import ModuleType
from typing import Any

from liangxin.errors import ModelError, UsageError
from liangxin.models.base import ModelHost
from liangxin.models.http.address import Address, read_address
from liangxin.models.http.attempts import HttpAnswer, Unreachable
from liangxin.models.http.gathering import BROKEN_OFF, ChatGathering
from liangxin.models.http.line import usable_key
from liangxin.models.http.pacing import lane_to
from liangxin.models.http.transport import Asker
from liangxin.models.http.waiting import Patience, retry_after
from liangxin.models.scrub import Secrets
from liangxin.records import Message, Reply
from liangxin.specs import Endpoint, Generation

EXTRA = "litellm"
_KEY_NAMES = ("_API_KEY", "_ACCESS_KEY", "_SECRET", "_TOKEN", "_KEY_ID", "_CREDENTIALS")
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")
_BLOCK = "ContentPolicyViolationError"
_LONGEST = 1 << 16


def open_litellm(name: str, endpoint: Endpoint) -> LitellmModel:
    """The model that LiteLLM calls `name`, such as `bedrock/…` or `gemini/…`.

    Without `--api-key-env` LiteLLM reads the provider's own variable.

    Raises:
        ModelError: LiteLLM is not installed.
        UsageError: it knows no such provider, or the base URL or the key cannot be used.
    """
    library = _library()
    address = read_address(endpoint.base_url) if endpoint.base_url else None
    try:
        provider = str(library.get_llm_provider(name, api_base=endpoint.base_url)[1])
    except Exception:  # its own classes; the message holds advice for programmers
        raise UsageError(
            f"LiteLLM knows no provider for {name!r}: write litellm:PROVIDER/NAME, as docs.litellm.ai/docs/providers "
            "lists them"
        ) from None
    supported = library.get_supported_openai_params(model=name, custom_llm_provider=provider)
    return LitellmModel(name, endpoint, LitellmTransport(library, name, endpoint), address, supported)


class LitellmModel:
    """One model through LiteLLM."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        transport: LitellmTransport,
        address: Address | None = None,
        supported: Sequence[str] | None = None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            address: that of the base URL; None where LiteLLM decides.
            supported: the settings that the provider takes; None where LiteLLM does not say.
        """
        self.identity = f"litellm:{name}" + (f"@{address.shown}" if address else "")
        self.place = (
            ModelHost(host=address.host, loopback=address.loopback, chosen=True)
            if address
            else ModelHost(host=name.partition("/")[0])
        )
        self._seeded = supported is None or "seed" in supported
        self._own = {**({"extra_body": endpoint.body} if endpoint.body else {})}
        self._by_stream = endpoint.stream
        self._transport = transport
        self._endpoint = endpoint
        self._name = name
        self._asker: Asker | None = None

    def __repr__(self) -> str:
        return f"LitellmModel({self.identity!r})"

    def _open(self) -> Asker:
        """The asker; needs a running loop."""
        if self._asker is None:
            endpoint, name = self._endpoint, self._name
            self._asker = Asker(
                self._transport,
                lane=lane_to(self.place.host, endpoint.api_key, endpoint),
                patience=Patience(retries=endpoint.retries),
                secrets=Secrets((endpoint.api_key, *_environment_keys(os.environ))),
                denied=f"the provider of litellm:{name} refused access: check the key in its own variable "
                "(docs.litellm.ai/docs/providers) or in the one that --api-key-env names (for a judge "
                "--judge-api-key-env)",
            )
        return self._asker

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """Ask for the next message. A seed goes only to a provider that takes one.

        Raises:
            AccessDenied: the provider refused the key.
        """
        settings = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "temperature": generation.temperature,
            "max_tokens": generation.max_tokens,
            "seed": generation.seed if self._seeded else None,
        }
        named = {name: value for name, value in settings.items() if value is not None} | self._own
        if self._by_stream:
            named["stream"] = True
        return await self._open().ask(json.dumps(named).encode())

    def sparing(self) -> AbstractContextManager[None]:
        """See `Hosted`."""
        return self._open().sparing()

    async def aclose(self) -> None:
        """Nothing of its own to release: LiteLLM's clients are the process's, and it closes them at its end."""
        self._asker = None
        await self._transport.aclose()


class LitellmTransport:
    """One attempt through `litellm.acompletion`, its exceptions put back into HTTP answers."""

    def __init__(self, library: ModuleType, name: str, endpoint: Endpoint) -> None:
        """Prepare what every call shares.

        Raises:
            UsageError: no header can carry the key.
        """
        self._library = library
        self._timeout = endpoint.timeout
        self._fixed: dict[str, object] = {"model": name, "timeout": endpoint.timeout, "max_retries": 0}
        key = usable_key(endpoint.api_key)
        if key is not None:
            self._fixed["api_key"] = key
        if endpoint.base_url:
            self._fixed["api_base"] = endpoint.base_url

    async def post(self, payload: bytes) -> HttpAnswer:
        """See `Transport`."""
        said: object = json.loads(payload)
        assert isinstance(said, dict)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._library.acompletion(**self._fixed, **said)
                if said.get("stream") is True:
                    return HttpAnswer(status=200, body=await _gathered(response))
            body = _as_sent(response.model_dump())
        except TimeoutError:
            raise Unreachable(f"no answer within {self._timeout:g} s") from None
        except Unreachable:
            raise
        except Exception as error:  # whatever a provider's adapter raises
            return self._answer_of(error)
        return HttpAnswer(status=200, body=json.dumps(body, default=str).encode())

    async def aclose(self) -> None:
        """See `Transport`."""

    def _answer_of(self, error: Exception) -> HttpAnswer:
        """The answer that an exception of LiteLLM stands for.

        Raises:
            Unreachable: no answer came.
        """
        kind, status = type(error).__name__, getattr(error, "status_code", None)
        if kind == "Timeout":
            raise Unreachable(f"no answer within {self._timeout:g} s") from None
        if kind == "APIConnectionError" or not isinstance(status, int):
            absent = kind == "APIConnectionError"
            raise Unreachable("connection failed", f"{kind}: {error}", absent=absent) from None
        headers = getattr(getattr(error, "response", None), "headers", None)
        if isinstance(headers, Mapping) and "html" in str(headers.get("content-type", "")):
            # LiteLLM leaves the page out; its kind alone tells a firewall's from a provider's refusal.
            return HttpAnswer(status=status, body=b"<html>")
        told, quoted = str(getattr(error, "message", None) or error)[:_LONGEST], getattr(error, "body", None)
        body = {
            "message": told,
            "type": kind,
            "code": "content_policy_violation" if kind == _BLOCK else None,
            "innererror": quoted if isinstance(quoted, dict) else None,
        }
        return HttpAnswer(
            status=status,
            body=json.dumps({"error": body}, default=str).encode(),
            retry_after=retry_after(headers) if isinstance(headers, Mapping) else None,
        )


def _as_sent(body: dict[str, Any]) -> dict[str, Any]:
    """A completion with what LiteLLM puts aside of each choice: the provider's own finish word, an error beside it.

    LiteLLM writes `stop` for every word that it does not know (`map_finish_reason`), half an answer's too.
    """
    for choice in body.get("choices") or ():
        aside = choice.get("provider_specific_fields") or {}
        word, error = aside.get("native_finish_reason"), aside.get("error")
        if choice.get("finish_reason") == "stop" and word:
            choice["finish_reason"] = word
        if error is not None:
            choice["error"] = error
    return body


async def _gathered(chunks: AsyncIterable[Any]) -> bytes:
    """A streamed answer as it would have come whole.

    Raises:
        Unreachable: it broke off.
    """
    gathering = ChatGathering()
    async for chunk in chunks:
        gathering.take(json.dumps(chunk.model_dump(), default=str).encode())
    whole = gathering.whole()
    if whole is None:
        raise Unreachable(BROKEN_OFF.what)
    body: dict[str, Any] = json.loads(whole)
    # The stream's object keeps the word that the last chunk's choice no longer has.
    aside = {"native_finish_reason": getattr(chunks, "received_finish_reason", None)}
    for choice in body.get("choices") or ():
        choice.setdefault("provider_specific_fields", aside)
    return json.dumps(_as_sent(body)).encode()


def _library() -> ModuleType:
    """LiteLLM, imported once asked for and kept from printing, logging and fetching its price list.

    Raises:
        ModelError: it is not installed.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    try:
        library = import_module("litellm")
    except ImportError:
        raise ModelError(
            f"litellm: needs LiteLLM, which is not installed: pip install 'liangxin[{EXTRA}]'"
        ) from None
    library.suppress_debug_info = True  # type: ignore[attr-defined]
    for name in _LOGGERS:  # they quote requests
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return library


def _environment_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Every key in the environment: which one LiteLLM sends is its own choice, so none may be shown."""
    return tuple(value for name, value in environment.items() if name.upper().endswith(_KEY_NAMES))
