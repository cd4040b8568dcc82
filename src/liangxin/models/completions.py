"""A base model behind an OpenAI-compatible `/completions` endpoint: `openai-completions:NAME`.

It gets the same examples and the same end of an answer as a local base model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from liangxin.models import fewshot
from liangxin.models.http.address import Address, Proxy, find_proxy, read_address
from liangxin.models.http.waiting import Patience
from liangxin.models.openai import DEFAULT_BASE_URL, OpenAIModel
from liangxin.records import Message
from liangxin.specs import Endpoint, Generation

COMPLETIONS = "/completions"


def open_completions(name: str, endpoint: Endpoint) -> CompletionsModel:
    """The base model `name` at the endpoint, else at OPENAI_BASE_URL, else at OpenAI's own.

    Raises:
        UsageError: the base URL, the key or the proxy cannot be used.
    """
    base_url = endpoint.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
    address = read_address(base_url, COMPLETIONS)
    return CompletionsModel(name, endpoint, address, find_proxy(address))


class CompletionsModel(OpenAIModel):
    """One base model behind one endpoint: a conversation goes there as text, with examples before it."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        address: Address,
        proxy: Proxy | None = None,
        patience: Patience | None = None,
    ) -> None:
        """See `OpenAIModel`; `address` is that of completions."""
        super().__init__(name, endpoint, address, proxy, patience)
        self.identity = f"openai-completions:{name}@{address.shown}+{fewshot.template_digest()}"
        self.template = fewshot.template()
        """How a question becomes a prompt, for the manifest."""
        self._name = name

    def _payload(self, messages: Sequence[Message], generation: Generation) -> bytes:
        """The request's body; without a limit a base model might never end, so there is always one."""
        body: dict[str, object] = {
            "model": self._name,
            "prompt": fewshot.as_prompt(messages),
            "stop": list(fewshot.STOPS),
            self._limit.field: generation.max_tokens or fewshot.MAX_TOKENS,
            **self._body,
        }
        if generation.temperature is not None:
            body["temperature"] = generation.temperature
        if generation.seed is not None:
            body["seed"] = generation.seed
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")
