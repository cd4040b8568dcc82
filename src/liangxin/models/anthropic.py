"""`anthropic:NAME`: Anthropic's Messages API over the same transport, with its own stop reasons and errors.

Read at platform.claude.com/docs: api/messages, api/errors, build-with-claude/handling-stop-reasons and
test-and-evaluate/strengthen-guardrails/handle-streaming-refusals. `stop_reason: refusal` is set when
classifiers beside the model intervene; a model that declines says so in ordinary text. So the first is a
block (`filtered`), with what was written before it kept as evidence, and the second an answer to be judged.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager

from liangxin.models.blocks import Block, classify
from liangxin.models.complaints import says_something
from liangxin.models.faults import Fault, error_fault, no_json_fault, wrong_content_fault
from liangxin.models.finish_reasons import finish_word
from liangxin.models.http.address import Address, Proxy, find_proxy, read_address
from liangxin.models.http.anthropic_stream import MessageGathering
from liangxin.models.http.gathering import Gathering
from liangxin.models.http.line import Access, EndpointLine, json_headers, usable_key
from liangxin.models.http.streamed import StreamingAsker
from liangxin.models.http.waiting import Patience
from liangxin.models.reading import conclude, wrong_content
from liangxin.models.scrub import basic_credentials
from liangxin.records import Message, Reply, ReplyStatus, Usage
from liangxin.specs import Endpoint, Generation

DEFAULT_BASE_URL = "https://api.anthropic.com"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
API_VERSION = "2023-06-01"
DEFAULT_MAX_TOKENS = 4096
"""The API wants a limit; this one is sent where the run names none, and what it cuts off is `truncated`."""

_PATH = "/v1/messages"
_REFUSAL = "refusal"
_ERROR_STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""platform.claude.com/docs/en/api/errors; for an error that a gateway passes on under HTTP 200."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def open_anthropic(name: str, endpoint: Endpoint) -> AnthropicModel:
    """The model `name` at the endpoint, else at ANTHROPIC_BASE_URL, else at Anthropic's own.

    The base URL may end in `/v1` or not: Anthropic's own tools write it without.

    Raises:
        UsageError: the base URL, the key or the proxy cannot be used.
    """
    base_url = endpoint.base_url or os.environ.get("ANTHROPIC_BASE_URL") or DEFAULT_BASE_URL
    address = read_address(_without_version(base_url), _PATH, variable="ANTHROPIC_BASE_URL")
    return AnthropicModel(name, endpoint, address, find_proxy(address))


class AnthropicModel:
    """One model behind the Messages API. Its connections belong to the loop of the first request."""

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
        self.identity = f"anthropic:{name}@{address.shown}"
        self._name = name
        self._own = endpoint.body
        self._by_stream = endpoint.stream
        self._line = EndpointLine(_access(endpoint, address, proxy), endpoint, patience, MessagesAsker)
        self.place = self._line.place("ANTHROPIC_BASE_URL")

    def __repr__(self) -> str:
        return f"AnthropicModel({self.identity!r})"

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """Ask for the next message. The API has no seed, so none is sent.

        Raises:
            AccessDenied: the endpoint refused the key.
        """
        asker = self._line.asker()
        ask = asker.ask_streamed if self._by_stream else asker.ask
        return await ask(payload(self._name, messages, generation, stream=self._by_stream, own=self._own))

    def stream(
        self, messages: Sequence[Message], generation: Generation
    ) -> AsyncGenerator[str | Reply, None]:
        """The next message while it is written; see `Streaming`."""
        return self._line.asker().stream(
            payload(self._name, messages, generation, stream=True, own=self._own)
        )

    def sparing(self) -> AbstractContextManager[None]:
        """See `Hosted`."""
        return self._line.sparing()

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        await self._line.aclose()


class MessagesAsker(StreamingAsker):
    """Asks again as ever, and reads what the Messages API answers."""

    @staticmethod
    def read(status: int, body: bytes) -> Reply | Fault:
        """See `read_message`."""
        return read_message(status, body)

    @staticmethod
    def gathering() -> Gathering:
        """See `StreamingAsker`."""
        return MessageGathering(read_message)


def payload(
    name: str,
    messages: Sequence[Message],
    generation: Generation,
    *,
    stream: bool = False,
    own: Mapping[str, object] | None = None,
) -> bytes:
    """The request's body: what the system says has a field of its own.

    Args:
        own: fields of the user's own.
    """
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    body: dict[str, object] = {
        "model": name,
        "max_tokens": generation.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": [
            {"role": message.role, "content": message.content}
            for message in messages
            if message.role != "system"
        ],
    }
    if system:
        body["system"] = system
    if generation.temperature is not None:
        body["temperature"] = generation.temperature
    if stream:
        body["stream"] = True
    body.update(own or {})
    return _encode(body).encode(errors="replace")


def read_message(status: int, raw: bytes) -> Reply | Fault:
    """Read one HTTP answer of the Messages API. Never raises, whatever the bytes are."""
    try:
        body: object = json.loads(raw)
    except (ValueError, RecursionError):
        return no_json_fault(status, raw)
    if isinstance(body, dict) and 200 <= status <= 299 and isinstance(body.get("content"), list):
        return _read_content(body["content"], body)
    # The envelope's own `"type": "error"` would be read as the error's code.
    error = {"error": body["error"]} if isinstance(body, dict) and body.get("error") else body
    block = classify(status, error)
    if block is not None:
        return Reply(status=ReplyStatus.FILTERED, detail=block.detail)
    return error_fault(status, error, what="the answer is not a message", named=_inner_status)


def _read_content(content: list[object], body: Mapping[str, object]) -> Reply | Fault:
    reason = finish_word(body.get("stop_reason"))
    block = Block(side="output", code=_REFUSAL, message=_refused(body)) if reason == _REFUSAL else None
    if block is None and says_something(body.get("error")):
        block = classify(200, {"error": body["error"]})
        if block is None:
            return error_fault(
                200, {"error": body["error"]}, what="the answer is an error", named=_inner_status
            )
    if block is None and (found := wrong_content(content)):
        return wrong_content_fault(found, content)
    return conclude(
        _joined(content, "text", "text"),
        reason,
        reasoning=_joined(content, "thinking", "thinking"),
        block=block,
        usage=_usage(body.get("usage")),
    )


def _joined(content: list[object], kind: str, field: str) -> str:
    """The text of all blocks of a kind; a redacted thought and anything unknown says nothing."""
    return "".join(
        value
        for part in content
        if isinstance(part, dict) and part.get("type") == kind and isinstance(value := part.get(field), str)
    )


def _refused(body: Mapping[str, object]) -> str:
    """The category and explanation of a refusal, where `stop_details` holds them (anthropic-sdk types)."""
    details = body.get("stop_details")
    if not isinstance(details, dict):
        return ""
    said = [value for name in ("category", "explanation") if isinstance(value := details.get(name), str)]
    return ": ".join(said)


def _usage(value: object) -> Usage:
    """Token counts; what was read from or written to the prompt cache is part of the prompt."""
    if not isinstance(value, dict):
        return Usage()
    parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    prompt = [count for name in parts if (count := _count(value.get(name))) is not None]
    return Usage(
        prompt_tokens=sum(prompt) if prompt else None, completion_tokens=_count(value.get("output_tokens"))
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 50 else None


def _inner_status(body: object) -> int | None:
    error = body.get("error") if isinstance(body, dict) else None
    kind = error.get("type") if isinstance(error, dict) else None
    return _ERROR_STATUS.get(kind) if isinstance(kind, str) else None


def _without_version(base_url: str) -> str:
    """The base URL without its `/v1`, before a query where it has one."""
    base, mark, query = base_url.strip().partition("?")
    return base.rstrip("/").removesuffix(_PATH).removesuffix("/v1") + mark + query


def _access(endpoint: Endpoint, address: Address, proxy: Proxy | None) -> Access:
    """The key to send: the endpoint's own, else none where the URL holds credentials, else ANTHROPIC_API_KEY.

    Raises:
        UsageError: no header can carry the key.
    """
    key = endpoint.api_key
    if key is None and address.credentials is None:
        key = os.environ.get(KEY_VARIABLE)
    key = usable_key(key)
    headers = {**json_headers(), "anthropic-version": API_VERSION}
    if key is not None:
        headers["x-api-key"] = key
    elif address.credentials is not None:
        headers["Authorization"] = f"Basic {basic_credentials(*address.credentials)}"
    return Access(address=address, headers=headers, key=key, variable=KEY_VARIABLE, proxy=proxy)
