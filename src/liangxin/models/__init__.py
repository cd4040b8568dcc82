"""Chat models: SPEC is KIND:NAME, and each kind is imported on first use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from liangxin.errors import PluginError, UsageError
from liangxin.models.base import (
    ChatModel,
    ChatTemplated,
    Hosted,
    Likelihoods,
    ModelHost,
    NotWeighed,
    Preparing,
    Recorded,
    Streaming,
    Templated,
    host_in,
    stream_or_reply,
)
from liangxin.models.kinds import ModelKind
from liangxin.registry import Registry, kind_and_name, kind_reader, resolved
from liangxin.specs import Bilingual, Endpoint
from liangxin.traits import ModelTraits

__all__ = [
    "MODELS",
    "ChatModel",
    "ChatTemplated",
    "Hosted",
    "Likelihoods",
    "ModelHost",
    "ModelKind",
    "NotWeighed",
    "Preparing",
    "Recorded",
    "Streaming",
    "Templated",
    "host_in",
    "is_base_default",
    "known_kind",
    "likely_spec",
    "model_package",
    "model_traits",
    "open_model",
    "package_versions",
    "stream_or_reply",
]

MODELS: Registry[ModelKind] = Registry(
    "model",
    {
        "openai": "liangxin.models.kinds:OPENAI",
        "openai-completions": "liangxin.models.kinds:COMPLETIONS",
        "gguf": "liangxin.models.kinds:GGUF",
        "hf": "liangxin.models.kinds:HF",
        "anthropic": "liangxin.models.kinds:ANTHROPIC",
        "litellm": "liangxin.models.kinds:LITELLM",
        "replay": "liangxin.models.kinds:REPLAY",
        "scripted": "liangxin.models.kinds:SCRIPTED",
    },
    see="liangxin models",
    entry_points="liangxin.models",
    read=kind_reader(ModelKind, "{}:NAME", Bilingual(zh="模型", en="model")),
)


def open_model(spec: str, endpoint: Endpoint) -> ChatModel:
    """Open the model that `spec` names.

    Raises:
        UnknownName: no such kind.
        UsageError: the SPEC lacks its name, or the kind cannot follow what the endpoint says of requests.
        DataError, ModelError: the file or endpoint cannot be used.
        PluginError: a package brings the kind, and it is broken.
    """
    name, rest = kind_and_name(spec)
    kind = known_kind(spec, endpoint)
    model = resolved(kind.open)(rest, endpoint)
    origin = MODELS.origin(name)
    if origin and not (isinstance(getattr(model, "identity", None), str) and hasattr(model, "reply")):
        raise PluginError(
            f"model {name!r} of the package {origin.package} opens something of type {type(model).__name__}, "
            "which lacks an identity (a text) or the method reply"
        )
    if endpoint.meter is not None and isinstance(model, Hosted):
        metered: ChatModel = endpoint.meter(model, endpoint)
        return metered
    return model


def known_kind(spec: str, endpoint: Endpoint) -> ModelKind:
    """The kind of model that `spec` names, which can do what the endpoint says of requests; nothing is opened.

    Raises:
        UnknownName, UsageError, PluginError: as `open_model`.
    """
    name, rest = kind_and_name(spec)
    kind = MODELS.get(name, likely_spec(spec))
    if not rest and kind.needs_name:
        raise UsageError(f"model {spec!r} lacks a name: write {name}:NAME. See `liangxin models`.")
    _check_request(spec, kind, endpoint)
    return kind


def likely_spec(spec: str) -> str:
    """The SPEC that somebody who wrote a model's name without its kind will have meant."""
    ending = PurePath(spec).suffix.lower()
    by_ending = {".jsonl": "replay", ".gguf": "gguf"}
    if ending in by_ending:
        return f"{by_ending[ending]}:{spec}"
    return f"anthropic:{spec}" if spec.startswith("claude-") else f"openai:{spec}"


def _check_request(spec: str, kind: ModelKind, endpoint: Endpoint) -> None:
    """Refuse what a kind cannot follow: it would stand in a run's manifest as if it had been used.

    Raises:
        UsageError: as told.
    """
    if endpoint.body and not kind.takes_body:
        raise UsageError(f"{spec}: --body adds fields to a request, and {kind.name} makes none; leave it out")
    if endpoint.stream and not kind.streams:
        raise UsageError(f"{spec}: {kind.name} cannot be asked by stream; leave --stream out")


def model_traits(spec: str) -> ModelTraits:
    """What the model that `spec` names is; nothing special where no such kind is known.

    Raises:
        PluginError: as `open_model`.
    """
    kind = MODELS.find(kind_and_name(spec)[0])
    return ModelTraits() if kind is None else kind.traits


def is_base_default(spec: str) -> bool:
    """Whether a SPEC names no weights, and those that stand for it are a base model's."""
    name, rest = kind_and_name(spec)
    kind = MODELS.find(name)
    return kind is not None and kind.default_is_base and not rest


def model_package(spec: str) -> Mapping[str, str]:
    """What an identity says of a model of an installed package, beside the model's own; empty for the built-in.

    Raises:
        UnknownName, PluginError: as `open_model`.
    """
    name, _ = kind_and_name(spec)
    origin = MODELS.origin(name)
    return {"name": origin.package, "kind_version": MODELS.get(name).version} if origin else {}


def package_versions(spec: str) -> dict[str, str]:
    """The version of the package that brings the model, for a manifest; empty for the built-in."""
    origin = MODELS.origin(kind_and_name(spec)[0])
    return {origin.package: origin.version} if origin else {}
