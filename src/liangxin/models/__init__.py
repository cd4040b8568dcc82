"""Chat models: SPEC is KIND:NAME, and each kind is imported on first use."""

from __future__ import annotations

from collections.abc import Callable

from liangxin.errors import UsageError
from liangxin.models.base import (
    ChatModel,
    Likelihoods,
    NotWeighed,
    Preparing,
    Recorded,
    Streaming,
    Templated,
    stream_or_reply,
)
from liangxin.registry import Registry
from liangxin.specs import Endpoint

__all__ = [
    "MODELS",
    "ChatModel",
    "Likelihoods",
    "NotWeighed",
    "Preparing",
    "Recorded",
    "Streaming",
    "Templated",
    "open_model",
    "stream_or_reply",
]

MODELS: Registry[Callable[[str, Endpoint], ChatModel]] = Registry(
    "model",
    {
        "openai": "liangxin.models.openai:open_openai",
        "openai-completions": "liangxin.models.completions:open_completions",
        "gguf": "liangxin.models.llama_cpp.model:open_gguf",
        "hf": "liangxin.models.transformers.model:open_hf",
        "anthropic": "liangxin.models.anthropic:open_anthropic",
        "litellm": "liangxin.models.litellm:open_litellm",
        "replay": "liangxin.models.recorded.replay:open_replay",
        "scripted": "liangxin.models.recorded.scripted:open_scripted",
    },
    see="liangxin models",
)

NAMELESS = frozenset({"gguf"})
"""Kinds that have a default where no name is given."""


def open_model(spec: str, endpoint: Endpoint) -> ChatModel:
    """Open the model that `spec` names.

    Raises:
        UnknownName: no such kind.
        UsageError: the SPEC lacks its name.
        DataError, ModelError: the file or endpoint cannot be used.
    """
    kind, _, name = spec.partition(":")
    factory = MODELS.get(kind)
    if not name and kind not in NAMELESS:
        raise UsageError(f"model {spec!r} lacks a name: write {kind}:NAME. See `liangxin models`.")
    return factory(name, endpoint)
