"""Providers that a model's name alone tells: where their OpenAI-compatible endpoint is and where the key is kept.

Only what could be read at the source named is here. Where a provider has several platforms (DashScope's
regions, api.z.ai beside open.bigmodel.cn, api.moonshot.ai beside api.moonshot.cn), the one in mainland
China is meant; keys of the others do not work there, so they are reached with `--base-url`. MiniMax's older
`abab…` models are not here: its OpenAI-compatible page does not list them. The block codes of the same
providers are in `blocks`; why a key goes to its own host only, in docs/decisions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from liangxin.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One provider."""

    provider: str
    names: tuple[str, ...]
    """How the names of its models begin, in lower case."""
    base_url: str
    key_variable: str
    source: str
    """Where base URL and variable were read."""

    @property
    def host(self) -> str:
        """The host that the key is meant for."""
        return urlsplit(self.base_url).netloc


PRESETS = (
    Preset(
        provider="Alibaba DashScope",
        names=("qwen", "qwq-"),
        base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
        key_variable="DASHSCOPE_API_KEY",
        source="alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope (China, Beijing)",
    ),
    Preset(
        provider="Zhipu (BigModel)",
        names=("glm-",),
        base_url="https://open.bigmodel.cn/api/paas/v4",
        key_variable="ZHIPUAI_API_KEY",
        source="docs.bigmodel.cn/cn/api/introduction; the variable in zhipuai 2.1.5 on PyPI, zhipuai/_client.py "
        "(zai-sdk's ZAI_API_KEY serves api.z.ai too, so it is not read here)",
    ),
    Preset(
        provider="Baidu Qianfan",
        names=("ernie-",),
        base_url="https://qianfan.baidubce.com/v2",
        key_variable="QIANFAN_API_KEY",
        source="cloud.baidu.com/doc/qianfan/s/Hmh4suq26; Baidu names no variable, this one as in "
        "docs.openclaw.ai/providers/qianfan",
    ),
    Preset(
        provider="Volcengine Ark",
        names=("doubao-",),
        base_url="https://ark.cn-beijing.volces.com/api/v3",
        key_variable="ARK_API_KEY",
        source="volcengine.com/docs/82379/1263482",
    ),
    Preset(
        provider="Moonshot (Kimi)",
        names=("moonshot-", "kimi-"),
        base_url="https://api.moonshot.cn/v1",
        key_variable="MOONSHOT_API_KEY",
        source="platform.kimi.com/docs/api/overview",
    ),
    Preset(
        provider="DeepSeek",
        names=("deepseek-",),
        base_url="https://api.deepseek.com",
        key_variable="DEEPSEEK_API_KEY",
        source="api-docs.deepseek.com",
    ),
    Preset(
        provider="MiniMax",
        names=("minimax-",),
        base_url="https://api.minimaxi.com/v1",
        key_variable="MINIMAX_API_KEY",
        source="platform.minimaxi.com/docs/api-reference/text-openai-api; the variable in "
        "java.agentscope.io/v2/en/integration/model/minimax",
    ),
)

_NAME = re.compile(r"[a-z0-9._-]+", re.ASCII)
"""A provider's own name for a model; `Qwen/Qwen2.5-7B` and `deepseek-r1:7b` are names on servers of one's own."""


def preset_for(name: str) -> Preset | None:
    """The provider whose model has that name, or None."""
    plain = name.lower()
    if not _NAME.fullmatch(plain):
        return None
    return next((preset for preset in PRESETS if plain.startswith(preset.names)), None)


def preset_at(host: str) -> Preset | None:
    """The provider whose endpoint is at that host, or None."""
    return next((preset for preset in PRESETS if preset.host == host), None)


def preset_key(preset: Preset, name: str, environment: Mapping[str, str]) -> str:
    """The key for a provider that the name alone chose: its own variable's, no other.

    Raises:
        UsageError: that variable is not set; the message never says what another one holds.
    """
    key = environment.get(preset.key_variable, "").strip()
    if key:
        return key
    raise UsageError(
        f"openai:{name} goes to {preset.provider} ({preset.base_url}): export its key as {preset.key_variable} or "
        "name its variable with --api-key-env (for a judge --judge-api-key-env); OPENAI_API_KEY is not sent there. "
        "For another endpoint give --base-url or OPENAI_BASE_URL"
    )
